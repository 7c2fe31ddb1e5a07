"""The exercises of module 2 in streaming SQL: health checks are left out, phones are counted."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from helpers.core.errors import WorkshopError

from .exercise import Exercise, NotYet, NoWork
from .sql_run import rows_of

BEACONS, COPIES = 240, 30
REQUEST = "GET /beacon HTTP/1.1"  # what a beacon is: 03_copies.sql
BEGINS_MS = 1_700_000_000_000
EVENTS, DEVICES = ("pageview", "click", "play"), ("desktop", "mobile", "tablet")
# /healthy-food is a page of the shop. Some beacons have no page.
PAGES = ("/", "/cart", "/health", "/health/live", "/healthy-food", None)
UNCHANGED = "'my_metric'"  # the MetricType in the notebook's cell
STATEMENT = """\
INSERT INTO metrics
SELECT
  'people' AS MetricType, bucket AS EventTimestamp, event AS MetricItem,
  COUNT(*) AS UnitValueInt, CAST(NULL AS DOUBLE) AS UnitValueFloat,
  COUNT(*) AS Samples, MAX(received_at) AS NewestBeacon, MAX(received_at) AS EmittedAt
FROM beacons
WHERE event IS NOT NULL AND ({condition}
)
GROUP BY bucket, event
"""


def sample_records(seed: int = 1) -> list[dict]:
    """Return click records of all pages, devices and events; some arrive twice.

    Args:
        seed: of the random numbers.

    Example:
        >>> len(sample_records())
        270
    """
    chance = random.Random(seed)
    records = []
    for number in range(BEACONS):
        at = BEGINS_MS + chance.randrange(40_000)
        records.append(
            {"beacon_id": f"fleet-1:1:{number}", "clientid": f"visitor-{chance.randrange(9)}"}
            | {"event": chance.choice(EVENTS), "page": chance.choice(PAGES)}
            | {"device": chance.choice(DEVICES), "request": REQUEST, "response": 200}
            | {"requested_at": at, "received_at": at, "shipped_at": at + 100}
        )
    return [*records, *records[:COPIES]]


def is_health_check(page: str | None) -> bool:
    """Return whether a page is a load balancer's health check.

    Args:
        page: of a beacon, or None.

    Example:
        >>> is_health_check("/health/live"), is_health_check("/healthy-food")
        (True, False)
    """
    return page is not None and (page == "/health" or page.startswith("/health/"))


def firsts(records: Sequence[dict]) -> list[dict]:
    """Return the first record of each beacon."""
    return list({record["beacon_id"]: record for record in reversed(records)}.values())


def counts(records: Sequence[dict], item: str) -> Counter:
    """Return the number of records by bucket and item."""
    return Counter((record["requested_at"] // 10_000 * 10, record[item]) for record in records)


def found_counts(rows: Sequence[dict]) -> Counter:
    """Return the value of each row by bucket and item."""
    return Counter({(r["EventTimestamp"], r["MetricItem"]): r["UnitValueInt"] for r in rows})


def run(statement: str) -> list[dict]:
    """Return the rows of a statement over the sample.

    Raises:
        NotYet: Flink refuses it.
    """
    try:
        return rows_of(statement, sample_records())
    except WorkshopError as error:
        raise NotYet(error.cause.removeprefix("✗ "), "Correct the statement.") from None


def check_condition(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a condition that leaves health checks out."""
    if not isinstance(work, str):
        raise NotYet(f"{work!r:.40} is no text.")
    if re.match(r"\s*WHERE\b", work, re.IGNORECASE):
        raise NotYet("The statement has its WHERE already. Write only what comes after it.")
    return judge_condition(run(STATEMENT.format(condition=work)))


def judge_condition(rows: Sequence[dict]) -> str:
    """Return what is right of the rows that a condition gives.

    Raises:
        NotYet: a health check is counted, or another beacon is missing.
    """
    found = found_counts(rows)
    beacons = firsts(sample_records())
    kept = [beacon for beacon in beacons if not is_health_check(beacon["page"])]
    if found == counts(kept, "event"):
        return f"{len(beacons) - len(kept)} health checks are left out, {len(kept)} beacons counted"
    raise NotYet(_difference(found, beacons, kept))


def _difference(found: Counter, beacons: list[dict], kept: list[dict]) -> str:
    def without(is_out: Callable[[str | None], bool]) -> Counter:
        return counts([beacon for beacon in beacons if not is_out(beacon["page"])], "event")

    sentences = (
        (counts(beacons, "event"), "No beacon is left out."),
        (without(lambda page: page == "/health"), "/health/live is a health check, too."),
        (
            without(lambda page: (page or "").startswith("/health")),
            "/healthy-food is a page of the shop, and its beacons are missing.",
        ),
        (
            without(lambda page: page is None or is_health_check(page)),
            "Beacons without a page are missing. A comparison with NULL is not true.",
        ),
        (
            without(lambda page: page is None or page.startswith("/health")),
            "/healthy-food and the beacons without a page are missing. A comparison with NULL is "
            "not true.",
        ),
        (
            without(lambda page: page is None or page == "/health"),
            "/health/live is a health check, too, and the beacons without a page are missing. "
            "A comparison with NULL is not true.",
        ),
        (counts([b for b in beacons if b not in kept], "event"), "Only health checks are counted."),
    )
    for result, sentence in sentences:
        if found == result:
            return sentence
    return f"It counts {found.total()} beacons. There are {len(kept)} that are no health check."


def check_phones(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a statement that counts the page views of phones by page."""
    if not isinstance(work, str):
        raise NotYet(f"{work!r:.40} is no text.")
    if UNCHANGED in work:
        raise NoWork  # else Flink would run it each time that a learner runs all cells
    return judge_phones(run(work))


def judge_phones(rows: Sequence[dict]) -> str:
    """Return what is right of the rows that a statement gives.

    Raises:
        NotYet: they are not the page views of phones by page.
    """
    if not rows:
        raise NotYet("It writes no row. Which values does the column `device` have?")
    names = {row["MetricType"] for row in rows}
    if names != {"phone_pages"}:
        raise NotYet(f"Its MetricType is {min(names)!r:.40}. The task asks for 'phone_pages'.")
    beacons = [b for b in firsts(sample_records()) if b["page"] is not None]
    views = [b for b in beacons if b["event"] == "pageview"]
    phones = [b for b in views if b["device"] == "mobile"]
    found = Counter({key: n for key, n in found_counts(rows).items() if key[1] is not None})
    if found != counts(phones, "page"):
        raise NotYet(_phones_difference(found, beacons, views, phones))
    if any(row["MetricItem"] is None for row in rows):
        raise NotYet("A row has no item. Beacons without a page must be left out.")
    if any(row["Samples"] != row["UnitValueInt"] for row in rows):
        raise NotYet("Samples must be the number of beacons, too: the newer row has more of them.")
    return f"{len(phones)} page views of phones are in {len(rows)} rows"


def _phones_difference(
    found: Counter, beacons: list[dict], views: list[dict], phones: list[dict]
) -> str:
    if found == counts(views, "page"):
        return "It counts the page views of every device."
    if found == counts([b for b in beacons if b["device"] == "mobile"], "page"):
        return "It counts every event of phones, clicks too."
    if found == counts(beacons, "page"):
        return "It counts every beacon."
    visitors = {(r["requested_at"] // 10_000, r["page"], r["clientid"]): r for r in phones}
    if found == counts(list(visitors.values()), "page"):
        return "It counts the visitors of each page: each once. The task asks for page views."
    return f"It counts {found.total()} page views. Phones have {len(phones)}."


EXERCISES = (
    Exercise("2-3", "Without health checks", check_condition),
    Exercise("2-4", "The pages of phones", check_phones),
)
