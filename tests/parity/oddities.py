"""A hundred and more further requests: each at the edge of a rule, sent raw to both servers.

Paths are such that no case turns on how a path is spelled (that: hostile.py).
"""

from tests.parity import odd_bodies
from tests.parity.hostile import CLOSE, FIELDS, get

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


ODD = _whole_urls() | _targets_and_hosts() | _hosts() | odd_bodies.ODD
ODD |= _connections()
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
