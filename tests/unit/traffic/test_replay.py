"""Each line of a real log becomes one beacon with the same values, byte for byte."""

import gzip
import re
from collections import Counter

import pytest

from bench.make_sample_log import PATH as SAMPLE
from bench.make_sample_log import lines
from helpers.core.errors import WorkshopError
from helpers.generator.beacon import sendable
from helpers.generator.logs import lines as formats
from helpers.generator.logs.beacons import beacon_of
from helpers.generator.logs.files import Log, LogFile
from helpers.traffic import generator_process
from helpers.traffic import replay_progress as progress
from tests.catcher import until
from tests.logs import LOGS, counted

TIME = "[25/Nov/2026:00:00:00 +0000]"


def arrived(catcher):
    names = ("page", "user-agent", "referer")
    return {name: Counter(beacon.get(name) for beacon in catcher.beacons) for name in names}


@pytest.mark.parametrize("log", LOGS)
def test_a_log_arrives_whole(flowing, log):
    traffic, catcher = flowing
    totals, lines_of_log = traffic.replay(log, rate=2_500), LOGS[log]
    assert (totals.sent, totals.answered) == (lines_of_log, lines_of_log)
    assert (totals.failed, totals.altered, len(catcher.beacons)) == (0, 0, lines_of_log)
    assert arrived(catcher) == counted(log)
    assert {beacon["event"] for beacon in catcher.beacons} == {b"pageview"}
    journal = traffic.journal()
    assert len(journal) == lines_of_log
    assert journal.clientid.nunique() == len({beacon["clientid"] for beacon in catcher.beacons})


def test_the_sample_is_what_its_script_writes():
    with gzip.open(SAMPLE, "rt", encoding="ascii") as file:
        assert file.read().splitlines() == lines()


@pytest.mark.parametrize(
    ("line", "page", "agent", "referrer"),
    [
        (f'::1 - - {TIME} "GET /a?b=c HTTP/1.1" 200 5 "-" "-"', b"/a", None, None),
        (f'1.2.3.4 - - {TIME} "-" 408 - "-" "-"', None, None, None),
        (f'1.2.3.4 - - {TIME} "\\x16\\x03\\x01" 400 0 "-" "-"', None, None, None),
        (f'1.2.3.4 - - {TIME} "" 400 0 "" ""', None, b"", b""),
        (f'1.2.3.4 - - {TIME} "HEAD / HTTP/1.1" 200 -', b"/", None, None),
        (f'1.2.3.4 - a b {TIME} "GET /x HTTP/1.1" 200 1 "r" "a"', b"/x", b"a", b"r"),
        (f'h - - {TIME} "GET /\\xc3\\xa9 HTTP/1.1" 2 - "-" "-"', b"/\xc3\xa9", None, None),
        (f'h - - {TIME} "GET / HTTP/1.1" 2 - "-" "a \\"b\\" \\\\c"', b"/", b'a "b" \\c', None),
        (f'h - - {TIME} "GET /a\\x00b HTTP/1.1" 2 - "-" "x\\ny"', rb"/a\x00b", rb"x\x0ay", None),
        (f'h - - {TIME} "GET / HTTP/1.1" 200 1 "-" "{"a" * 9_000}"', b"/", b"a" * 8_000, None),
    ],
)  # fmt: skip
def test_a_line_becomes_a_beacon_with_its_values(line, page, agent, referrer):
    beacon = beacon_of(formats.apache(line.encode()))
    assert (beacon.page, beacon.agent, beacon.referrer) == (page, agent, referrer)
    assert beacon.event == b"pageview"
    assert re.fullmatch(rb"[0-9a-f]{12}", beacon.clientid)


def test_the_client_is_its_address_and_its_agent():
    def client(address, agent):
        line = f'{address} - - {TIME} "GET / HTTP/1.1" 200 1 "-" "{agent}"'
        return beacon_of(formats.apache(line.encode())).clientid

    clients = [client("::1", "a"), client("::1", "b"), client("::2", "a"), client("::1", "a")]
    assert clients[0] == clients[3]
    assert len(set(clients)) == 3


def test_what_http_cannot_carry_is_changed_and_journaled(flowing, tmp_path):
    log = tmp_path / "odd.log"
    log.write_text(
        f'h - - {TIME} "GET / HTTP/1.1" 200 1 "-" "a\\x00b"\n\n'
        f'h - - {TIME} "GET / HTTP/1.1" 200 1 "{"r" * 70_000}" " blank "\r\n'
        "no log line at all"
    )
    traffic, catcher = flowing
    totals = traffic.replay(log, rate=100)
    assert (totals.sent, totals.answered, totals.altered) == (2, 2, 2)
    status = traffic.replay_status()
    assert progress.sentence(status) == (
        "Apache or nginx combined log: 2 requests, 1 line skipped."
    )
    agents = Counter(beacon.get("user-agent") for beacon in catcher.beacons)
    assert agents == Counter([rb"a\x00b", b"blank"])
    assert {len(beacon.get("referer", b"")) for beacon in catcher.beacons} == {0, 8_000}
    altered = sorted(sum(traffic.journal().altered.dropna(), []))
    assert altered == [
        "agent: blanks at the ends dropped",
        "agent: control characters made visible",
        "referrer: cut from 70,000 to 8,000 bytes",
    ]


def test_every_byte_is_sent_as_it_is_or_made_visible():
    for byte in range(256):
        value, change = sendable(b"a%cb" % byte)
        control = byte in {*range(32), 127} - {9}
        assert value == (rb"a\x%02xb" if control else b"a%cb") % byte
        assert bool(change) == control


def test_the_logs_own_timing_keeps_its_order_and_leaves_nothing_out(flowing, tmp_path):
    log = tmp_path / "timed.log"
    stamps = ["00:00:00", "00:00:30", "00:00:29", "00:01:00", "99:99:99"]
    log.write_text(
        "".join(
            f'h - - [25/Nov/2026:{stamp} +0000] "GET /{number} HTTP/1.1" 200 1 "-" "-"\n'
            for number, stamp in enumerate(stamps)
        )
    )
    traffic, catcher = flowing
    assert traffic.replay(log, speed=100).sent == 5
    assert [beacon["page"] for beacon in catcher.beacons][:2] == [b"/0", b"/1"]
    assert {beacon["page"] for beacon in catcher.beacons} == {b"/%d" % n for n in range(5)}


def test_a_server_that_leaves_loses_no_line(flowing):
    traffic, catcher = flowing
    traffic.replay(SAMPLE, rate=1_000, wait=False)
    until(lambda: traffic.replay_status()["sent"] >= 300)
    catcher.close_connections()
    until(lambda: traffic.replay_status()["state"] != "running")
    status = traffic.replay_status()
    # A beacon whose connection broke may have arrived or not: it is reported as unknown.
    assert status["not_sent"] == 0
    assert status["answered"] + status["unknown"] == 2_000
    assert status["answered"] <= len(catcher.beacons) <= 2_000


def test_a_damaged_gzip_file_is_replayed_as_far_as_it_goes(flowing, tmp_path):
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(SAMPLE.read_bytes()[:-2_000])
    traffic, catcher = flowing
    with pytest.raises(WorkshopError, match="can't be read to its end"):
        traffic.replay(damaged, rate=2_000)
    assert 100 < len(catcher.beacons) == traffic.replay_status()["sent"] < 2_000


def test_ending_a_replay_early(flowing):
    traffic, catcher = flowing
    traffic.replay(SAMPLE, rate=50, wait=False)
    until(lambda: catcher.beacons)
    totals = traffic.stop_replay()
    assert totals.state == "stopped"
    assert totals.sent == len(catcher.beacons) < 2_000


@pytest.mark.parametrize("text", [b"\0", b"\n", b'"\\', b" ["])
def test_a_replay_of_a_gzip_bomb_can_be_stopped(flowing, tmp_path, text):
    bomb = tmp_path / "bomb.gz"
    line = f'h - - {TIME} "GET / HTTP/1.1" 200 1\n'.encode()
    bomb.write_bytes(gzip.compress(line) + gzip.compress(text * (10_000_000 // len(text))) * 500)
    traffic, _ = flowing
    traffic.replay(bomb, rate=1_000, wait=False)
    # Some way into its 5 GB; a generator that does not answer is killed, and writes no last state.
    until(lambda: traffic.replay_status().get("progress"))
    assert traffic.stop_replay().state == "stopped"


def test_a_line_of_a_megabyte_does_not_fill_the_memory(tmp_path):
    log = tmp_path / "long.log"
    line = f'h - - {TIME} "GET / HTTP/1.1" 200 1'.encode()
    log.write_bytes(line + b" " + b"a" * 3_000_000 + b"\n" + line + b"\n")
    assert [line and len(line) for line in LogFile(log).lines()] == [1 << 20, None, None, len(line)]
    assert [beacon.altered for beacon, _ in filter(None, Log(log).beacons())] == [
        ["line: cut to 1,048,576 bytes"],
        [],
    ]


def test_progress_leaves_the_output_of_a_command_alone(flowing, capsys):
    traffic, _ = flowing
    traffic.replay(SAMPLE, rate=5_000)
    output = capsys.readouterr()
    assert output.out == ""
    last = (
        "2,000 beacons sent, 100%. Apache or nginx combined log: 2,000 requests, 0 lines skipped."
    )
    assert output.err.splitlines()[-1].endswith(last)


def test_a_problem_is_a_sentence_of_its_own():
    status = {"sent": 5, "progress": 0.5, "state": "running", "problem": "It can't keep up."}
    assert progress._words("a.log", status) == (
        "Replaying a.log: 5 beacons sent, 50%. It can't keep up."
    )
    ended = status | {"state": "stopped", "format": "IIS log", "requests": 5, "skipped": 1}
    assert progress._words("a.log", ended) == (
        "Replaying a.log: 5 beacons sent, 50%. IIS log: 5 requests, 1 line skipped. "
        "It can't keep up."
    )


def test_the_button_of_the_bar_stops_a_replay_without_an_error(flowing, monkeypatch):
    traffic, catcher = flowing
    buttons = []

    def bar(name, press):
        buttons.append(press)
        return lambda status: catcher.beacons and buttons and buttons.pop()()

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "_bar", bar)
    totals = traffic.replay(SAMPLE, rate=50)
    assert totals.state == "stopped" and 0 < totals.sent < 2_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": "no/such/file"}, "No such file"),
        ({"path": "Makefile"}, "in no format of access logs"),
        ({"rate": 0}, "greater than 0"),
        ({"rate": -1}, "from 0 to"),
        ({"rate": "fast"}, "can't be 'fast'"),
        ({"speed": 0}, "greater than 0"),
        ({"rate": 1, "speed": 1}, "not both"),
    ],
)
def test_foreseeable_mistakes(flowing, arguments, words):
    traffic, catcher = flowing
    with pytest.raises(WorkshopError, match=words):
        traffic.replay(**{"path": SAMPLE} | arguments)
    assert generator_process.running_pid("replay") is None
    assert not catcher.beacons
