"""Access logs to replay, and an independent count of what is in them."""

import gzip
import re
from collections import Counter
from pathlib import Path

from crawlerdetect import CrawlerDetect

from helpers.core.paths import REPOSITORY

SAMPLE = REPOSITORY / "assets" / "sample" / "access.log.gz"
# 5,000 real requests; their folder may be missing.
REAL = REPOSITORY.parent / "shared" / "data" / "real_access.log"
# Each log with its number of lines.
LOGS: dict[Path, int] = {SAMPLE: 2_000} | ({REAL: 5_000} if REAL.exists() else {})


def counted(path, bots=True):
    """Count pages, agents and referrers of a log in another way than the replay does.

    Args:
        path: the log.
        bots: whether to count requests of bots, by crawlerdetect's own code; if not, their number
            is the total of `bot`.
    """
    crawlers = CrawlerDetect()
    totals = {name: Counter() for name in ("page", "user-agent", "referer")}
    if not bots:
        totals["bot"] = Counter()
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        for line in file:
            # Quoted fields are at every second place, once \" is out of the way.
            fields = line.replace(b"\\\\", b"\x00").replace(b'\\"', b"\x01").split(b'"')
            request, referrer, agent = (_plain(fields[place]) for place in (1, 3, 5))
            words = request.split(b" ")
            if not bots and crawlers.is_crawler(agent.decode("utf-8", "backslashreplace")):
                totals["bot"][agent] += 1
                continue
            page = words[1].split(b"?")[0] if len(words) > 1 else b"-"
            for name, value in (("page", page), ("referer", referrer), ("user-agent", agent)):
                totals[name][value if value != b"-" else None] += 1
    return totals


def _plain(field):
    field = field.replace(b"\\t", b"\t").replace(b"\x01", b'"')
    field = re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), field)
    return field.replace(b"\x00", b"\\")
