"""What both servers are sent: raw bytes, so that no client library repairs them."""

HOST = b"Host: shop.example\r\n"
CLOSE = b"Connection: close\r\n"
FIELDS = (
    b"Referer: https://a.example/?q=1&r=2\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"event: click\r\nclientid: c-1\r\npage: /cart\r\ncustom_metric_name: page_load_time\r\n"
    b"custom_metric_int_value: 312\r\ncustom_metric_float_value: 0.312\r\n"
    b"custom_metric_string_value: fast\r\n"
)


def get(headers: bytes = b"", line: bytes = b"GET /beacon HTTP/1.1", body: bytes = b"") -> bytes:
    """A request that closes its connection, with these headers."""
    return line + b"\r\n" + HOST + headers + CLOSE + b"\r\n" + body


def post(headers: bytes, body: bytes, path: bytes = b"/beacon") -> bytes:
    """A POST with these headers and this body, whatever they say about each other."""
    return get(headers, b"POST " + path + b" HTTP/1.1", body)


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
        "a fold before any field": b"GET /beacon HTTP/1.1\r\n event: x\r\n"
        + HOST
        + CLOSE
        + b"\r\n",
        "folded beyond 8190": get(b"event: a\r\n" + b" bbbbbbbbb\r\n" * 900),
    }


def _control_bytes() -> dict[str, bytes]:
    control = [*range(0, 9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]
    in_a_value = {
        f"byte {byte:#04x} in a value": get(
            b"page: /p\r\nevent: a" + bytes([byte]) + b"b\r\nclientid: c\r\n"
        )
        for byte in control
    }
    in_the_path = {
        f"byte {byte:#04x} in the path": get(
            b"event: x\r\n", b"GET /beacon" + bytes([byte]) + b" HTTP/1.1"
        )
        for byte in [*control, 0x09, 0x0D, 0x80, 0xFF, 0x22, 0x5C]
    }
    return in_a_value | in_the_path | {"a bare CR in a value": get(b"event: a\rb\r\npage: /p\r\n")}


def _request_lines() -> dict[str, bytes]:
    lines = {
        "HTTP/1.0": b"GET /beacon HTTP/1.0",
        "HTTP/1.2": b"GET /beacon HTTP/1.2",
        "HTTP/2.0": b"GET /beacon HTTP/2.0",
        "HTTP/3": b"GET /beacon HTTP/3",
        "HTTP/0.9 with a version": b"GET /beacon HTTP/0.9",
        "HTTP/11.1": b"GET /beacon HTTP/11.1",
        "http/1.1": b"GET /beacon http/1.1",
        "HTTP/1.1x": b"GET /beacon HTTP/1.1x",
        "FTP/1.1": b"GET /beacon FTP/1.1",
        "no version": b"GET /beacon",
        "only a method": b"GET",
        "a method and a space": b"GET ",
        "two spaces": b"GET  /beacon HTTP/1.1",
        "two spaces before the version": b"GET /beacon  HTTP/1.1",
        "a space before": b" GET /beacon HTTP/1.1",
        "a space after": b"GET /beacon HTTP/1.1 ",
        "a tab between": b"GET\t/beacon\tHTTP/1.1",
        "four words": b"GET /beacon x HTTP/1.1",
        "lower case": b"get /beacon HTTP/1.1",
        "an unknown method": b"FETCH /beacon HTTP/1.1",
        "a method with a bracket": b"G(T /beacon HTTP/1.1",
        "a method with bytes": b"G\xc3\xa9T /beacon HTTP/1.1",
        "words": b"hello",
        "a whole URL": b"GET http://shop.example/beacon?a=b HTTP/1.1",
        "a whole URL with a port": b"GET http://shop.example:8080/beacon HTTP/1.1",
        "a whole URL of another scheme": b"GET ftp://shop.example/beacon HTTP/1.1",
        "a path without a slash": b"GET beacon HTTP/1.1",
        "a star": b"OPTIONS * HTTP/1.1",
        "GET of a star": b"GET * HTTP/1.1",
        "two slashes": b"GET //beacon HTTP/1.1",
        "a dot": b"GET /./beacon HTTP/1.1",
        "two dots": b"GET /x/../beacon HTTP/1.1",
        "dots that leave": b"GET /../../etc/passwd HTTP/1.1",
        "an encoded letter": b"GET /%62eacon HTTP/1.1",
        "an encoded slash": b"GET /%2fbeacon HTTP/1.1",
        "an encoded NUL": b"GET /beacon%00 HTTP/1.1",
        "a bad escape": b"GET /beacon%zz HTTP/1.1",
        "a bad escape in the query": b"GET /beacon?%zz HTTP/1.1",
        "a slash after": b"GET /beacon/ HTTP/1.1",
        "more after": b"GET /beaconx HTTP/1.1",
        "a query": b"GET /beacon?event=click&page=%2Fcart HTTP/1.1",
        "an empty query": b"GET /beacon? HTTP/1.1",
        "a query with quotes": b'GET /beacon?q="a\\b" HTTP/1.1',
        "a query with bytes": b"GET /beacon?q=\xc3\xa9\xff HTTP/1.1",
        "a fragment": b"GET /beacon#top HTTP/1.1",
        "a semicolon": b"GET /beacon;v=1 HTTP/1.1",
        "health": b"GET /health HTTP/1.1",
        "HEAD of health": b"HEAD /health HTTP/1.1",
        "POST of health": b"POST /health HTTP/1.1",
        "PUT of health": b"PUT /health HTTP/1.1",
        "the root": b"GET / HTTP/1.1",
        "HEAD of the root": b"HEAD / HTTP/1.1",
        "POST of the root": b"POST / HTTP/1.1",
        "PUT of the root": b"PUT / HTTP/1.1",
        "a page": b"GET /index.html HTTP/1.1",
        "HEAD of a page": b"HEAD /shop.css HTTP/1.1",
        "POST of a page": b"POST /index.html HTTP/1.1",
        "PUT of a page": b"PUT /index.html HTTP/1.1",
        "a page as a folder": b"GET /index.html/ HTTP/1.1",
        "a page that is not there": b"GET /no.html HTTP/1.1",
        "a page by detours": b"GET /x/..//./%69ndex.html?q HTTP/1.1",
        "HEAD": b"HEAD /beacon HTTP/1.1",
        "PUT": b"PUT /beacon HTTP/1.1",
        "DELETE": b"DELETE /beacon HTTP/1.1",
        "PATCH": b"PATCH /beacon HTTP/1.1",
        "TRACE": b"TRACE /beacon HTTP/1.1",
        "CONNECT": b"CONNECT shop.example:443 HTTP/1.1",
        "OPTIONS": b"OPTIONS /beacon HTTP/1.1",
        "OPTIONS of anything": b"OPTIONS /x/y HTTP/1.1",
        "OPTIONS with POST headers": b"OPTIONS /beacon?x=y HTTP/1.1",
        "a line of 8000": b"GET /beacon?" + b"q" * 7979 + b" HTTP/1.1",
        "a line of 8190 bytes": b"GET /beacon?" + b"q" * (8190 - 21) + b" HTTP/1.1",
        "a line of 8191 bytes": b"GET /beacon?" + b"q" * (8191 - 21) + b" HTTP/1.1",
        "a path of 300": b"GET /" + b"p" * 300 + b" HTTP/1.1",
        "a path of 5000": b"GET /" + b"p" * 5000 + b" HTTP/1.1",
        "64 KB of a line": b"GET /beacon?" + b"q" * 65536 + b" HTTP/1.1",
    }
    return {name: get(FIELDS, line) for name, line in lines.items()}


def _headers() -> dict[str, bytes]:
    line = b"GET /beacon HTTP/1.1\r\n"
    end = CLOSE + b"\r\n"
    return {
        "no Host": line + b"event: x\r\n" + end,
        "no Host in HTTP/1.0": b"GET /beacon HTTP/1.0\r\nevent: x\r\n\r\n",
        "an empty Host": line + b"Host:\r\nevent: x\r\n" + end,
        "a bad Host": line + b"Host: a b\r\nevent: x\r\n" + end,
        "a Host with a slash": line + b"Host: a/b\r\nevent: x\r\n" + end,
        "a Host with an underscore": line + b"Host: a_b\r\nevent: x\r\n" + end,
        "a Host with bytes": line + b"Host: \xc3\xa9\r\nevent: x\r\n" + end,
        "a Host with a port": line + b"Host: shop.example:8080\r\nevent: x\r\n" + end,
        "a Host with a bad port": line + b"Host: shop.example:http\r\nevent: x\r\n" + end,
        "a Host with port 0": line + b"Host: shop.example:0\r\nevent: x\r\n" + end,
        "a Host with port 70000": line + b"Host: shop.example:70000\r\nevent: x\r\n" + end,
        "a Host with an empty port": line + b"Host: shop.example:\r\nevent: x\r\n" + end,
        "a Host that is IPv4": line + b"Host: 127.0.0.1:80\r\nevent: x\r\n" + end,
        "a Host that is IPv6": line + b"Host: [::1]:80\r\nevent: x\r\n" + end,
        "a Host that is half an IPv6": line + b"Host: [::1\r\nevent: x\r\n" + end,
        "a Host with two dots": line + b"Host: a..b\r\nevent: x\r\n" + end,
        "two Hosts": line + b"Host: a\r\nHost: b\r\nevent: x\r\n" + end,
        "a field without a colon": get(b"page: /p\r\nevent click\r\nclientid: c\r\n"),
        "a field without a name": get(b"page: /p\r\n: click\r\nclientid: c\r\n"),
        "a space before the colon": get(b"page: /p\r\nevent : click\r\nclientid: c\r\n"),
        "a space in a name": get(b"page: /p\r\nev ent: click\r\nclientid: c\r\n"),
        "bytes in a name": get(b"page: /p\r\n\xc3\xa9: click\r\nclientid: c\r\n"),
        "a bracket in a name": get(b"page: /p\r\ne(x: click\r\nclientid: c\r\n"),
        "lines that end in LF alone": b"GET /beacon HTTP/1.1\nHost: a\nevent: x\n"
        b"Connection: close\n\n",
        "the request line ends in LF alone": b"GET /beacon HTTP/1.1\n"
        + HOST
        + b"event: x\r\n"
        + end,
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
        "a body longer than said": post(b"Content-Length: 3\r\n", b"abcdefgh"),
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
    posted = b"POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nevent: x\r\n\r\nabc"
    return {
        "three at once": keep % 1 + keep % 2 + get(b"event: 3\r\n"),
        "after a body": posted + posted + get(b"event: 3\r\n"),
        "after chunks": b"POST /beacon HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\nx: y\r\n\r\n" + get(b"event: next\r\n"),
        "after a 404": b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"event: next\r\n"),
        "after a 405": b"PUT /beacon HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"event: next\r\n"),
        "after a 400": b"GET /beacon HTTP/1.1\r\n\r\n" + get(b"event: never read\r\n"),
        "after a 413": b"POST /beacon HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"
        + b"x" * 1048577
        + get(b"event: next\r\n"),
        "after HTTP/1.0": b"GET /beacon HTTP/1.0\r\n\r\n" + get(b"event: never read\r\n"),
        "HTTP/1.0 that keeps": b"GET /beacon HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        + get(b"event: next\r\n"),
        "after a close": get(b"event: 1\r\n") + get(b"event: never read\r\n"),
        "after an OPTIONS": b"OPTIONS /beacon HTTP/1.1\r\nHost: a\r\n\r\n"
        + get(b"event: next\r\n"),
        "blank lines first": b"\r\n\r\n\n" + get(b"event: x\r\n"),
        "ten blank lines first": b"\r\n" * 10 + get(b"event: x\r\n"),
        "eleven blank lines first": b"\r\n" * 11 + get(b"event: x\r\n"),
        "every byte in a line": bytes(range(1, 10)) + bytes(range(11, 256)) + b"\n\r\n",
        "binary": bytes(range(1, 256)) + b"\r\n\r\n",
        "binary with NUL": bytes(range(256)) * 4 + b"\r\n\r\n",
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        + b"\x7f" * 500
        + b"\r\n\r\n",
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


# Sent whole; then the sender waits for the end of the connection.
WHOLE = _values() | _control_bytes() | _request_lines() | _headers() | _bodies() | _connections()
# Sent, and then the sender closes its side.
HALF_CLOSED = _cut_off()
# Sent, and then the sender keeps silent until the server gives up.
SILENT = _cut_off()
