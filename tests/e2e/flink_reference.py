"""Click records that look for trouble, and what every metric of them must be, in plain Python.

Nothing here is taken from the SQL: it is written from the definition of each metric. Visits are
those of helpers/audit/recounted_visits.py, which has its own tests.
"""

import hashlib
import random
import re
import zlib
from collections import defaultdict

import pandas as pd

from assets.agent.access_log import log_time
from helpers.audit.recounted_visits import recounted_visits
from helpers.stores.archive import FIELDS, field_column
from tests import beacon_lines

BROWSERS = [f"Mozilla/5.0 (X11; Linux x86_64) Firefox/{n}.0" for n in range(120, 132)]
HOSTILE = [
    "",
    " ",
    "(other)",
    "(direct)",
    ":colon",
    "Zürich · 東京 · 🦊",
    "🦊" * 250,  # 250 characters, 1,000 bytes: fits
    "🦊" * 251,  # 1,004 bytes: too long, though not in characters
    "é" * 255,
    "x" * 255,
    "x" * 256,
    "x" * 300,
    "x" * 240 + "y" * 60,  # begins like the one above
    "<script>alert(1)</script>",
    "quote ' double \" back \\ tab \t newline \n nul \x00 end",
    "${clicks}",
]


def click(rng: random.Random, number: int, now_ms: int) -> dict:
    """Return one accepted beacon's record, received within the last two minutes."""
    received = now_ms - rng.randrange(120_000)
    choose = rng.choice
    return {
        "beacon_id": f"fleet-{number % 2}:77:{number * 300}:{zlib.crc32(str(number).encode()):08x}",
        "host": f"10.0.0.{number % 250}",
        "ident": None,
        "authuser": None,
        "datetime": log_time(received / 1000),
        "requested_at": received // 1000 * 1000,
        "request": choose(
            ["GET /beacon HTTP/1.1", "POST /beacon HTTP/1.1", "GET /beacon?a=b HTTP/1.1"]
        ),
        "response": 200,
        "bytes": choose([None, 2]),
        "referrer": choose([None, None, "https://example.com/", "https://search.example/?q=1"]),
        "agent": choose(BROWSERS),
        "event": choose(["pageview", "pageview", "click", "conversion", None]),
        "clientid": choose([None] + [f"visitor-{n}" for n in range(97)]),
        "page": choose([f"/page/{n}" for n in range(23)] + [None]),
        "source": choose([None, None, None, "search.example", "news.example"]),
        "campaign": choose([None, None, "july", "august"]),
        "automation": None,
        "browser": choose(["Firefox", "Chrome", None]),
        "system": choose(["Linux", "Android"]),
        "device": choose(["desktop", "mobile"]),
        "bot": None,
        "custom_metric_name": choose([None, "page_load_time"]),
        "custom_metric_int_value": rng.randrange(50, 4000),
        "custom_metric_float_value": None,
        "custom_metric_string_value": None,
        "received_at": received,
        "shipped_at": 0,  # see `stamp`
    }


def records(count: int, now_ms: int, seed: int = 1) -> list[dict]:
    """Return about `count` records: late, too late, rejected, no beacons, bots, odd, and copies.

    Then come those of the table of beacons (tests/beacon_lines.py). None has stamps yet:
    see `stamp`.
    """
    rng = random.Random(seed)
    made = []
    for number in range(count):
        record = click(rng, number, now_ms)
        kind = rng.random()
        if rng.random() < 0.02:
            record["bot"] = "Googlebot"  # also a late, a too_late and a repeated one
        if kind < 0.05:
            _late(record, rng.randrange(60, 3590))
        elif kind < 0.07:
            _late(record, rng.randrange(3700, 90_000))
        elif kind < 0.10:
            reason = rng.choice(["unparsable", "too_long", "from_the_future"])
            kept = {key: record[key] for key in ("beacon_id", "received_at", "shipped_at")}
            record = kept | {"rejected": reason, "line": "GET /beacon \\xff\\xfe <b>"}
        elif kind < 0.14:
            record |= rng.choice(NO_BEACONS)
        elif kind < 0.17:
            record[rng.choice(["event", "page", "agent", "referrer"])] = rng.choice(HOSTILE)
        elif kind < 0.18:
            record["requested_at"] = rng.choice(
                ["yesterday", "", None, -1, 1.5, True, 2**63 - 1, 2**64]
            )
        elif kind < 0.23:
            record["bot"] = rng.choice(["Googlebot", "curl", "webdriver", *HOSTILE])
        elif kind < 0.24:
            # The text is for people: in any language, only the number counts.
            record["datetime"] = rng.choice(["25/Dez/2026:00:00:00 +0000", "yesterday", "", None])
        made.append(record)
        if rng.random() < 0.04:
            made.append(dict(rng.choice(made[-200:])))
    for number, (fields, _) in enumerate(beacon_lines.stored(), count):
        made.append(click(rng, number, now_ms) | fields)
    return made


def stamp(clicks: list[dict], at: float, firsts: dict[str, int]) -> None:
    """Stamp records as the agent does when it puts them.

    Args:
        clicks: the records; each gets another `shipped_at`.
        at: the time of the put, epoch seconds.
        firsts: the stamps so far, by beacon_id. A copy gets that of its first: a job that catches
            up may read either of them first, and both must count in the same ten seconds.
    """
    for record in clicks:
        record["shipped_at"] = firsts.setdefault(record["beacon_id"], int(at * 1000))


NO_BEACONS = [
    {"request": "OPTIONS /beacon HTTP/1.1", "response": 204},
    {"request": "GET /health HTTP/1.1"},
    {"request": "GET /beacons HTTP/1.1"},
    {"request": "GET /x?/beacon HTTP/1.1"},
    {"request": "HEAD /beacon HTTP/1.1"},
    {"response": 404},
    {"response": None},
    {"request": None},
    {"agent": "ELB-HealthChecker/2.0"},
]


def _late(record: dict, seconds: int) -> None:
    record["received_at"] -= seconds * 1000
    record["requested_at"] = record["received_at"] // 1000 * 1000
    record["datetime"] = log_time(record["requested_at"] / 1000)


def expected(records: list[dict]) -> dict[tuple[str, int, str], tuple[int, int, int]]:
    """Return (value, Samples, NewestBeacon) of every metric row, by (type, bucket, item).

    A value of visits that is 0 is left out; its Samples and NewestBeacon are None.
    avg_pg_ld is among them: the metric that a learner adds.

    Args:
        records: the click records, in the order in which they are put.
    """
    groups = defaultdict(list)
    seen = set()
    for record in records:
        if "rejected" not in record and not is_beacon(record):
            continue
        arrival = record["shipped_at"] // 10_000 * 10
        if record["beacon_id"] in seen:
            groups["duplicate_count", arrival, "All Beacons"].append(record)
            continue
        seen.add(record["beacon_id"])
        reason = record.get("rejected") or reason_of(record)
        if reason:
            groups["rejected_count", arrival, reason].append(record)
            continue
        bucket = record["requested_at"] // 10_000 * 10
        if record["bot"] is not None:
            groups["bot_count", bucket, cut(record["bot"])].append(record)
            continue
        for metric, field in (
            ("event_count", "event"),
            ("top_pages", "page"),
            ("agent_count", "agent"),
        ):
            if record[field] is not None:
                groups[metric, bucket, cut(record[field])].append(record)
        referrer = "(direct)" if record["referrer"] is None else cut(record["referrer"])
        groups["referral_count", bucket, referrer].append(record)
        if record["clientid"] is not None:
            groups["visitor_count", bucket // 60 * 60, "All Visitors"].append(record)
        if record["custom_metric_name"] == "page_load_time":
            groups["avg_pg_ld", bucket, "All Pages"].append(record)
    rows = {key: _row(key[0], group) for key, group in groups.items()} | _hours(groups)
    return rows | _visits(
        [record for key in groups if key[0] == "referral_count" for record in groups[key]]
    )


def _hours(groups: dict) -> dict[tuple[str, int, str], tuple[int, int, int]]:
    counts = {key[1:]: group for key, group in groups.items() if key[0] == "event_count"}
    rows = {}
    for bucket, event in counts:
        hour = range(bucket - 3590, bucket + 10, 10)
        group = [record for one in hour for record in counts.get((one, event), ())]
        rows["hourly_events", bucket, event] = _row("hourly_events", group)
    return rows


def _visits(beacons: list[dict]) -> dict[tuple[str, int, str], tuple[int, None, None]]:
    frame = pd.DataFrame({field: field_column(beacons, field) for field in FIELDS})
    return {
        (row.Metric, int(row.Time.timestamp()), row.Item): (row.Value, None, None)
        for row in recounted_visits(frame, cut).itertuples()
    }


def _row(metric: str, group: list[dict]) -> tuple[int, int, int]:
    value = len(group)
    if metric == "visitor_count":
        value = len({record["clientid"] for record in group})
    elif metric == "avg_pg_ld":
        value = sum(record["custom_metric_int_value"] for record in group) / len(group)
    return value, len(group), max(record["received_at"] for record in group)


def is_beacon(record: dict) -> bool:
    method, _, rest = (record["request"] or "").partition(" ")
    path = re.split(r"[? ]", rest)[0]
    return (
        method in ("GET", "POST")
        and path == "/beacon"
        and record["response"] == 200
        and not (record["agent"] or "").startswith("ELB-HealthChecker")
    )


def reason_of(record: dict) -> str | None:
    requested = record["requested_at"]
    if type(requested) is float:
        requested = int(requested)  # Flink leaves out what comes after the point
    if type(requested) is not int or not 0 <= requested <= 9_000_000_000_000:
        return "unparsable"
    return "too_late" if record["shipped_at"] - requested > 3_600_000 else None


def cut(item: str) -> str:
    if len(item) <= 255 and len(item.encode()) <= 1000:
        return item
    return item[:240] + hashlib.sha256(item.encode()).hexdigest()[:8]
