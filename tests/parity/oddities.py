"""More than a hundred further requests: each at the limit of a rule, sent raw to both servers.

Whole URLs, Hosts, bodies, encodings, lengths, expectations. Spellings of paths are in hostile.py.
"""

from tests.parity.hostile import FIELDS, get, named, post, with_host

NEXT = get(b"event: next\r\n")
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ABC = b"3\r\nabc\r\n0\r\n\r\n"


def _targets() -> dict[str, bytes]:
    authorities = b"""
        user@shop.example user:secret@shop.example user:@shop.example :secret@shop.example
        @shop.example user:se:cret@shop.example user:se@cret@shop.example user:secret@ :80
        user:secret@shop.example:x user:se"cret@shop.example user:secret@[::1]:8080 shop.example:
        shop.example:0 shop.example:00080 shop.example:65535 shop.example:65536
        shop.example:99999999999999999999 shop.example:http shop.example:-1 shop.example:+80
        shop.example:8x shop.example:80:80 [::1] [::1]:80 [::1 [::1]x [::1]:x [::1%25lo] [x] [:]
        [] ::1 [1.2.3.4] a:- 1 1a . a. a.- 01.2.3.4 A] a@b:x a..b .a a_b - 1.2.3.4 1.2.3
        256.256.256.256 a%41 a% a;b a*b""".split()
    urls = [
        b"http://%s/health" % each for each in (*authorities, b"", b"us er:secret@a", b"\xc3\xa9")
    ]
    urls += b"""
        http://shop.example http://shop.example?a=b http:// HTTP://SHOP.EXAMPLE/health
        https://shop.example/health http://user:secret@shop.example:8080/health?q=1
        http://user:secret@shop.example http://user:secret@shop.example/../health
        http://user:%22secret@shop.example/no%zz https://user:secret@shop.example/health
        ftp://user:secret@shop.example/health http://user:secret@shop.example/health#top
        http://shop.example/health?u=http://user:secret@other.example/
        //user:secret@shop.example/health user:secret@shop.example/health
        http:user:secret@shop.example/health http:?x https:/health ftp:/health x:
        h+t.t-p://shop.example/health 1http://shop.example/health ://shop.example/health
        http:/health http:health http: http://shop.example/he%61lth http://shop.example/?
        http://shop.example/no.html""".split()
    return named("the target", urls, lambda url: get(FIELDS, b"GET %s HTTP/1.1" % url))


def _targets_and_hosts() -> dict[str, bytes]:
    a, bad, long = b"Host: a\r\n", b"Host: a b\r\n", b"page: %s\r\n" % (b"p" * 8000)
    connected = b"""shop.example shop.example:x shop.example:65536 u:secret@a:443 [::1]:443 /beacon
        http://a:443/ a: a/b:443 a:b:443 [::1]443 a:-1 a..b:1 :443""".split()
    lines = [
        # A URL in the query, in the path, whole: with a bad Host, none, an empty or another one.
        *((b"GET %s HTTP/1.1" % target, bad)
          for target in (b"/beacon?u=http://x", b"/http://x", b"http://a/health",
                         b"http://a..b/health", b"http:/health", b"http:///health")),
        *((b"GET %s" % target, b"")
          for target in (b"http://a/health HTTP/1.1", b"http://a/health HTTP/1.0",
                         b"http:///health HTTP/1.1", b"http://u:secret@a/health HTTP/1.0",
                         b"http://u:secret@a/health")),
        (b"PUT http://u:secret@a/beacon HTTP/1.0", b""),
        (b"GET http://a/health HTTP/1.1", b"Host:\r\n"),
        (b"GET http://a/health HTTP/1.1", b"Host: b\r\n"),
        (b"GET http://a..b/health HTTP/1.1", b"Host: b\r\n"),
        (b"OPTIONS http://a/health HTTP/1.1", a),
        (b"OPTIONS http://u:secret@a/ HTTP/1.1", a),
        # A password, and another error.
        (b"GET http://u:secret@a/health HTTP/3.0", a),
        (b"GET  http://u:secret@a/health HTTP/1.1", a),
        (b"GET http://u:secret@a/health HTTP/1.1", a + b"bad field\r\n"),
        (b"GET http://u:secret@a/health?" + b"q" * 9000 + b" HTTP/1.1", a),
        *((b"CONNECT %s HTTP/1.1" % target, a) for target in connected),
        # With the event that follows, longer than a field may be.
        *((b"GET /health HTTP/1.1", a + b"event: %s\r\n" % (b"e" * size)) for size in (8185, 8188)),
        (b"GET /beacon HTTP/1.1", a + long + long),
    ]  # fmt: skip
    return {
        f"{line[:60].decode()} with {host[:30].decode()!r}, {len(line + host)} bytes": with_host(
            host, line
        )
        for line, host in lines
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
    line = b"GET /health HTTP/1.1"
    return named("the Host", hosts, lambda host: with_host(b"Host: %s\r\n" % host, line))


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
    return named("Connection", values, lambda value: keep % value + NEXT)


def _sizes() -> dict[str, bytes]:
    """Chunks whose size is odd, or what follows it in its line."""
    sizes = [b"0" * zeros + b"3" for zeros in (14, 15, 16, 39, 99)]
    sizes += [b"", b"  ", b" 3", b"3 \t ", b"3 x", b"3 ;x", b"3;\x80\xff", b"3;\x01", b"3;a\rb"]
    sizes += [b"3;" + b"x" * length for length in (8000, 8186, 8187, 9000, 70_000)]
    sizes += [b"0x3", b"-3", b"+3", b"3,3", b"3\0", b"3\r"]
    large = [b"7" + b"f" * 15, b"8" + b"0" * 15, b"f" * 16, b"1" + b"0" * 16]
    bodies = [size + b"\r\nabc\r\n0\r\n\r\n" for size in sizes]
    bodies += [size + b"\r\nabc" for size in large]
    bodies += [b"3\r\nabc\r\n" + b"0" * 20 + b"\r\n\r\n", b"3;\r\nabc\r\n0;\r\n\r\n"]
    bodies += [b'3;x="a;b"\r\nabc\r\n0;y\r\n\r\n', b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n"]
    return named("chunks", bodies, lambda body: post(CHUNKED, body))


def _chunks() -> dict[str, bytes]:
    full = b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"
    bodies = {
        "sizes that add up to over 1 MB": full + b"2\r\nab\r\n0\r\n\r\n",
        "sizes that add up to 1 MB": full + b"1\r\na\r\n0\r\n\r\n",
        "LF alone": b"3\nabc\n0\n\n",
        "LF alone behind a size": b"3\nabc\r\n0\r\n\r\n",
        "LF alone behind the data": b"3\r\nabc\n0\r\n\r\n",
        "LF alone behind the last size": b"3\r\nabc\r\n0\n\r\n",
        "LF alone at the end": b"3\r\nabc\r\n0\r\n\n",
        "LF alone behind an extension": b"3;x\nabc\r\n0\r\n\r\n",
        "CR alone behind a size": b"3\rabc\r\n0\r\n\r\n",
        "data longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
        "data shorter than its size": b"3\r\nab\r\n0\r\n\r\n",
        "nothing behind the data": b"3\r\nabc0\r\n\r\n",
        "two line ends behind the data": b"3\r\nabc\r\n\r\n0\r\n\r\n",
        "a trailer that ends in LF alone": b"0\r\nx: y\n\r\n",
    }
    return {f"chunks: {name}": post(CHUNKED, body) for name, body in bodies.items()}


def _trailers() -> dict[str, bytes]:
    lengths = (8000, *range(8184, 8191), 9000, 70_000)
    trailers = [b"event: trailer", *(b"x: " + b"t" * length for length in lengths)]
    trailers += [b"\r\n".join([b"x: " + b"t" * 8000] * 10)]
    trailers += [b"\r\n".join(b"x%d: %s" % (number, b"t" * 8000) for number in range(10))]
    trailers += [
        b"x: a\r\n b\r\n\tc",
        b"x: a" + b"\r\n bbbbbbbbb" * 900,
        b" x\r\ny: z",
        b"x",
        b": x",
    ]
    trailers += [b"x : y", b"x: a\0b", b"x: a\x01b", b"x:\ta\tb\t", b"x: \xc3\xa9\xff", b"x: y\r"]
    trailers += [b"Content-Length: 9"]
    return named("the trailer", trailers, lambda one: post(CHUNKED, b"0\r\n%s\r\n\r\n" % one))


def _encodings() -> dict[str, bytes]:
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
    found = named(
        "Transfer-Encoding", values, lambda v: post(b"Transfer-Encoding: %s\r\n" % v, ABC)
    )
    found |= named("Content-Length", lengths, lambda v: post(b"Content-Length: %s\r\n" % v, b"abc"))
    return found | {
        "two Transfer-Encodings": post(CHUNKED + CHUNKED, ABC),
        "chunks twice encoded": post(b"Transfer-Encoding: gzip\r\n" + CHUNKED, ABC),
        "chunks and a bad length": post(CHUNKED + b"Content-Length: x\r\n", ABC),
        "chunks and an empty length": post(CHUNKED + b"Content-Length:\r\n", ABC),
        "gzip and a length": post(b"Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", b"abc"),
        "chunks of a GET": get(CHUNKED, body=ABC),
        "chunks of OPTIONS": get(CHUNKED, b"OPTIONS /beacon HTTP/1.1", ABC),
        "chunks to nowhere": post(CHUNKED, ABC, b"/no"),
        "chunks of a HEAD": get(CHUNKED, b"HEAD /health HTTP/1.1", ABC),
    }


def _expectations() -> dict[str, bytes]:
    values = [b"", b" ", b"100-Continue", b"100-CONTINUE", b"100-continue ", b"100-continue, x"]
    values += [b"100", b"continue", b"100-continue;q=1", b'"100-continue"', b"x", b"200-ok", b","]
    body = b"Content-Length: 3\r\n"
    found = named("Expect", values, lambda value: post(b"Expect: %s\r\n" % value + body, b"abc"))
    twice = b"Expect: 100-continue\r\n" * 2
    return found | {
        "Expect twice": post(twice + body, b"abc"),
        "Expect in HTTP/1.0": get(b"Expect: tea\r\n" + body, b"POST /beacon HTTP/1.0", b"abc"),
        "an empty Expect in HTTP/1.0": get(b"Expect:\r\n" + body, b"POST /beacon HTTP/1.0", b"abc"),
        "Expect without a body": get(b"Expect: 100-continue\r\n"),
        "an empty Expect without a body": get(b"Expect:\r\n"),
        "Expect and chunks": post(b"Expect: 100-continue\r\n" + CHUNKED, ABC),
        "Expect of nothing there": post(b"Expect: 100-continue\r\n" + body, b"abc", b"/no"),
        "Expect and a bad length": post(b"Expect: 100-continue\r\nContent-Length: x\r\n", b"abc"),
        "a bad Expect and a bad length": post(b"Expect: x\r\nContent-Length: x\r\n", b"abc"),
        "a bad Expect and a bad Host": b"POST /beacon HTTP/1.1\r\nHost: a b\r\nExpect: x\r\n\r\n",
    }


ODD = _targets() | _targets_and_hosts() | _hosts() | _connections() | _sizes() | _chunks()
ODD |= _trailers() | _encodings() | _expectations()
# X-Forwarded-For fields of a proxy that both servers trust.
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
    *(b"10.0.0.1", b"192.168.1.1", b"1.2.3.4\xa0", b"1.2.3.4\x85", b"1" * 5000),
    *(
        "１.2.3.4".encode(),
        "٣.2.3.4".encode(),
        b"1.2.3.4\r\nX-Forwarded-For: ",
        b"1.2.3.4\r\nX-Forwarded-For: x",
    ),
]
