"""Hostile requests to the running chain, each accounted for at every stage.

In the suite a few thousand; `HOSTILE=100000 pytest -s tests/resilience/test_hostile.py` sends
so many, and prints the ledger.
"""

import asyncio
import gzip
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pandas as pd

from helpers.audit.recount import compare, metric_totals
from helpers.core.paths import home
from helpers.deployment.fleet import beacon_url
from helpers.generator.beacon import request_bytes, request_start
from helpers.generator.malformed import malformed_variant
from helpers.generator.shop import Shop
from helpers.stores.archive import archived_beacons, is_beacon
from helpers.stores.dynamodb import metric_values
from tests.parity import hostile
from tests.running_server import statuses

COUNT = int(os.environ.get("HOSTILE", 3000))
AT_A_TIME = 40
SECONDS = 900 + COUNT / 50  # how long the stages may take on a busy machine
LOGGED = re.compile(rb'"(?:[^"\\]|\\.)*" (\d{3}) .* (\d{13})\n')
# Records that no agent writes, put straight into the stream. Each has its newline: Firehose puts
# records one behind the other, and without it the next one would be in the same line.
POISON = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"[" * 3000,
    b'"text"',
    b"null",
    b'{"beacon_id": ["a"], "request": "GET /beacon HTTP/1.1", "response": 200, "shipped_at": {}}',
    b'{"beacon_id": "p", "request": {"a": 1}, "response": [200], "shipped_at": "soon"}',
    b'{"beacon_id": "p", "shipped_at": 1e999, "request": "GET /beacon HTTP/1.1"}',
    b'{"beacon_id": "p", "page": "' + b"x" * 500_000 + b'"}',
]


def requests(count: int, chance: random.Random) -> Iterator[bytes]:
    """Yield hostile requests: known ones, the same with bytes changed, malformed beacons, noise."""
    shop, start = Shop(chance), request_start("shop.example")
    for _ in range(count):
        kind = chance.random()
        if kind < 0.4:
            yield chance.choice(hostile.SMALL)
        elif kind < 0.7:
            yield request_bytes(malformed_variant(shop.beacon(50, 0.2), chance), start)
        elif kind < 0.9:
            data = bytearray(chance.choice(hostile.SMALL))
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            yield bytes(data)
        else:
            yield chance.randbytes(chance.randint(0, 300))


async def send(address: tuple[str, int], waiting: Iterator[bytes]) -> Counter:
    """Send requests over connections of their own; return how they were answered."""
    answered: Counter = Counter()

    async def worker() -> None:
        for data in waiting:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(data)
            writer.write_eof()
            answered.update(code for code in statuses(await reader.read()) if code >= 200)
            writer.close()

    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
    return answered


def logged(since_ms: int) -> Counter:
    """Count the lines of all servers' logs since a moment, by their status."""
    found: Counter = Counter()
    for log in home().glob("fleet/*/access.log*"):
        opened = gzip.open if log.suffix == ".gz" else open
        with opened(log, "rb") as file:
            for line in file:
                status, at = LOGGED.search(line).groups()
                if int(at) >= since_ms:
                    found[int(status)] += 1
    return found


def archived(cloud, since: datetime) -> pd.DataFrame:
    """Each line once, of those that the agents read since a moment."""
    records = archived_beacons(cloud, start=since).dropna(subset=["beacon_id", "shipped_at"])
    return records[records["beacon_id"] != "p"].drop_duplicates("beacon_id")


def outcomes(records: pd.DataFrame) -> dict[str, int]:
    """How many are accepted, of bots, rejected for each reason, or no beacons."""
    found = Counter(records["rejected"].dropna())
    found["accepted"] = int((is_beacon(records) & records["bot"].isna()).sum())
    found["bot"] = int((is_beacon(records) & records["bot"].notna()).sum())
    found["no beacon"] = len(records) - sum(found.values())
    return dict(found)


def counted(cloud, since: datetime) -> dict[str, int]:
    """How many beacons DynamoDB holds as accepted, as bots', or as rejected for each reason."""
    rejected = metric_values(cloud, "rejected_count", start=since)
    found = rejected.groupby("Item")["Value"].sum().astype(int).to_dict()
    accepted = int(metric_values(cloud, "referral_count", start=since)["Value"].sum())
    bots = int(metric_values(cloud, "bot_count", start=since)["Value"].sum())
    found |= {"accepted": accepted, "bot": bots}
    return {name: number for name, number in found.items() if number}


def eventually(read, holds, what: str):
    """Read again and again until it holds; return what was read."""
    deadline = time.monotonic() + SECONDS
    while not holds(value := read()):
        assert time.monotonic() < deadline, f"{what}: {value}"
        time.sleep(1)
    return value


def differing(cloud, minute: datetime, began: datetime) -> pd.DataFrame:
    """Return the values that differ from the recount.

    Duplicates from before this test are those of an earlier one, after a kill: while Flink catches
    up, it may read a copy before the first, and count the other one, in another bucket.
    """
    found = compare(cloud, minute)
    is_earlier = found["Time"] < pd.Timestamp(began).floor("10s")
    return found[~(is_earlier & (found["Metric"] == "duplicate_count"))]


def account(cloud, count: int = COUNT, seed: int = 1) -> pd.Series:
    """Send hostile requests, and follow them through every stage; fail where one is missing.

    Returns:
        The figures of each stage.
    """
    address = urlsplit(beacon_url(cloud))
    now = datetime.now(UTC)
    minute, since_ms = now.replace(second=0, microsecond=0), int(now.timestamp() * 1000)
    before = counted(cloud, minute)
    for number, data in enumerate(POISON):
        cloud.client("kinesis").put_record(
            StreamName=cloud.name("clicks"), PartitionKey=str(number), Data=data + b"\n"
        )
    started = time.monotonic()
    waiting = requests(count, random.Random(seed))
    answered = asyncio.run(send((address.hostname, address.port), waiting))
    seconds = time.monotonic() - started

    assert logged(since_ms) == answered
    lines = sum(answered.values())
    records = eventually(
        lambda: archived(cloud, now), lambda found: len(found) >= lines, "the archive"
    )
    assert len(records) == lines
    expected = Counter(outcomes(records)) - Counter({"no beacon": lines})
    stored = eventually(
        lambda: Counter(counted(cloud, minute)) - Counter(before),
        lambda found: found == expected,
        f"DynamoDB, where {expected} is due",
    )
    eventually(lambda: differing(cloud, minute, now), lambda found: found.empty, "each value")
    totals = eventually(
        lambda: metric_totals(cloud, minute),
        lambda found: (found["DynamoDB"] == found["CloudWatch"]).all(),
        "CloudWatch",
    )
    figures = {"sent": count, "seconds": round(seconds), "answered": lines}
    figures |= {f"answered {status}": answered[status] for status in sorted(answered)}
    figures |= {"logged": sum(logged(since_ms).values()), "archived": len(records)}
    figures |= {f"archived: {name}": number for name, number in sorted(outcomes(records).items())}
    figures |= {f"DynamoDB: {name}": number for name, number in sorted(stored.items())}
    figures["different items"] = int(totals["Items"].sum())
    return pd.Series(figures)


def test_hostile_requests_are_each_accounted_for_at_every_stage(chain):
    figures = account(chain)
    print(figures.to_string())
    assert figures["answered"] >= 0.8 * COUNT  # some cannot be answered
    for reason in ("accepted", "bot", "no beacon", "too_long", "unparsable"):
        assert figures[f"archived: {reason}"] > 0.01 * COUNT, reason
    # The invalid records are archived as well, and stopped no stage.
    kept = archived_beacons(chain, minutes=60)
    assert (kept["rejected"] == "not_a_record").sum() >= 3
    sizes = [len(json.dumps(row)) for row in kept["line"].dropna()]
    assert max(sizes) < 60_000
