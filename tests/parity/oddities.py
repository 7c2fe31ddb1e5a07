"""A hundred and more further requests: each at the edge of a rule, sent raw to both servers.

Paths are such that no case turns on how a path is spelled (that: hostile.py).
"""

from tests.parity.hostile import CLOSE, FIELDS, get, post

CHUNKED = b"Transfer-Encoding: chunked\r\n"
NEXT = get(b"event: next\r\n")


def _whole_urls() -> dict[str, bytes]:
    urls = [
        b"http://shop.example",
        b"http://shop.example?a=b",
        b"http://",
        b"http:///health",
        b"HTTP://SHOP.EXAMPLE/health",
        b"https://shop.example/health",
        b"http://user@shop.example/health",
        b"http://user:secret@shop.example/health",
        b"http://user:secret@shop.example:8080/health?q=1",
        b"http://user:@shop.example/health",
        b"http://:secret@shop.example/health",
        b"http://@shop.example/health",
        b"http://user:se:cret@shop.example/health",
        b"http://user:se@cret@shop.example/health",
        b"http://user:secret@/health",
        b"http://user:secret@shop.example:x/health",
        b"http://user:secret@shop.example",
        b"http://user:secret@shop.example/../health",
        b"http://user:%22secret@shop.example/no%zz",
        b'http://user:se"cret@shop.example/health',
        b"http://us er:secret@shop.example/health",
        b"https://user:secret@shop.example/health",
        b"ftp://user:secret@shop.example/health",
        b"http://user:secret@[::1]:8080/health",
        b"http://user:secret@shop.example/health#top",
        b"http://shop.example/health?u=http://user:secret@other.example/",
        b"//user:secret@shop.example/health",
        b"user:secret@shop.example/health",
        b"http:user:secret@shop.example/health",
        b"http://shop.example:/health",
        b"http://shop.example:0/health",
        b"http://shop.example:00080/health",
        b"http://shop.example:65535/health",
        b"http://shop.example:65536/health",
        b"http://shop.example:99999999999999999999/health",
        b"http://shop.example:http/health",
        b"http://shop.example:-1/health",
        b"http://shop.example:+80/health",
        b"http://shop.example:8x/health",
        b"http://shop.example:80:80/health",
        b"http://[::1]/health",
        b"http://[::1]:80/health",
        b"http://[::1/health",
        b"http://[::1]x/health",
        b"http://[::1]:x/health",
        b"http://[::1%25lo]/health",
        b"http://[x]/health",
        b"http://[:]/health",
        b"http://[1.2.3.4]/health",
        b"http://:80/health",
        b"http://a:-/health",
        b"http://1/health",
        b"http://1a/health",
        b"http://./health",
        b"http://a./health",
        b"http://a.-/health",
        b"http://01.2.3.4/health",
        b"http://A]/health",
        b"http://a@b:x/health",
        b"http:?x",
        b"https:/health",
        b"ftp:/health",
        b"x:",
        b"http://[]/health",
        b"http://::1/health",
        b"http://a..b/health",
        b"http://.a/health",
        b"http://a_b/health",
        b"http://-/health",
        b"http://1.2.3.4/health",
        b"http://1.2.3/health",
        b"http://256.256.256.256/health",
        b"http://a%41/health",
        b"http://a%/health",
        b"http://\xc3\xa9/health",
        b"http://a;b/health",
        b"http://a*b/health",
        b"h+t.t-p://shop.example/health",
        b"1http://shop.example/health",
        b"://shop.example/health",
        b"http:/health",
        b"http:health",
        b"http:",
        b"http://shop.example/he%61lth",
        b"http://shop.example/?",
        b"http://shop.example/no.html",
    ]
    return {
        f"the target {url.decode('latin-1')}": get(FIELDS, b"GET " + url + b" HTTP/1.1")
        for url in urls
    }


def _targets_and_hosts() -> dict[str, bytes]:
    def of(line: bytes, headers: bytes = b"") -> bytes:
        return line + b"\r\n" + headers + b"event: x\r\n" + CLOSE + b"\r\n"

    bad, long = b"Host: a b\r\n", b"page: %s\r\n" % (b"p" * 8000)
    return {
        "a URL in the query, and a bad Host": of(b"GET /beacon?u=http://x HTTP/1.1", bad),
        "a URL in the path, and a bad Host": of(b"GET /http://x HTTP/1.1", bad),
        "a whole URL and no Host": of(b"GET http://a/health HTTP/1.1"),
        "a whole URL and no Host in HTTP/1.0": of(b"GET http://a/health HTTP/1.0"),
        "a whole URL and a bad Host": of(b"GET http://a/health HTTP/1.1", bad),
        "a whole URL and an empty Host": of(b"GET http://a/health HTTP/1.1", b"Host:\r\n"),
        "a whole URL and another Host": of(b"GET http://a/health HTTP/1.1", b"Host: b\r\n"),
        "a bad whole URL and a good Host": of(b"GET http://a..b/health HTTP/1.1", b"Host: b\r\n"),
        "a bad whole URL and a bad Host": of(b"GET http://a..b/health HTTP/1.1", bad),
        "OPTIONS of a whole URL": of(b"OPTIONS http://a/health HTTP/1.1", b"Host: a\r\n"),
        "OPTIONS of a password": of(b"OPTIONS http://u:secret@a/ HTTP/1.1", b"Host: a\r\n"),
        "PUT of a password": of(b"PUT http://u:secret@a/beacon HTTP/1.0"),
        "a password in HTTP/1.0": of(b"GET http://u:secret@a/health HTTP/1.0"),
        "a password in HTTP/3.0": of(b"GET http://u:secret@a/health HTTP/3.0", b"Host: a\r\n"),
        "a password without a version": of(b"GET http://u:secret@a/health"),
        "a password and two spaces": of(b"GET  http://u:secret@a/health HTTP/1.1", b"Host: a\r\n"),
        "a password and a bad field": of(
            b"GET http://u:secret@a/health HTTP/1.1", b"Host: a\r\nbad field\r\n"
        ),
        "a password in a line too long": of(
            b"GET http://u:secret@a/health?" + b"q" * 9000 + b" HTTP/1.1", b"Host: a\r\n"
        ),
        "CONNECT without a port": of(b"CONNECT shop.example HTTP/1.1", b"Host: a\r\n"),
        "CONNECT with a bad port": of(b"CONNECT shop.example:x HTTP/1.1", b"Host: a\r\n"),
        "CONNECT with a port too high": of(b"CONNECT shop.example:65536 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT with a password": of(b"CONNECT u:secret@a:443 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT with IPv6": of(b"CONNECT [::1]:443 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of a path": of(b"CONNECT /beacon HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of a whole URL": of(b"CONNECT http://a:443/ HTTP/1.1", b"Host: a\r\n"),
        "CONNECT without a number": of(b"CONNECT a: HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of a host with a slash": of(b"CONNECT a/b:443 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of two ports": of(b"CONNECT a:b:443 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of a bad IPv6": of(b"CONNECT [::1]443 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT with a sign": of(b"CONNECT a:-1 HTTP/1.1", b"Host: a\r\n"),
        "CONNECT of two dots": of(b"CONNECT a..b:1 HTTP/1.1", b"Host: a\r\n"),
        "a URL without a host, and a bad Host": of(b"GET http:/health HTTP/1.1", bad),
        "a URL with an empty host, and a bad Host": of(b"GET http:///health HTTP/1.1", bad),
        "a URL with an empty host, and no Host": of(b"GET http:///health HTTP/1.1"),
        "an event of 8190 in two": of(
            b"GET /health HTTP/1.1", b"Host: a\r\nevent: %s\r\n" % (b"e" * 8185)
        ),
        "an event of 8191 in two": of(
            b"GET /health HTTP/1.1", b"Host: a\r\nevent: %s\r\n" % (b"e" * 8188)
        ),
        "two events of 8000": of(b"GET /beacon HTTP/1.1", b"Host: a\r\n" + long + long),
        "CONNECT of a port alone": of(b"CONNECT :443 HTTP/1.1", b"Host: a\r\n"),
    }


def _hosts() -> dict[str, bytes]:
    hosts = [
        *(b"a.", b".a", b"a..", b".", b"-", b"-a", b"a-", b"_", b"*", b"~", b"a,b", b"a%41"),
        *(b"a@b", b"u:p@a", b"http://a", b"a;b", b"a?b", b"a#b", b"1", b"1.2", b"1.2.3.4"),
        *(b"1.2.3.4.", b"1.2.3.4.5", b"01.2.3.4", b"256.1.1.1", b"999.999.999.999", b"1.2.3.a"),
        *(b"a.1", b"a.1b", b"a.b1", b"1a", b"1a.2", b"0x7f.1", b"[::]", b"[::1]x", b"[::1]:"),
        *(b"[::1]:0", b"[::1]:x", b"[]", b"[1.2.3.4]", b"[::ffff:1.2.3.4]", b"[1::2::3]"),
        *(b"[fe80::1%25eth0]", b"[fe80::1%eth0]", b"[v1.a]", b"[:]", b"[12345::]", b"::1"),
        *(b"a:80:80", b"a:08", b"a:00080", b"a:000080", b"a:0000000000000080", b"a:65535"),
        *(b"a:65536", b"a:-1", b"a:+80", b"a: 80", b"a :80", b"a:80 ", b":80", b":", b"a:8x"),
        *(b"\ta", b"a\t", b"a\tb", b"a" * 300, b"a." * 200 + b"a", b"xn--caf-dma", b"a\\b"),
        *(b'a"b', b"a'b", b"(a)", b"a|b", b"<a>"),
    ]
    line = b"GET /health HTTP/1.1\r\n"
    return {
        f"the Host {host.decode('latin-1')!r}": line
        + b"Host: "
        + host
        + b"\r\nevent: x\r\n"
        + CLOSE
        + b"\r\n"
        for host in hosts
    }


def _chunks() -> dict[str, bytes]:
    full = b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"
    bodies = {
        "a size of 15 digits": b"000000000000003\r\nabc\r\n0\r\n\r\n",
        "a size of 16 digits": b"0000000000000003\r\nabc\r\n0\r\n\r\n",
        "a size of 17 digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
        "a size of 40 digits": b"0" * 39 + b"3\r\nabc\r\n0\r\n\r\n",
        "a size of 100 digits": b"0" * 99 + b"3\r\nabc\r\n0\r\n\r\n",
        "a last size of 20 digits": b"3\r\nabc\r\n" + b"0" * 20 + b"\r\n\r\n",
        "a size of 7fffffffffffffff": b"7fffffffffffffff\r\nabc",
        "a size of 8000000000000000": b"8000000000000000\r\nabc",
        "a size of ffffffffffffffff": b"ffffffffffffffff\r\nabc",
        "a size of 10000000000000000": b"10000000000000000\r\nabc",
        "sizes that add up to over 1 MB": b"fffff\r\n"
        + b"x" * 0xFFFFF
        + b"\r\n2\r\nab\r\n0\r\n\r\n",
        "sizes that add up to 1 MB": full + b"1\r\na\r\n0\r\n\r\n",
        "an empty size": b"\r\nabc\r\n0\r\n\r\n",
        "a size of blanks": b"  \r\nabc\r\n0\r\n\r\n",
        "a blank before a size": b" 3\r\nabc\r\n0\r\n\r\n",
        "blanks behind a size": b"3 \t \r\nabc\r\n0\r\n\r\n",
        "a word behind a size": b"3 x\r\nabc\r\n0\r\n\r\n",
        "an extension behind a blank": b"3 ;x\r\nabc\r\n0\r\n\r\n",
        "an empty extension": b"3;\r\nabc\r\n0;\r\n\r\n",
        "an extension in quotes": b'3;x="a;b"\r\nabc\r\n0;y\r\n\r\n',
        "an extension with bytes": b"3;\x80\xff\r\nabc\r\n0\r\n\r\n",
        "an extension with a control byte": b"3;\x01\r\nabc\r\n0\r\n\r\n",
        "an extension with a CR": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
        "an extension of 8 KB": b"3;" + b"x" * 8000 + b"\r\nabc\r\n0\r\n\r\n",
        "an extension of 9 KB": b"3;" + b"x" * 9000 + b"\r\nabc\r\n0\r\n\r\n",
        "an extension of 70 KB": b"3;" + b"x" * 70_000 + b"\r\nabc\r\n0\r\n\r\n",
        "0x3": b"0x3\r\nabc\r\n0\r\n\r\n",
        "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
        "a size with a sign": b"+3\r\nabc\r\n0\r\n\r\n",
        "a size with a comma": b"3,3\r\nabc\r\n0\r\n\r\n",
        "a size with a NUL": b"3\0\r\nabc\r\n0\r\n\r\n",
        "LF alone": b"3\nabc\n0\n\n",
        "LF alone behind a size": b"3\nabc\r\n0\r\n\r\n",
        "LF alone behind the data": b"3\r\nabc\n0\r\n\r\n",
        "LF alone behind the last size": b"3\r\nabc\r\n0\n\r\n",
        "LF alone at the end": b"3\r\nabc\r\n0\r\n\n",
        "LF alone behind an extension": b"3;x\nabc\r\n0\r\n\r\n",
        "CR alone behind a size": b"3\rabc\r\n0\r\n\r\n",
        "CR CR LF behind a size": b"3\r\r\nabc\r\n0\r\n\r\n",
        "data longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
        "data shorter than its size": b"3\r\nab\r\n0\r\n\r\n",
        "nothing behind the data": b"3\r\nabc0\r\n\r\n",
        "two line ends behind the data": b"3\r\nabc\r\n\r\n0\r\n\r\n",
        "a trailer": b"0\r\nevent: trailer\r\n\r\n",
        "a trailer of 8000": b"0\r\nx: " + b"t" * 8000 + b"\r\n\r\n",
        "a trailer of 8187": b"0\r\nx: " + b"t" * 8184 + b"\r\n\r\n",
        "a trailer line of 8188": b"0\r\nx: " + b"t" * 8185 + b"\r\n\r\n",
        "a trailer line of 8189": b"0\r\nx: " + b"t" * 8186 + b"\r\n\r\n",
        "a trailer line of 8190": b"0\r\nx: " + b"t" * 8187 + b"\r\n\r\n",
        "a trailer line of 8191": b"0\r\nx: " + b"t" * 8188 + b"\r\n\r\n",
        "a trailer line of 8192": b"0\r\nx: " + b"t" * 8189 + b"\r\n\r\n",
        "a trailer line of 8193": b"0\r\nx: " + b"t" * 8190 + b"\r\n\r\n",
        "a trailer of 9 KB": b"0\r\nx: " + b"t" * 9000 + b"\r\n\r\n",
        "a trailer of 70 KB": b"0\r\nx: " + b"t" * 70_000 + b"\r\n\r\n",
        "ten trailers of 8 KB": b"0\r\n" + (b"x: " + b"t" * 8000 + b"\r\n") * 10 + b"\r\n",
        "ten trailers of 8 KB with names of their own": b"0\r\n"
        + b"".join(b"x%d: %s\r\n" % (number, b"t" * 8000) for number in range(10))
        + b"\r\n",
        "a line of 8188 before the data": b"3;" + b"x" * 8186 + b"\r\nabc\r\n0\r\n\r\n",
        "a line of 8189 before the data": b"3;" + b"x" * 8187 + b"\r\nabc\r\n0\r\n\r\n",
        "a folded trailer": b"0\r\nx: a\r\n b\r\n\tc\r\n\r\n",
        "a trailer folded beyond 8190": b"0\r\nx: a\r\n" + b" bbbbbbbbb\r\n" * 900 + b"\r\n",
        "a fold before any trailer": b"0\r\n x\r\ny: z\r\n\r\n",
        "a trailer without a colon": b"0\r\nx\r\n\r\n",
        "a trailer without a name": b"0\r\n: x\r\n\r\n",
        "a trailer with a blank before the colon": b"0\r\nx : y\r\n\r\n",
        "a trailer with a NUL": b"0\r\nx: a\0b\r\n\r\n",
        "a trailer with a control byte": b"0\r\nx: a\x01b\r\n\r\n",
        "a trailer with a tab": b"0\r\nx:\ta\tb\t\r\n\r\n",
        "a trailer with bytes": b"0\r\nx: \xc3\xa9\xff\r\n\r\n",
        "a trailer that ends in LF alone": b"0\r\nx: y\n\r\n",
        "a trailer that ends in CR CR LF": b"0\r\nx: y\r\r\n\r\n",
        "a trailer that is a Content-Length": b"0\r\nContent-Length: 9\r\n\r\n",
        "one-byte chunks": b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n",
    }
    return {f"chunks: {name}": post(CHUNKED, body) for name, body in bodies.items()}


def _encodings() -> dict[str, bytes]:
    end = b"3\r\nabc\r\n0\r\n\r\n"
    values = [
        b"chunked, chunked",
        b"chunked,",
        b",chunked",
        b" chunked",
        b"chunked;q=1",
        b'"chunked"',
    ]
    values += [
        b"",
        b"chunked, gzip",
        b"gzip,chunked",
        b"x chunked",
        b"chun\tked",
        b"identity, chunked",
    ]
    lengths = [b"3 ", b" 3", b"03", b"3,3", b"3, 3", b"3;x", b"0x3", b"3.0", b"1e1", b"3\t"]
    lengths += [b"0" * 17 + b"3", b"0" * 18 + b"3", b"0" * 30 + b"3", b"9223372036854775807"]
    lengths += [b"9223372036854775808", b"1" + b"0" * 17, b"-0", b"+0"]
    found = {
        f"the Transfer-Encoding {value.decode()!r}": post(b"Transfer-Encoding: %s\r\n" % value, end)
        for value in values
    }
    found |= {
        f"the Content-Length {value.decode()!r}": post(b"Content-Length: %s\r\n" % value, b"abc")
        for value in lengths
    }
    return found | {
        "two Transfer-Encodings": post(CHUNKED + CHUNKED, end),
        "chunks twice encoded": post(b"Transfer-Encoding: gzip\r\n" + CHUNKED, end),
        "chunks and a bad length": post(CHUNKED + b"Content-Length: x\r\n", end),
        "chunks and an empty length": post(CHUNKED + b"Content-Length:\r\n", end),
        "gzip and a length": post(b"Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", b"abc"),
        "chunks of a GET": get(CHUNKED, body=end),
        "chunks of OPTIONS": get(CHUNKED, b"OPTIONS /beacon HTTP/1.1", end),
        "chunks to nowhere": post(CHUNKED, end, b"/no"),
        "chunks of a HEAD": get(CHUNKED, b"HEAD /health HTTP/1.1", end),
    }


def _expectations() -> dict[str, bytes]:
    values = [b"", b" ", b"100-Continue", b"100-CONTINUE", b"100-continue ", b"100-continue, x"]
    values += [b"100", b"continue", b"100-continue;q=1", b'"100-continue"', b"x", b"200-ok", b","]
    body = b"Content-Length: 3\r\n"
    found = {
        f"Expect {value.decode()!r}": post(b"Expect: %s\r\n" % value + body, b"abc")
        for value in values
    }
    twice = b"Expect: 100-continue\r\n" * 2
    return found | {
        "Expect twice": post(twice + body, b"abc"),
        "Expect in HTTP/1.0": get(b"Expect: tea\r\n" + body, b"POST /beacon HTTP/1.0", b"abc"),
        "an empty Expect in HTTP/1.0": get(b"Expect:\r\n" + body, b"POST /beacon HTTP/1.0", b"abc"),
        "Expect without a body": get(b"Expect: 100-continue\r\n"),
        "an empty Expect without a body": get(b"Expect:\r\n"),
        "Expect and chunks": post(b"Expect: 100-continue\r\n" + CHUNKED, b"3\r\nabc\r\n0\r\n\r\n"),
        "Expect of nothing there": post(b"Expect: 100-continue\r\n" + body, b"abc", b"/no"),
        "Expect and a bad length": post(b"Expect: 100-continue\r\nContent-Length: x\r\n", b"abc"),
        "a bad Expect and a bad length": post(b"Expect: x\r\nContent-Length: x\r\n", b"abc"),
        "a bad Expect and a bad Host": b"POST /beacon HTTP/1.1\r\nHost: a b\r\nExpect: x\r\n\r\n",
    }


def _connections() -> dict[str, bytes]:
    values = [
        b"close, keep-alive",
        b"keep-alive, close",
        b"Close",
        b" close ",
        b"close;x",
        b"closed",
    ]
    values += [b"", b",", b"x", b"upgrade", b"keep-alive", b"\tclose", b"close,", b"clo se"]
    keep = b"GET /health HTTP/1.1\r\nHost: a\r\nevent: 1\r\nConnection: %s\r\n\r\n"
    return {f"Connection {value.decode()!r}": keep % value + NEXT for value in values}


ODD = _whole_urls() | _targets_and_hosts() | _hosts() | _chunks()
ODD |= _encodings() | _expectations() | _connections()
# What a proxy that both servers believe may say about the visitor.
FORWARDED = [
    *(b"203.0.113.9", b"198.51.100.1, 203.0.113.9", b"2001:DB8:0:0::1", b"unknown", b""),
    b"203.0.113.9\r\nX-Forwarded-For: 203.0.113.10",
    *(b"::1%a b", b"fe80::1%no-such", b"::1%", b"::1%\xff", b'::1%"', b"::1%\\", b"::1%1%2"),
    *(b"1.2.3.4:80", b"[::1]", b"[::1]:80", b"1.2.3", b"1.2.3.4.5", b"01.2.3.4", b"001.2.3.4"),
    *(b"256.1.1.1", b"0x7f.0.0.1", b"2130706433", b"1.2.3.4 ", b"\t1.2.3.4\t", b'"1.2.3.4"'),
    *(b"1.2.3.4,", b"1.2.3.4, ", b",", b",,", b" , 1.2.3.4", b",1.2.3.4", b"1.2.3.4,,5.6.7.8"),
    *(b"1.2.3.4, garbage", b"garbage, 1.2.3.4", b"1.2.3.4 5.6.7.8", b"1.2.3.4;x", b"for=1.2.3.4"),
    *(b"::ffff:1.2.3.4", b"::FFFF:0102:0304", b"::1.2.3.4", b"::", b"::1", b"0::0:1", b"1::2::3"),
    *(b"12345::", b"1:2:3:4:5:6:7:8", b"1:2:3:4:5:6:7:8:9", b"1:2:3:4:5:6:7", b"2001:DB8::A"),
    *(b"2001:db8:0:1:1:1:1:1", b"2001:0:0:1:0:0:0:1", b"64:ff9b::1.2.3.4", b"::ffff:0:1.2.3.4"),
    *(b"localhost", b"shop.example", b"-", b"127.0.0.1", b"1.2.3.4, 127.0.0.1", b"127.0.0.1, x"),
    *(b"1.2.3.4, 127.0.0.1, 127.0.0.1", b"x, 127.0.0.1", b"0.0.0.0", b"255.255.255.255"),
    *(
        b"10.0.0.1",
        b"192.168.1.1",
        b"1.2.3.4\xa0",
        b"1.2.3.4\x85",
        "１.2.3.4".encode(),
        b"1" * 5000,
    ),
    *("٣.2.3.4".encode(), b"1.2.3.4\r\nX-Forwarded-For: ", b"1.2.3.4\r\nX-Forwarded-For: x"),
]
