"""Requests to both servers: raw bytes, so that no client library repairs them.

The request lines of tests/beacon_lines.py, which the tests also send, are not repeated here.
"""

from collections.abc import Callable, Iterable

from tests.beacon_lines import SENT

HOST = b"Host: shop.example\r\n"
CLOSE = b"Connection: close\r\n"
FIELDS = (
    b"Referer: https://a.example/?q=1&r=2\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"event: click\r\nclientid: c-1\r\npage: /cart\r\nsource: a.example\r\n"
    b"campaign: july\r\nautomation: webdriver\r\ncustom_metric_name: page_load_time\r\n"
    b"custom_metric_int_value: 312\r\ncustom_metric_float_value: 0.312\r\n"
    b"custom_metric_string_value: fast\r\n"
)


def get(headers: bytes = b"", line: bytes = b"GET /beacon HTTP/1.1", body: bytes = b"") -> bytes:
    """A request that closes its connection, with these headers."""
    return line + b"\r\n" + HOST + headers + CLOSE + b"\r\n" + body


def post(headers: bytes, body: bytes, path: bytes = b"/beacon") -> bytes:
    """A POST with these headers and this body, even if they contradict each other."""
    return get(headers, b"POST " + path + b" HTTP/1.1", body)


def named(
    kind: str, values: Iterable[bytes], request: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """Return a request for each value, by the value's first bytes and its length."""
    return {
        f"{kind} {value[:60].decode('latin-1')!r}, {len(value)} bytes": request(value)
        for value in values
    }


def _values() -> dict[str, bytes]:
    return {
        "every field": get(FIELDS),
        "no field": get(),
        "empty fields": get(b"event:\r\npage: \r\nclientid: \t \r\nReferer:\r\nUser-Agent:\r\n"),
        "a field that is a dash": get(b"event: -\r\n"),
        "quotes": get(b'event: say "hi"\r\nUser-Agent: "\r\npage: ""\r\n'),
        "backslashes": get(b'event: a\\b\\\\c\r\npage: \\\r\nclientid: \\x41\\n\\"\r\n'),
        "a tab inside": get(b"event: a\tb\r\npage:\t/p\t\r\n"),
        "UTF-8": get("page: /käse/日本\r\nevent: 🦆\r\n".encode()),
        "invalid UTF-8": get(b"page: /\xff\xfe\r\nevent: \xc3\r\nclientid: \x80abc\r\n"),
        "every byte from 0x20": get(b"event: ." + bytes(range(0x21, 0x7F)) + b".\r\n"),
        "every byte from 0x80": get(b"event: ." + bytes(range(0x80, 0x100)) + b".\r\n"),
        "repeated fields": get(b"event: a\r\nevent: b\r\nEVENT: c\r\npage: x\r\npage:\r\n"),
        "field names in capitals": get(b"EVENT: click\r\nUSER-AGENT: X\r\nrEfErEr: y\r\n"),
        "spaces around values": get(b"event:   click   \r\npage:/p\r\nclientid: a  b\r\n"),
        "8 KB of a field": get(b"event: " + b"e" * 8000 + b"\r\n"),
        "a line of 8190": get(b"event: " + b"e" * 8183 + b"\r\n"),
        "a line of 8191": get(b"event: " + b"e" * 8184 + b"\r\n"),
        "64 KB of a field": get(b"page: before\r\nevent: " + b"e" * 65536 + b"\r\npage: after\r\n"),
        "100 fields": get(b"".join(b"h%d: x\r\n" % n for n in range(98)) + b""),
        "101 fields": get(b"".join(b"h%d: x\r\n" % n for n in range(99)) + b"event: x\r\n"),
        "HTML": get(b"page: <script>alert(1)</script>\r\nevent: &amp;'\r\n"),
        "folded lines": get(b"event: a\r\n  b\r\n\tc\r\npage: /p\r\n"),
        "a fold before any field": with_host(b" event: x\r\n" + HOST),
        "folded beyond 8190": get(b"event: a\r\n" + b" bbbbbbbbb\r\n" * 900),
    }


def _control_bytes() -> dict[str, bytes]:
    control = [*range(0, 9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]
    in_a_value = {
        f"byte {byte:#04x} in a value": get(b"page: /p\r\nevent: a%cb\r\nclientid: c\r\n" % byte)
        for byte in control
    }
    in_the_path = {
        f"byte {byte:#04x} in the path": get(b"event: x\r\n", b"GET /beacon%c HTTP/1.1" % byte)
        for byte in [*control, 0x09, 0x0D, 0x80, 0xFF, 0x22, 0x5C]
    }
    return in_a_value | in_the_path | {"a bare CR in a value": get(b"event: a\rb\r\npage: /p\r\n")}


def _request_lines() -> dict[str, bytes]:
    versions = [b"HTTP/2.0", b"HTTP/3", b"HTTP/0.9", b"HTTP/11.1", b"http/1.1", b"HTTP/1.1x"]
    versions += [b"FTP/1.1", b" HTTP/1.1", b"HTTP/1.1 "]
    paths = [
        b"http://shop.example/beacon?a=b",
        b"http://shop.example:8080/beacon",
        b"*",
        b"/beaconx",
    ]
    paths += [b"ftp://shop.example/beacon", b"/../../etc/passwd", b'/beacon?q="a\\b"', b"/no.html"]
    paths += [b"/index.html/", b"/x/..//./%69ndex.html?q", b"/" + b"p" * 300, b"/" + b"p" * 5000]
    # The last four make lines of 8,000 bytes, of the maximum, of one byte more, of 64 KB.
    paths += [b"/beacon?" + b"q" * (size - 21) for size in (8000, 8190, 8191, 65_557)]
    lines = [
        *(b"GET /beacon " + version for version in versions),
        *(b"GET " + path + b" HTTP/1.1" for path in paths),
        *(b"%s /beacon HTTP/1.1" % method
          for method in (b"DELETE", b"PATCH", b"TRACE", b"G(T", b"G\xc3\xa9T")),
        *(b"%s %s HTTP/1.1" % (method, path)
          for method in (b"GET", b"HEAD", b"POST", b"PUT")
          for path in (b"/health", b"/", b"/index.html", b"/shop.css")),
        *(b"OPTIONS %s HTTP/1.1" % path for path in (b"*", b"/x/y", b"/beacon?x=y")),
        *(b"GET", b"GET ", b" GET /beacon HTTP/1.1", b"GET\t/beacon\tHTTP/1.1", b"hello"),
        b"CONNECT shop.example:443 HTTP/1.1",
    ]  # fmt: skip
    return named("the line", lines, lambda line: get(FIELDS, line))


def _hosts() -> dict[str, bytes]:
    hosts = [
        *(b"", b"a b", b"a/b", b"a_b", b"\xc3\xa9", b"shop.example:8080", b"shop.example:http"),
        *(b"shop.example:0", b"shop.example:70000", b"shop.example:", b"127.0.0.1:80"),
        *(b"[::1]:80", b"[::1", b"a..b", b"a\r\nHost: b"),
    ]
    return named("the Host", hosts, lambda host: with_host(b"Host: %s\r\n" % host))


def with_host(host: bytes, line: bytes = b"GET /beacon HTTP/1.1") -> bytes:
    """A request with this line, and with these bytes in the place of the Host."""
    return line + b"\r\n" + host + b"event: x\r\n" + CLOSE + b"\r\n"


def _headers() -> dict[str, bytes]:
    return {
        "no Host": with_host(b""),
        "no Host in HTTP/1.0": b"GET /beacon HTTP/1.0\r\nevent: x\r\n\r\n",
        "a field without a colon": get(b"page: /p\r\nevent click\r\nclientid: c\r\n"),
        "a field without a name": get(b"page: /p\r\n: click\r\nclientid: c\r\n"),
        "a space before the colon": get(b"page: /p\r\nevent : click\r\nclientid: c\r\n"),
        "a space in a name": get(b"page: /p\r\nev ent: click\r\nclientid: c\r\n"),
        "bytes in a name": get(b"page: /p\r\n\xc3\xa9: click\r\nclientid: c\r\n"),
        "a bracket in a name": get(b"page: /p\r\ne(x: click\r\nclientid: c\r\n"),
        "lines that end in LF alone": get(b"event: x\r\n").replace(b"\r\n", b"\n"),
        "the request line ends in LF alone": get(b"event: x\r\n").replace(b"\r\n", b"\n", 1),
        "a field that ends in CR CR LF": get(b"event: x\r\r\npage: /p\r\n"),
        "Expect: 100-continue": post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"),
        "another Expect": post(b"Expect: tea\r\nContent-Length: 3\r\n", b"abc"),
        "a Range": get(b"Range: bytes=0-0\r\nIf-Modified-Since: Wed, 01 Jan 2031 00:00:00 GMT\r\n"),
        "If-None-Match": get(b"If-None-Match: *\r\n"),
        "an upgrade": get(b"Upgrade: websocket\r\nConnection: Upgrade\r\n"),
        "basic authorization": get(b"Authorization: Basic dXNlcjpwYXNz\r\n"),
        "a forwarded address": get(b"X-Forwarded-For: 203.0.113.9\r\n"),
    }


def _bodies() -> dict[str, bytes]:
    chunked = b"Transfer-Encoding: chunked\r\n"
    return {
        "a body": post(b"Content-Length: 11\r\nevent: x\r\n", b"event=click"),
        "an empty body": post(b"Content-Length: 0\r\n", b""),
        "no length": post(b"event: x\r\n", b""),
        "a body of GET": get(b"Content-Length: 3\r\n", body=b"abc"),
        "a body longer than its length": post(b"Content-Length: 3\r\n", b"abcdefgh"),
        "a length with a sign": post(b"Content-Length: +3\r\n", b"abc"),
        "a negative length": post(b"Content-Length: -3\r\n", b"abc"),
        "a length that is a word": post(b"Content-Length: three\r\n", b"abc"),
        "an empty length": post(b"Content-Length:\r\n", b"abc"),
        "an endless length": post(b"Content-Length: " + b"9" * 40 + b"\r\n", b"abc"),
        "two equal lengths": post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
        "two lengths": post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
        "1 MB": post(b"Content-Length: 1048576\r\n", b"x" * 1048576),
        "over 1 MB": post(b"Content-Length: 1048577\r\n", b"x" * 1048577),
        "over 1 MB elsewhere": post(b"Content-Length: 1048577\r\n", b"x" * 1048577, b"/else"),
        "chunks": post(chunked, b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\n\r\n"),
        "chunks and a trailer": post(chunked, b"3\r\nabc\r\n0\r\nevent: trailer\r\n\r\n"),
        "chunks and 100 trailers": post(chunked, b"0\r\n" + b"a: b\r\n" * 100 + b"\r\n"),
        "chunks and 101 trailers": post(chunked, b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n"),
        "a bad chunk": post(chunked, b"zz\r\nabc\r\n0\r\n\r\n"),
        "chunks and a length": post(chunked + b"Content-Length: 3\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        "gzip": post(b"Transfer-Encoding: gzip\r\n", b"abc"),
        "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        "identity": post(b"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", b"abc"),
        "CHUNKED": post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n"),
        "chunks in HTTP/1.0": get(chunked, b"POST /beacon HTTP/1.0", b"0\r\n\r\n"),
        "a binary body": post(b"Content-Length: 256\r\n", bytes(range(256))),
        "PUT with a body": get(b"Content-Length: 3\r\n", b"PUT /beacon HTTP/1.1", b"abc"),
        "OPTIONS with a body": get(b"Content-Length: 3\r\n", b"OPTIONS /beacon HTTP/1.1", b"abc"),
    }


def _connections() -> dict[str, bytes]:
    keep = b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: %d\r\n\r\n"
    post = b"POST /beacon HTTP/1.1\r\nHost: a\r\n"
    posted = post + b"Content-Length: 3\r\nevent: x\r\n\r\nabc"
    chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"
    following = {
        "chunks": post + chunks,
        "a 404": b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n",
        "a 405": b"PUT /beacon HTTP/1.1\r\nHost: a\r\n\r\n",
        "a 400": b"GET /beacon HTTP/1.1\r\n\r\n",
        "a 413": post + b"Content-Length: 1048577\r\n\r\n" + b"x" * 1048577,
        "HTTP/1.0": b"GET /beacon HTTP/1.0\r\n\r\n",
        "HTTP/1.0 that keeps": b"GET /beacon HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "a close": get(b"event: 1\r\n"),
        "OPTIONS": b"OPTIONS /beacon HTTP/1.1\r\nHost: a\r\n\r\n",
        "blank lines": b"\r\n\r\n\n",
        "ten blank lines": b"\r\n" * 10,
        "eleven blank lines": b"\r\n" * 11,
    }
    return {f"after {name}": sent + get(b"event: next\r\n") for name, sent in following.items()} | {
        "three at once": keep % 1 + keep % 2 + get(b"event: 3\r\n"),
        "after a body": posted + posted + get(b"event: 3\r\n"),
        "every byte in a line": bytes(range(1, 10)) + bytes(range(11, 256)) + b"\n\r\n",
        "binary": bytes(range(1, 256)) + b"\r\n\r\n",
        "binary with NUL": bytes(range(256)) * 4 + b"\r\n\r\n",
        "a TLS hello": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\x7f" * 500 + b"\r\n\r\n",
        "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "one byte": b"G\r\n\r\n",
        "only blank lines": b"\r\n\r\n",
    }


def _cut_off() -> dict[str, bytes]:
    chunked = b"POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return {
        "nothing": b"",
        "half a request line": b"GET /bea",
        "a request line": b"GET /beacon HTTP/1.1\r\n",
        "half a field": b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: cl",
        "fields without an end": b"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: click\r\n",
        "half a body": b"POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
        "half a chunk": chunked + b"9\r\nabc",
        "a blank line": b"\r\n",
        "a bad request line": b"GET\r\n",
    }


# Sent completely; then the sender waits for the end of the connection.
WHOLE = _values() | _control_bytes() | _request_lines() | _hosts() | _headers() | _bodies()
WHOLE |= _connections()
# Sent; then the sender closes its side, or keeps silent until the server gives up.
CUT_OFF = _cut_off()
# For tests that change and mix requests.
SMALL = [get(FIELDS, line) for line in SENT]
SMALL += [data for data in WHOLE.values() if len(data) < 20_000]
