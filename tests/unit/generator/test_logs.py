"""A log in any of the known formats becomes the same beacons; a log in another one is refused."""

import bz2
import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.generator.logs import files
from helpers.generator.logs.files import find_logs

FIELD = REPOSITORY.parent / "shared" / "field" / "logs"
EXPECTED = FIELD / "expected.json"
FIELD_LOGS = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}

WHEN = 1795564800.0
AT, ISO = "25/Nov/2026:00:00:00 +0000", "2026-11-25T00:00:00"
HEAD = f'- - [{AT}] "GET /caf%C3%A9?q=%22a%22 HTTP/1.1" 200 5'
TAIL = r'"https://news.example/a?b=c" "na\xc3\xafve \"one\" 1.0"'
JSON = {
    "remote_addr": "192.0.2.7",
    "request": "GET /caf%C3%A9?q=%22a%22 HTTP/1.1",
    "http_referer": "https://news.example/a?b=c",
    "http_user_agent": 'naïve "one" 1.0',
}
CADDY = {
    "ts": WHEN + 0.5,
    "msg": "handled request",
    "request": {
        "remote_ip": "10.0.0.9",
        "client_ip": "192.0.2.7",
        "method": "GET",
        "uri": "/caf%C3%A9?q=%22a%22",
        "headers": {
            "User-Agent": ['naïve "one" 1.0'],
            "Referer": ["https://news.example/a?b=c"],
        },
    },
}
BALANCER = (
    "{} 10.0.0.1:80 0.001 0.002 0.000 200 200 34 366 "
    '"GET https://www.shop.example:443/caf%C3%A9?q=%22a%22 HTTP/1.1" '
    r'"na\xC3\xAFve \x22one\x22 1.0"'
)
ALB = f"h2 {ISO}.304560Z app/my-lb/50dc6c495c0c9188 {BALANCER}" + ' TLS - - "Root=1-5" "-" "-" 0'
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) "
    + (
        "cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query\n"
        "2026-11-25\t00:00:00\tLHR61-P2\t5\t192.0.2.7\tGET\td1.cloudfront.net\t/caf%C3%A9\t200\t"
        "https://news.example/a?b=c\tna%C3%AFve{0}%22one%22{0}1.0\tq=%2522a%2522"
    )
)
IIS = "#Software: Microsoft Internet Information Services 10.0\n#Date: 2026-11-25 00:00:00\n" + (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) "
    "cs(Referer) sc-status time-taken\n"
    "2026-11-25 00:00:00 10.0.0.1 GET /caf%C3%A9 q=%22a%22 443 192.0.2.7 {} "
    "https://news.example/a?b=c 200 15"
)
APACHE = "Apache or nginx"
# Format, text, and what the log does not have.
LOGS = [
    (f"{APACHE} common log", f"192.0.2.7 {HEAD}", {"agent", "referrer"}),
    (f"{APACHE} combined log", f"192.0.2.7 {HEAD} {TAIL}", set()),
    (f"{APACHE} combined log with ports", f"192.0.2.7:50000 {HEAD} {TAIL}", set()),
    (f"{APACHE} combined log with sites", f"shop.example:443 192.0.2.7 {HEAD} {TAIL}", set()),
    (f"{APACHE} combined log with sites", f"shop.example 192.0.2.7 {HEAD} {TAIL}", set()),
    (f"{APACHE} combined log with more fields", f'192.0.2.7 {HEAD} {TAIL} "-" rt=0.1 "x"', set()),
    (
        "nginx proxy manager log",
        f'[{AT}] - 200 200 - GET https shop.example "/caf%C3%A9?q=%22a%22" [Client 192.0.2.7] '
        r'[Length 5] [Gzip -] [Sent-to 10.0.0.3] "na\xC3\xAFve \x22one\x22 1.0" '
        '"https://news.example/a?b=c"',
        set(),
    ),
    (
        "nginx proxy manager log",
        f'[{AT}] 200 - GET https shop.example "/caf%C3%A9?q=%22a%22" [Client 192.0.2.7] '
        r'[Length 5] [Gzip 2.1] "na\xC3\xAFve \x22one\x22 1.0" "https://news.example/a?b=c"',
        set(),
    ),
    ("JSON log", json.dumps(JSON | {"time_local": AT}, ensure_ascii=False), set()),
    ("JSON log", json.dumps(JSON | {"@timestamp": f"{ISO}+00:00"}), set()),
    (
        "JSON log",  # without escape=json
        '{"msec": "1795564800.000", "remote_addr": "192.0.2.7", "request_method": "GET", '
        r'"request_uri": "/caf%C3%A9?q=%22a%22", "http_user_agent": "na\xC3\xAFve \x22one\x22 1.0"'
        ', "http_referer": "https://news.example/a?b=c"}',
        set(),
    ),
    ("Caddy log", json.dumps(CADDY), set()),
    ("Caddy log", json.dumps(CADDY | {"ts": f"{ISO}Z"}), set()),
    ("AWS load balancer log", ALB.format("192.0.2.7:50000"), {"referrer"}),
    ("AWS load balancer log", f"{ISO}Z lb {BALANCER} - -".format("192.0.2.7:5"), {"referrer"}),
    ("CloudFront log", CLOUDFRONT.format("%20"), set()),
    ("CloudFront log", CLOUDFRONT.format("%2520"), set()),
    ("IIS log", IIS.format('naïve+"one"+1.0'), {"spaces"}),
]
OTHERS = {
    "text": "hello\nworld\n",
    "nothing": "",
    "blank lines": "\n" * 100_000,
    "a table": "time,address\n1,192.0.2.7\n",
    "other JSON": '{"address": "192.0.2.7"}\n',
    "JSON without a time": json.dumps(JSON),
    "JSON without an address": json.dumps({"time": ISO, "uri": "/"}),
    "JSON of Caddy's other logs": '{"level": "info", "ts": 1.5, "msg": "serving initial config"}',
    "nginx's errors": "2026/11/25 00:00:00 [error] 1#1: *1 open() failed, client: 192.0.2.7\n",
    "a log inside of syslog's": f"Nov 25 00:00:00 web nginx: 192.0.2.7 {HEAD} {TAIL}\n",
    "a wrong time": f"192.0.2.7 {HEAD} {TAIL}".replace(AT, "25/Dez/2026:00:00:00 +0000"),
    "fields of another server": "#Fields: date time c-ip\n2026-11-25 00:00:00\n",
    "binary": "\x00\x01\x02" * 1000,
}


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(("name", "text", "without"), LOGS)
def test_a_log_becomes_the_same_beacon_in_each_format(tmp_path, name, text, without):
    (log,) = find_logs(write(tmp_path / "a.log", text + "\r\n\r\n"))
    assert log.name == name
    ((beacon, when),) = [read for read in log.beacons() if read]
    assert beacon.page == b"/caf%C3%A9" and int(when) == WHEN
    agent = 'naïve+"one"+1.0' if "spaces" in without else 'naïve "one" 1.0'
    assert beacon.agent == (None if "agent" in without else agent.encode())
    referrer = None if "referrer" in without else b"https://news.example/a?b=c"
    assert beacon.referrer == referrer
    assert (log.requests, log.skipped, beacon.altered) == (1, 0, [])


def test_a_visitor_is_the_address_without_its_port_and_the_agent(tmp_path):
    addresses = ["192.0.2.7:1", "192.0.2.7:2", "[2001:db8::7]:1", "[2001:db8::7]:2", "192.0.2.8:1"]
    for line in (f"{{}} {HEAD} {TAIL}", ALB):
        text = "\n".join(line.format(address) for address in addresses)
        (log,) = find_logs(write(tmp_path / "a.log", text))
        visitors = [beacon.clientid for beacon, _ in filter(None, log.beacons())]
        assert [visitors.index(visitor) for visitor in visitors] == [0, 0, 2, 2, 4]
    plain = "\n".join(f"{address} {HEAD}" for address in ("2001:db8::1", "2001:db8::2", "::1"))
    (log,) = find_logs(write(tmp_path / "a.log", plain))
    assert len({beacon.clientid for beacon, _ in filter(None, log.beacons())}) == 3


@pytest.mark.parametrize("kind", OTHERS)
def test_a_log_in_another_format_is_refused_with_its_first_line(tmp_path, kind):
    with pytest.raises(WorkshopError) as error:
        find_logs(write(tmp_path / "other.log", OTHERS[kind]))
    first = next((line for line in OTHERS[kind].splitlines() if not line.startswith("#")), "")
    assert error.value.cause.startswith("other.log is in no format of access logs")
    assert kind == "binary" or first[:10] in error.value.cause
    assert "Apache" in error.value.remedy and "IIS" in error.value.remedy


def test_lines_that_are_no_requests_are_skipped_and_counted(tmp_path):
    lines = [f"192.0.2.7 {HEAD} {TAIL}", "rubbish", f'192.0.2.7 - - [{AT}] "-" 408 - "-" "-"', ""]
    (log,) = find_logs(write(tmp_path / "a.log", "\n".join(lines)))
    beacons = [beacon for beacon, _ in filter(None, log.beacons())]
    assert [beacon.page for beacon in beacons] == [b"/caf%C3%A9", None]
    assert (log.requests, log.skipped) == (2, 1)


def test_the_fields_may_change_within_a_file(tmp_path):
    more = "#Fields: date time c-ip cs-uri-stem\n2026-11-25 00:00:01 192.0.2.8 /b\n"
    (log,) = find_logs(write(tmp_path / "a.log", IIS.format("x") + "\n" + more))
    assert [beacon.page for beacon, _ in filter(None, log.beacons())] == [b"/caf%C3%A9", b"/b"]


COMPRESS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstandard": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_file_may_be_compressed_in_several_parts(tmp_path, kind):
    line = f"192.0.2.7 {HEAD} {TAIL}\n".encode()
    (tmp_path / "log").write_bytes(COMPRESS[kind](line * 3_000) + COMPRESS[kind](line))
    (log,) = find_logs(tmp_path / "log")
    assert len(list(filter(None, log.beacons()))) == log.requests == 3_001
    assert log.file.problem is None and log.file.progress == 1


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstandard"])
def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path, kind):
    lines = [f"192.0.2.{n % 250} - {n} [{AT}] {TAIL} 200 5 {TAIL}\n" for n in range(100_000)]
    whole = COMPRESS[kind]("".join(lines).encode())
    (tmp_path / "log").write_bytes(whole[: len(whole) * 3 // 4] + b"damage" * 100)
    (log,) = find_logs(tmp_path / "log")
    assert 1_000 < len(list(filter(None, log.beacons()))) < 100_000
    assert log.file.problem.startswith("The log can't be read to its end: ")


def test_rotated_files_are_read_in_the_order_of_their_times(tmp_path):
    for name, minute in {"access.log": 30, "access.log.1": 20, "access.log.10": 10}.items():
        write(tmp_path / name, f"192.0.2.7 {HEAD} {TAIL}\n".replace("00:00:00", f"00:{minute}:00"))
    (tmp_path / "old").mkdir()
    line = f"h2 {ISO}Z app/lb/1 {BALANCER} -\n".format("192.0.2.7:1")
    (tmp_path / "old" / "lb.gz").write_bytes(gzip.compress(line.encode()))
    write(tmp_path / "error.log", "no access log")
    write(tmp_path / "empty.log", "")
    names = ["lb.gz", "access.log.10", "access.log.1", "access.log"]
    assert [log.path.name for log in find_logs(tmp_path)] == names
    assert [log.path.name for log in find_logs(tmp_path / "access.log*")] == names[1:]


def test_a_folder_without_logs_is_refused(tmp_path):
    with pytest.raises(WorkshopError, match="no file in"):
        find_logs(tmp_path)
    with pytest.raises(WorkshopError, match="no file in"):
        find_logs(tmp_path / "*.log")
    write(tmp_path / "a", "no log")
    with pytest.raises(WorkshopError, match="a is in no format"):
        find_logs(tmp_path)


@pytest.mark.parametrize("text", ["\x00", "\n", '"\\', " [", '{"a":', "[[", "#Fields: a\n", "1 "])
def test_a_file_of_anything_is_refused_by_its_first_megabyte(tmp_path, text):
    (tmp_path / "bomb").write_bytes(gzip.compress(text.encode() * (100_000_000 // len(text))))
    with pytest.raises(WorkshopError, match="in no format"):
        find_logs(tmp_path / "bomb")
    first = files._first_lines(tmp_path / "bomb", files.OWN_SITE_BY)
    assert sum(map(len, first)) <= 2 * files.LONGEST_LINE


@pytest.mark.parametrize("name", FIELD_LOGS)
def test_logs_of_the_field_have_their_expected_counts(name):
    expected = FIELD_LOGS[name]
    (log,) = find_logs(FIELD / name)
    read = list(filter(None, log.beacons()))
    beacons, times = [beacon for beacon, _ in read], [int(when) for _, when in read]

    def counts(values) -> dict:
        return dict(Counter((value or b"-").decode() for value in values))

    assert (len(read), log.skipped) == (expected["requests"], 0)
    assert len({beacon.clientid for beacon in beacons}) == expected["visitors_by_address_and_agent"]
    assert counts(beacon.page for beacon in beacons) == expected["pages"]
    assert counts(beacon.agent for beacon in beacons) == expected["agents"]
    # A load balancer's log has no referrers, although the expected counts have some.
    wanted = {"-": 60} if name == "alb.log" else expected["referrers"]
    assert counts(beacon.referrer for beacon in beacons) == wanted
    assert (min(times), max(times)) == (expected["first"], expected["last"])
