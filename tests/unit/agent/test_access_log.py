"""The parser: all fields, all escapes, all reasons for a rejection, and random bytes."""

import calendar
import ipaddress
import json
import re

import pytest
from access_log import (
    beacon_id,
    click_record,
    encode,
    epoch_ms,
    log_time,
    short_address,
    unescape,
)
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.local.beacon_server.apache_log import escape, format_line

NOW_MS = 1795564860000  # 26/Nov/2026 00:01:00 UTC
LINE = (
    b'203.0.113.9 - - [25/Nov/2026:00:01:00 +0000] "GET /beacon HTTP/1.1" 200 2 '
    b'"https://a.example/" "Mozilla/5.0" "click" "c-1" "/cart" "a.example" "july" "-" '
    b'"page_load_time" "312" "0.25" "fast" 1795564860123'
)
FIELDS = [
    *("beacon_id", "host", "ident", "authuser", "datetime", "requested_at", "request"),
    *("response", "bytes"),
    *("referrer", "agent", "event", "clientid", "page", "source", "campaign", "automation"),
    "custom_metric_name",
    *("custom_metric_int_value", "custom_metric_float_value", "custom_metric_string_value"),
    "received_at",
]


def parse(line: bytes) -> dict:
    return click_record(line, "server:1:0:00000000", NOW_MS)


def shown(line: bytes) -> bytes:
    """Return a line as a record has it: its first word may be an address."""
    address, others = b"203.0.113.9 ", line.partition(b" ")[2]
    return b"203.0.113.0 " + others if line.startswith(address) else line


def test_every_field_of_a_beacon():
    record = parse(LINE)
    assert list(record) == FIELDS
    assert list(record.values()) == [
        *("server:1:0:00000000", "203.0.113.0", None, None, "25/Nov/2026:00:01:00 +0000"),
        1795564860000,
        *("GET /beacon HTTP/1.1", 200, 2, "https://a.example/", "Mozilla/5.0", "click", "c-1"),
        *("/cart", "a.example", "july", None, "page_load_time", 312, 0.25, "fast", 1795564860123),
    ]


@given(st.integers(0, 250_000_000_000))
def test_a_time_is_the_same_after_conversion_to_text_and_back(seconds):
    assert epoch_ms(log_time(seconds)) == seconds * 1000


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize(("zone", "seconds"), [("+0000", 0), ("-0330", 12_600), ("+1245", -45_900)])
def test_every_month_and_zone_is_read_as_apache_writes_it(month, zone, seconds):
    name = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * month - 3 : 3 * month]
    text = f"07/{name}/2026:23:59:58 {zone}"
    moment = calendar.timegm((2026, month, 7, 23, 59, 58)) + seconds
    assert epoch_ms(text) == moment * 1000
    other = text.replace(name, name.upper())
    with pytest.raises(ValueError, match=re.escape(other)):
        epoch_ms(other)


def test_absent_fields_are_none():
    record = parse(b'::1 - - [25/Nov/2026:00:01:00 +0000] "-" 408 -' + b' "-"' * 12 + b" 7")
    present = {name: value for name, value in record.items() if value is not None}
    assert present == {
        "beacon_id": "server:1:0:00000000",
        "host": "::",
        "datetime": "25/Nov/2026:00:01:00 +0000",
        "requested_at": 1795564860000,
        "response": 408,
        "received_at": 7,
    }


def test_an_empty_field_is_an_empty_text_or_no_number():
    record = parse(LINE.replace(b'"click"', b'""').replace(b'"312"', b'""'))
    assert (record["event"], record["custom_metric_int_value"]) == ("", None)


@pytest.mark.parametrize(
    ("logged", "text"),
    [
        (rb"\"", '"'),
        (rb"\\", "\\"),
        (rb"\n\t\b\r\f\v", "\n\t\b\r\f\v"),
        (rb"\x00\x1b\x7f", "\x00\x1b\x7f"),
        (rb"\xc3\xa9 \xe6\x97\xa5", "é 日"),
        (rb"\xF0\x9F\xA6\x86", "🦆"),
        (rb"\\x41", r"\x41"),
        (rb"\\\"", '\\"'),
        (rb"\x5cn", r"\n"),
        (rb"\q", "q"),
        (rb"\xff\xc3", r"\xff\xc3"),  # not UTF-8: shown as an escape
        (rb"\xzz", "xzz"),
        ("é".encode(), "é"),
        (b"\xff", r"\xff"),
    ],
)
def test_escapes_are_undone(logged, text):
    assert parse(LINE.replace(b"/cart", logged))["page"] == text


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        (b'"312"', b'"-9223372036854775808"', "custom_metric_int_value", -(2**63)),
        (b'"312"', b'"+007"', "custom_metric_int_value", 7),
        *((b'"0.25"', b'"%s"' % text, "custom_metric_float_value", float(text))
          for text in (b"-1e-3", b"5", b".5", b"-1e80", b"1e-200")),
        (b" 200 2 ", b" 304 - ", "bytes", None),
        (b" 200 2 ", b" 200 9223372036854775807 ", "bytes", 2**63 - 1),
        (b"+0000", b"-0500", "datetime", "25/Nov/2026:00:01:00 -0500"),
        (b"203.0.113.9", b"2001:db8:1:2::3", "host", "2001:db8:1::"),
        (b"GET /beacon HTTP/1.1", b"", "request", ""),
    ],
)  # fmt: skip
def test_values_at_their_limits(old, new, field, value):
    # Ten days later, so that no time zone puts the line into the future.
    record = click_record(LINE.replace(old, new), "server:1:0:00000000", NOW_MS + 864_000_000)
    assert record[field] == value


UNREADABLE = {
    b'"312"': [
        *(b'"9223372036854775808"', b'"1_000"', b'" 5"', b'"3.5"', b'"' + b"9" * 6000 + b'"'),
        '"\N{ARABIC-INDIC DIGIT FIVE}"'.encode(),
    ],
    b'"0.25"': [
        *(b'"nan"', b'"inf"', b'"1e999"', b'"1e120"', b'"-1.1e80"', b'"0x1p3"', b'"fast"'),
        *(b'"' + b"9" * 81 + b'"', b'"' + b"1" * 7000 + b'x"'),
    ],
    b" 200 2 ": [b" - 2 ", b" 9223372036854775808 2 ", b" 200 two "],
    b"1795564860123": [b"9223372036854775808", b"", b"1795564860123 "],
    b"25/Nov/2026": [b"31/Feb/2026", b"5/Nov/2026", b"25/nov/2026", b"01/Jan/0000"],
    b"00:01:00 +0000": [b"24:01:00 +0000", b"00:01:00 +9900"],
    b'"click"': [b'"cl"ick"', b'"click\\"'],
    b'"click" ': [b""],
    b" - - ": [b" - "],
    LINE: [b"", LINE[:150], LINE[:100] + LINE, bytes(range(256))],
}


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old, values in UNREADABLE.items() for new in values]
)
def test_an_unparsable_line_is_rejected_with_its_text(old, new):
    line = LINE.replace(old, new)
    assert parse(line) == {
        "beacon_id": "server:1:0:00000000",
        "rejected": "unparsable",
        "line": shown(line).decode("utf-8", "backslashreplace"),
        "received_at": NOW_MS,
    }
    whole = click_record(line, "s:1:0:0", NOW_MS, whole_addresses=True)
    assert whole["line"] == line.decode("utf-8", "backslashreplace")


def test_a_line_of_8192_bytes_is_read_and_a_longer_one_rejected_and_cut():
    filler = b"p" * (8192 - len(LINE) + len(b"/cart"))
    assert "rejected" not in parse(LINE.replace(b"/cart", filler))
    longer = LINE.replace(b"/cart", filler + b"p")
    record = parse(longer)
    assert record["rejected"] == "too_long"
    assert record["line"] == shown(longer[:8192]).decode()


def test_a_line_more_than_a_minute_ahead_is_from_the_future():
    event_ms = 1795564860000
    at = [event_ms - 60_000, event_ms - 60_001]
    rejected = [click_record(LINE, "s:1:0:0", now).get("rejected") for now in at]
    assert rejected == [None, "from_the_future"]


def test_the_time_zone_is_respected():
    assert parse(LINE.replace(b"+0000", b"-0100"))["rejected"] == "from_the_future"
    assert "rejected" not in parse(LINE.replace(b"+0000", b"+0100"))


ADDRESSES = {
    "203.0.113.9": "203.0.113.0",
    "255.255.255.255": "255.255.255.0",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348": "2001:db8:85a3::",
    "2001:DB8::1": "2001:db8::",
    "fe80::1%eth0": "fe80::",
    # An IPv4 address within an IPv6 address has its own /24.
    "::ffff:203.0.113.9": "::ffff:203.0.113.0",
    "2002:cb00:7109:1::1": "2002:cb00:7100::",
    "64:ff9b::203.0.113.9": "64:ff9b::",
}
NO_ADDRESSES = [
    *("", "-", "localhost", "203.0.113", "203.0.113.9.9", "203.0.113.256", "203.0.113.9:80"),
    *(
        "0203.0.113.9",
        "[::1]",
        "1::2::3",
        ":",
        "%",
        "203.0.113.9\x00",
        "\u0661.\u0662.\u0663.\u0664",
    ),
    *("203.0.113.9" + "0" * 8000, "unknown", "host-203-0-113-9.isp.example"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_shortened_in_every_record(address):
    assert short_address(address) == ADDRESSES[address]
    line = LINE.replace(b"203.0.113.9", address.encode())
    assert parse(line)["host"] == ADDRESSES[address]
    assert parse(line + b'"')["line"].startswith(ADDRESSES[address] + " ")
    assert click_record(line, "s:1:0:0", NOW_MS, whole_addresses=True)["host"] == address


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_not_an_address_stays_as_it_is(text):
    assert short_address(text) == text


@given(st.ip_addresses())
@example(ipaddress.ip_address("2002:cb00:7109:1::1"))
@example(ipaddress.ip_address("::ffff:203.0.113.9"))
def test_addresses_of_one_network_become_the_same(address):
    shortened = short_address(str(address))
    kept = 24 if address.version == 4 else 48
    if address.version == 6 and address.ipv4_mapped:
        kept = 96 + 24
    elif address.version == 6 and address.sixtofour:
        kept = 16 + 24
    network = ipaddress.ip_network(f"{address}/{kept}", strict=False)
    assert short_address(shortened) == shortened
    assert ipaddress.ip_address(shortened) == network.network_address


def test_beacon_ids_of_different_lines_differ():
    given = {"server": "a", "inode": 1, "offset": 0, "line": b"x"}
    others = {"server": "b", "inode": 2, "offset": 2, "line": b"y"}
    changed = [given | {name: value} for name, value in others.items()]
    assert len({beacon_id(*each.values()) for each in [given, *changed]}) == 5
    # The agent reads 8193 bytes of a very long line, or more: the ID is the same.
    assert beacon_id("a", 1, 0, b"x" * 8193) == beacon_id("a", 1, 0, b"x" * 10_000)


@pytest.mark.parametrize("rest", [LINE.partition(b" ")[2], b"", b"rubbish", b"\xf0"])
def test_a_beacon_id_does_not_depend_on_the_last_part_of_the_address(rest):
    lines = [b"203.0.113.%d %s" % (last, rest) for last in range(256)]
    ids = {beacon_id("a", 1, 0, line) for line in lines}
    assert len(ids) == 1
    assert beacon_id("a", 1, 0, b"203.0.114.1 " + rest) not in ids
    assert beacon_id("a", 1, 0, b"2001:db8:1:2::3") == beacon_id("a", 1, 0, b"2001:db8:1::")
    # A link-local address may have its interface, whatever its name.
    assert beacon_id("a", 1, 0, b"fe80::1%\xff") == beacon_id("a", 1, 0, b"fe80::")


def test_a_record_is_encoded_as_one_line_of_json():
    data = encode(parse(LINE.replace(b"/cart", rb"/\n\xc3\xa9")), 1795564861000)
    assert data.count(b"\n") == 1 and data.endswith(b"}\n")
    assert list(json.loads(data)) == [*FIELDS, "shipped_at"]
    assert json.loads(data)["page"] == "/\né"


@given(st.binary(max_size=300) | st.binary().map(lambda junk: LINE[:90] + junk + LINE[90:]))
@example(b"\xed\xa0\x80")
@example(LINE.replace(b"25/Nov/2026:00:01:00 +0000", b"01/Jan/0001:00:00:00 +1400"))
@example(LINE.replace(b"25/Nov/2026:00:01:00 +0000", b"31/Dec/9999:23:59:59 -1400"))
def test_any_bytes_become_a_record_that_json_can_encode(line):
    record = parse(line)
    assert json.loads(encode(record, 1).decode()) == record | {"shipped_at": 1}
    reasons = ("unparsable", "too_long", "from_the_future")
    assert set(record) == set(FIELDS) or record["rejected"] in reasons


@given(st.binary())
@example(bytes(range(256)))
def test_unescape_reverts_escape(value):
    escaped = escape(value)
    assert escaped.isascii() and b"\n" not in escaped
    assert unescape(escaped) == value


@given(st.text().filter(lambda text: text != "-"), st.text().filter(lambda text: text != "-"))
def test_the_agent_reads_the_same_fields_that_the_server_logs(event, page):
    fields = {b"event": event.encode(), b"page": page.encode()}
    line = format_line("::1", NOW_MS, b"GET /beacon HTTP/1.1", 200, 2, fields)
    record = parse(line.removesuffix(b"\n"))
    if len(line) > 8193:
        assert record["rejected"] == "too_long"
    else:
        assert (record["event"], record["page"], record["received_at"]) == (event, page, NOW_MS)
