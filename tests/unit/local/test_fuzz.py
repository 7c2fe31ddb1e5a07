"""Any bytes to the beacon server and the agent: neither fails, and no request is lost."""

import json
import math
import re
import socket
from unittest import mock

import pytest
from access_log import beacon_id, click_record, encode
from hypothesis import example, given
from hypothesis import strategies as st
from tail import Tail

from helpers.core.paths import REPOSITORY
from helpers.local.beacon_server import header_fields
from helpers.local.beacon_server.apache_request import HeadReader, read_request
from tests.fuzzing import fuzzed
from tests.parity import hostile
from tests.running_server import Server, all_of, statuses

NOW_MS = 1_795_500_000_000


# --- requests

TEXT = st.binary(max_size=40)
NAMES = st.sampled_from(
    [b"event", b"page", b"Referer", b"User-Agent", b"custom_metric_int_value", b"Host"]
    + [b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection", b"X-Forwarded-For"]
)
FIELDS = st.tuples(
    NAMES | TEXT, st.sampled_from([b": ", b":", b" : ", b""]), TEXT | st.sampled_from([b"3", b"-"])
).map(b"".join)
FIRST_LINES = st.tuples(
    st.sampled_from([b"GET", b"POST", b"OPTIONS", b"PUT", b"get", b""]) | TEXT,
    st.sampled_from([b" ", b"  ", b"\t"]),
    st.sampled_from([b"/beacon", b"/beacon?a=b", b"/health", b"/", b"*", b"/%2e%2e/"]) | TEXT,
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b""]) | TEXT,
).map(b"".join)
ENDS = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r"])
HEADS = st.tuples(FIRST_LINES, st.lists(FIELDS, max_size=8), ENDS, TEXT).map(
    lambda t: t[2].join([t[0], b"Host: a", *t[1], b"", t[3]])
)


def changed(change: tuple[bytes, list[tuple[int, int]]]) -> bytes:
    data = bytearray(change[0])
    for place, byte in change[1]:
        data[place % len(data)] = byte
    return bytes(data)


CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4)
CHANGED = st.tuples(st.sampled_from(hostile.SMALL), CHANGES).map(changed)
REQUESTS = st.lists(HEADS | CHANGED | st.binary(max_size=200), min_size=1, max_size=3).map(b"".join)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    log = tmp_path_factory.mktemp("fuzz") / "access.log"
    with Server(log, options=("--timeout", "5")) as server:
        yield server
        assert server.process.poll() is None and server.said == []


@fuzzed(400)
@given(REQUESTS)
def test_each_answer_has_its_line_in_the_log_and_each_line_its_record(server, data):
    before = server.log.stat().st_size
    with server.raw() as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answers = [status for status in statuses(all_of(client)) if status >= 200]
    with server.log.open("rb") as log:
        log.seek(before)
        logged = log.read()
    lines = logged.split(b"\n")[:-1]
    assert logged == b"".join(line + b"\n" for line in lines)
    assert not re.search(rb"[^ -~\n]", logged), "Apache escapes whatever could mislead a reader"
    records = [click_record(line, "s:1:0:0", NOW_MS * 2) for line in lines]
    written = [
        record["response"] if "rejected" not in record else int(re.search(rb'" (\d{3}) ', line)[1])
        for record, line in zip(records, lines, strict=True)
    ]
    assert written == answers


@fuzzed(300)
@given(REQUESTS, st.lists(st.integers(0, 3000), max_size=6))
def test_a_head_is_read_the_same_however_it_arrives(data, cuts):
    whole, reader = read_request(data), HeadReader()
    start = 0
    for cut in sorted(cut for cut in cuts if cut < len(data)):
        found = reader.read(data[start:cut], 0)
        start += reader.next
        if found:
            assert found == whole
            return
    assert reader.read(data[start:], 0) == whole


def with_fields(count: int) -> bytes:
    """A request's head of so many fields: Apache allows a hundred."""
    lines = [b"Host: a", *(b"f%d: 1" % n for n in range(1, count))]
    return b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""])


@fuzzed(300)
@given(REQUESTS)
@example(b"GET / HTTP/1.0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
@example(with_fields(100))
@example(with_fields(101))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nf: " + b"x" * 8187 + b"\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: a\r\nf: 1\r\nF: 2\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: a\r\nf: 1\r\n 2\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: a\r\nf: 1\n\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: a\r\nf:\xe9\t\r\n\r\n")
def test_fields_are_read_the_same_at_once_and_one_by_one(data):
    at_once = read_request(data)
    with mock.patch.object(header_fields, "read_usual", lambda *_: None):
        assert read_request(data) == at_once


def test_a_browsers_fields_are_read_at_once():
    head = hostile.get(hostile.FIELDS)
    begin = head.index(b"\n") + 1
    fields, end = header_fields.read_usual(head, begin, 100)
    assert (fields, end) == (read_request(head).fields, len(head)) and len(fields) > 8


# --- log lines

QUOTED = st.tuples(
    st.sampled_from(
        [b"-", b"GET /beacon HTTP/1.1", b"9" * 30, b"1e999", b"nan", b"1_0", b"\\", b""]
    )
    | st.binary(max_size=60)
    | st.sampled_from([b"\\x", b"\\xff", b'\\"', b"\\u0000", b"\x00\x1f\xc2\x80\xed\xa0\x80"])
).map(lambda t: b'"' + t[0] + b'"')
LINES = st.tuples(
    st.sampled_from([b"203.0.113.9 - -", b"::1 - u", b"a b"]) | st.binary(max_size=20),
    st.sampled_from([b"[25/Nov/2026:00:00:00 +0000]", b"[31/Feb/2026:00:00:00 +0000]"])
    | st.sampled_from([b"[25/Nov/9999:00:00:00 +9999]", b"[99/Nov/2026:99:99:99 -0000]"]),
    QUOTED,
    st.sampled_from([b"200 2", b"200 -", b"9999999999999999999 1", b"-1 -1"]),
    st.lists(QUOTED, min_size=9, max_size=9).map(b" ".join),
    st.sampled_from([b"1795500000000", b"99999999999999999999", b"x"]),
).map(b" ".join)
# Lines in which only one number is odd.
PLAIN = [b"200", b"2", b"312", b"0.5", b"1764028860123"]
NUMBERS = [b"-", b"", b"7", b"-0", b"9" * 30, b"1e3", b"%d" % 2**63, b"%d" % (-(2**63) - 1)]
NUMBERS += [b"1e999", b"-1.5e-400", b"nan", b"Infinity", b"1_0", b"0x1", b"\xd9\xa3", b" 1"]
NUMBERED = st.tuples(st.integers(0, 4), st.sampled_from(NUMBERS)).map(
    lambda t: (
        b'::1 - - [25/Nov/2025:00:00:00 +0000] "GET /beacon HTTP/1.1" %s %s "-" "-" "e" "c" "/p" '
        b'"m" "%s" "%s" "s" %s' % tuple(PLAIN[: t[0]] + [t[1]] + PLAIN[t[0] + 1 :])
    )
)
LONG = st.tuples(st.binary(max_size=9), st.integers(8_000, 8_400)).map(lambda t: t[0] * t[1])
SQL = (REPOSITORY / "assets" / "flink" / "sql" / "01_clicks.sql").read_text(encoding="utf-8")
COLUMNS = dict(re.findall(r"^  `?(\w+)`?\s+(STRING|BIGINT|DOUBLE)", SQL, re.M))
# A byte becomes at most six characters of JSON (\u0000); a Kinesis record holds 1 MB.
MOST_BYTES = 6 * 8192 + 1000


def fits(value: object, kind: str) -> bool:
    """Whether Flink reads a value as it is into a column of this type."""
    if value is None:
        return True
    if kind == "BIGINT":
        return type(value) is int and -(2**63) <= value < 2**63
    if kind == "DOUBLE":
        return type(value) is float and math.isfinite(value)
    return type(value) is str


@fuzzed(250)
@given(st.lists(LINES | NUMBERED | LONG | st.binary(max_size=100), max_size=8))
@example([b""])
@example([b"x" * 8192, b"x" * 8193])
def test_each_line_becomes_one_record_that_flink_can_read(tmp_path, lines):
    log = tmp_path / "access.log"
    data = b"".join(line + b"\n" for line in lines)
    log.write_bytes(data)
    tail = Tail(log, {"files": {}})
    found = [line for part in iter(lambda: tail.read(3), []) for line in part]
    tail.close()
    assert [line.text[:8192] for line in found] == [s[:8192] for s in data.split(b"\n")[:-1]]
    names = [beacon_id("s", line.inode, line.offset, line.text) for line in found]
    assert len(set(names)) == len(names)
    for line, name in zip(found, names, strict=True):
        record = click_record(line.text, name, NOW_MS)
        text = encode(record, NOW_MS)
        assert text.endswith(b"\n") and text.count(b"\n") == 1 and len(text) <= MOST_BYTES
        read = json.loads(text)
        assert read == record | {"shipped_at": NOW_MS}
        line_too = {"line": "STRING"} if "rejected" in record else {}
        assert all(fits(value, (COLUMNS | line_too)[field]) for field, value in read.items())
        assert record.get("rejected") in (None, "unparsable", "too_long", "from_the_future")
