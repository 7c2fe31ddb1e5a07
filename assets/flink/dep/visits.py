"""Visits: what the beacons of one visitor make, in whatever order they arrive.

A visit is one visitor's beacons with gaps of at most half an hour. A beacon begins a visit, extends
one, or joins several into one; no beacon divides a visit. So each value of a visit is a sum, a
minimum or a maximum over its beacons, and does not depend on their order.

visitor.py keeps the visits of one visitor, and visit_stage.py stores them in Flink's state.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

MINUTE_MS = 60_000
NONE, DIRECT, UNKNOWN = "(none)", "(direct)", "Other"
ALL = "All Visits"
# The metrics of visits. A visit counts in the minute in which it begins.
METRICS = (
    "visit_count",
    "bounce_count",
    "visit_seconds",
    "entry_pages",
    "exit_pages",
    "source_count",
    "campaign_count",
    "conversion_count",
    "browser_count",
    "system_count",
    "device_count",
)
DIGITS = 16  # of a time in milliseconds, as text
# Metric, minute (epoch seconds) and item: where a value is added.
Cell = tuple[str, int, str]


class Beacon(NamedTuple):
    """One beacon of a visitor, as 07_visit_beacons.sql selects it.

    Args:
        requested_at: when it was requested: epoch milliseconds of a whole second.
        received_at: the same time by the server's clock, with its milliseconds, or None.
        shipped_at: when the agent put it, epoch milliseconds.
        event: what happened.
        page: where.
        source: where the visitor came from; None if it is direct or not known.
        campaign: of which campaign.
        browser: from the User-Agent, as the next two.
        system: the operating system.
        device: desktop, mobile or tablet.
        gap: the longest time between two beacons of a visit, milliseconds.
    """

    requested_at: int
    received_at: int | None
    shipped_at: int
    event: str | None
    page: str | None
    source: str | None
    campaign: str | None
    browser: str | None
    system: str | None
    device: str | None
    gap: int


class Visit(NamedTuple):
    """The beacons of one visit, added up.

    `entry`, `exit`, `source`, `campaign` and `client` are texts of the first or the last beacon
    that has one. Each begins with the beacon's time, 16 digits of milliseconds: of two such texts
    the smaller one is the earlier one. It is empty if no beacon has one.

    Args:
        first: when the first beacon was requested, epoch milliseconds.
        last: when the last one was.
        beacons: their number.
        views: the number of page views among them.
        conversions: the number of conversions.
        entry: the page of the first page view.
        exit: the page of the last page view.
        source: the first source.
        campaign: the first campaign.
        client: browser, system and device of the first beacon, in lines.
    """

    first: int
    last: int
    beacons: int
    views: int
    conversions: int
    entry: str
    exit: str
    source: str
    campaign: str
    client: str


def visit_of(beacon: Beacon) -> Visit:
    """Return the visit of a single beacon.

    Example:
        >>> beacon = Beacon(1000, 1500, 2000, "pageview", "/a", *[None] * 5, 1800_000)
        >>> visit_of(beacon).entry
        '0000000000001500/a'
    """
    return _visit([beacon])


def visits_of(beacons: Iterable[Beacon], gap: int) -> list[Visit]:
    """Return the visits that one visitor's beacons make without any others.

    It returns the same as `joined_all` of each beacon's own visit, several times as fast.

    Args:
        beacons: in any order.
        gap: the longest time between two beacons of a visit, milliseconds.
    """
    runs: list[list[Beacon]] = []
    for beacon in sorted(beacons, key=itemgetter(0)):
        if not runs or beacon.requested_at - runs[-1][-1].requested_at > gap:
            runs.append([])
        runs[-1].append(beacon)
    return [_visit(run) for run in runs]


def _visit(run: list[Beacon]) -> Visit:
    """Return the visit of beacons in order whose gaps are short enough."""
    timed = [(_time(beacon), beacon) for beacon in run]
    begin = min(at for at, _ in timed)
    views = [(at, beacon.page) for at, beacon in timed if beacon.event == "pageview"]
    pages = [(at, page) for at, page in views if page is not None]
    sources = [(at, beacon.source) for at, beacon in timed if beacon.source is not None]
    campaigns = [(at, beacon.campaign) for at, beacon in timed if beacon.campaign is not None]
    return Visit(
        first=run[0].requested_at,
        last=run[-1].requested_at,
        beacons=len(run),
        views=len(views),
        conversions=sum(beacon.event == "conversion" for beacon in run),
        entry=_text(min(pages, default=None)),
        exit=_text(max(pages, default=None)),
        source=_text(min(sources, default=None)),
        campaign=_text(min(campaigns, default=None)),
        client=_text((begin, min(_client(*beacon[7:10]) for at, beacon in timed if at == begin))),
    )


def _time(beacon: Beacon) -> int:
    # Two beacons of one second are in order: received_at has the milliseconds of the same time.
    at, received_at = beacon.requested_at, beacon.received_at
    return received_at if received_at is not None and received_at // 1000 * 1000 == at else at


def _text(timed: tuple[int, str] | None) -> str:
    return "" if timed is None else f"{timed[0]:0{DIGITS}d}{timed[1]}"


@lru_cache(1000)
def _client(*names: str | None) -> str:
    # A newline within a name would shift the lines of the others.
    return "\n".join((name or UNKNOWN).replace("\n", " ") for name in names)


def joined(one: Visit, other: Visit) -> Visit:
    """Return the visit of all beacons of two visits."""
    return Visit(
        min(one.first, other.first),
        max(one.last, other.last),
        one.beacons + other.beacons,
        one.views + other.views,
        one.conversions + other.conversions,
        _earlier(one.entry, other.entry),
        max(one.exit, other.exit),
        _earlier(one.source, other.source),
        _earlier(one.campaign, other.campaign),
        _earlier(one.client, other.client),
    )


def joined_all(visits: Iterable[Visit], more: Iterable[Visit], gap: int) -> list[Visit]:
    """Return a visitor's visits after more beacons.

    Args:
        visits: the visits so far, in any order; each two are further apart than the gap.
        more: visits of further beacons.
        gap: the longest time between two beacons of a visit, milliseconds.
    """
    result = list(visits)
    for visit in more:
        apart = []
        for other in result:
            if other.first - gap <= visit.last and visit.first <= other.last + gap:
                visit = joined(visit, other)
            else:
                apart.append(other)
        result = [*apart, visit]
    return result


def minute_of(visit: Visit) -> int:
    """Return the minute in which a visit counts, epoch seconds."""
    return visit.first // MINUTE_MS * 60


def items(visit: Visit) -> tuple[str, ...]:
    """Return a visit's item in each of METRICS."""
    source = visit.source[DIGITS:] if visit.source else DIRECT
    return (
        *(ALL, ALL, ALL, _item(visit.entry), _item(visit.exit)),
        *(source, _item(visit.campaign), source),
        *visit.client[DIGITS:].split("\n"),
    )


@lru_cache(2000)
def items_of(*fields: Any) -> tuple[str, ...]:  # noqa: ANN401 - see Beacon
    """Return the item in each of METRICS of a visit of a single beacon.

    Args:
        fields: the beacon's, from `event` on.
    """
    return items(visit_of(Beacon(0, None, 0, *fields)))


def numbers(visit: Visit) -> tuple[int, ...]:
    """Return what a visit adds to each of METRICS; some may be 0."""
    bounce = int(visit.beacons == visit.views == 1)
    seconds = (visit.last - visit.first) // 1000
    return 1, bounce, seconds, 1, 1, 1, 1, int(visit.conversions > 0), 1, 1, 1


def differences(before: Iterable[Visit], after: Iterable[Visit]) -> dict[Cell, int]:
    """Return what must be added to each cell; cells that stay the same are left out.

    Args:
        before: a visitor's visits.
        after: the same visitor's visits after more beacons.
    """
    former, latter = set(before), set(after)
    result: dict[Cell, int] = {}
    for visits, sign in ((latter - former, 1), (former - latter, -1)):
        for visit in visits:
            minute = minute_of(visit)
            for metric, item, number in zip(METRICS, items(visit), numbers(visit), strict=True):
                cell = metric, minute, item
                result[cell] = result.get(cell, 0) + sign * number
    return {cell: number for cell, number in result.items() if number}


def _earlier(one: str, other: str) -> str:
    return min(one, other) if one and other else one or other


def _item(timed: str) -> str:
    return timed[DIGITS:] if timed else NONE
