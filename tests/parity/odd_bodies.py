"""Odd bodies, encodings, lengths and expectations, sent raw to both servers."""

from tests.parity.hostile import get, post

CHUNKED = b"Transfer-Encoding: chunked\r\n"


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


ODD = _chunks() | _encodings() | _expectations()
