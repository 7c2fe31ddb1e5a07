"""Writes assets/sample/access.log.gz, the log that `make demo` replays by default.

    python bench/make_sample_log.py

The seed is fixed, so the 2,000 lines are always the same: visitors of the demo shop, and the odd
parts of real logs (bots, long referrers, non-ASCII bytes, HEAD, IPv6, broken requests).
"""

import gzip
import random

from assets.agent.access_log import log_time
from helpers.core.paths import REPOSITORY
from helpers.generator.visitors import BOTS, visitor

PATH = REPOSITORY / "assets" / "sample" / "access.log.gz"
LINES = 2_000
BEGIN = 1_795_564_800  # 2026-11-25 00:00:00 UTC

_PATHS = {
    "/": 30,
    "/products": 20,
    "/products/espresso-machine": 12,
    "/products/kettle?color=red": 8,
    "/search?q=caf%C3%A9": 8,
    "/style.css": 14,
    "/images/logo.png": 14,
    "/favicon.ico": 6,
    "/blog/how-to-brew": 5,
    "/robots.txt": 3,
    "/wp-login.php": 2,
    "/old-page": 2,
}
_STATUSES = {200: 82, 304: 9, 301: 3, 404: 5, 500: 1}
# Apache writes non-printable and non-ASCII bytes as \xhh, and \ before a quote or a backslash.
_ODD_AGENTS = [
    "-",
    "curl/8.14.1",
    'Mozilla/5.0 (compatible; \\"quoted\\" agent; C:\\\\temp)',
    "Caf\\xc3\\xa9Reader/1.0 (\\xe6\\x97\\xa5\\xe6\\x9c\\xac)",
    "latin1 \\xe9\\xff agent",
    "() { :; }; /bin/cat /etc/passwd",
    "A" * 1000,
    "tab\\tin the middle",
]
_BROKEN = [
    '203.0.113.9 - - [{time}] "-" 408 - "-" "-"',
    '203.0.113.10 - - [{time}] "\\x16\\x03\\x01\\x02\\x00\\x01\\xfc\\x03\\x03" 400 484 "-" "-"',
    '203.0.113.11 - - [{time}] "" 400 0 "-" "-"',
    '203.0.113.12 - - [{time}] "HELP" 400 484 "-" "-"',
    '203.0.113.13 - - [{time}] "OPTIONS * HTTP/1.0" 200 - "-" "internal dummy connection"',
    '203.0.113.14 - ann [{time}] "GET /<script>alert(1)</script> HTTP/1.1" 404 196 "-" "-"',
    '203.0.113.15 - - [{time}] "GET /caf\\xc3\\xa9/men\\xc3\\xbc HTTP/1.1" 200 512 "-" "-"',
    '203.0.113.16 - - [{time}] "PROPFIND / HTTP/1.1" 405 302 "-" "davclient"',
]


def lines() -> list[str]:
    """Return the log's lines without newlines."""
    chance = random.Random(2_000)
    written, now = [], float(BEGIN)
    for number in range(LINES):
        now += chance.expovariate(5)
        clock = log_time(now)
        if number % 40 == 13:
            written.append(_BROKEN[number // 40 % len(_BROKEN)].format(time=clock))
        else:
            written.append(_ordinary(chance, clock))
    return written


def _ordinary(chance: random.Random, clock: str) -> str:
    number = int(301 ** chance.random())
    who = visitor(number)
    address = f"2001:db8::{number:x}" if number % 5 == 0 else f"198.51.100.{number % 250 + 1}"
    agent, referrer = who.agent.decode(), (who.referrer or b"-").decode()
    luck = chance.random()
    if luck < 0.10:
        address, agent, referrer = "192.0.2.7", chance.choice(BOTS).decode(), "-"
    elif luck < 0.14:
        agent = chance.choice(_ODD_AGENTS)
    elif luck < 0.16:
        length = chance.choice((300, 1_200, 3_000))
        referrer = f"https://www.google.com/url?sa=t&q={chance.choice('abc') * length}"
    method = "HEAD" if chance.random() < 0.03 else "POST" if chance.random() < 0.03 else "GET"
    path = chance.choices(list(_PATHS), list(_PATHS.values()))[0]
    status = chance.choices(list(_STATUSES), list(_STATUSES.values()))[0]
    size: str | int = "-" if status == 304 or method == "HEAD" else chance.randrange(200, 90_000)
    request = f'"{method} {path} HTTP/1.1" {status} {size}'
    return f'{address} - - [{clock}] {request} "{referrer}" "{agent}"'


def main() -> None:
    """Write the file."""
    PATH.parent.mkdir(exist_ok=True)
    text = "".join(f"{line}\n" for line in lines())
    # Without a time and a name in gzip's header, the same lines give the same file.
    PATH.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))
    print(f"{PATH}: {LINES:,} lines, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
