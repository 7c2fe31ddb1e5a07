"""Cases of visits with their right answers, as web analysts count them.

Each case is a text of beacons, and the values that they make. A beacon: its visitor (A if none is
named), p (page view), c (click) or v (conversion), the time as minutes:seconds, a page if one is
named, `@source` and `#campaign`.
"""

import re

from visits import Beacon

GAP = 30 * 60 * 1000
BEGIN = 1_795_564_800_000  # a full hour, epoch ms
EVENTS = {"p": "pageview", "c": "click", "v": "conversion"}
_BEACON = re.compile(
    r"(?:(?P<visitor>[A-Z]) )?(?P<event>[pcv]) (?P<minute>\d+):(?P<second>\d\d)"
    r"(?P<page> /\S+)?(?: @(?P<source>\S+))?(?: #(?P<campaign>\S+))?"
)

# The beacons; then visits and bounces by minute; then visit seconds; then other values by metric.
CASES = {
    "one page view": ("p 10:00", {10: (1, 1)}, 0, {}),
    "two page views": ("p 10:00, p 10:40", {10: (1, 0)}, 40, {}),
    "a click is no bounce": ("p 10:00, c 10:05", {10: (1, 0)}, 5, {}),
    "the hour of the clock divides nothing": ("p 59:50, p 60:20", {59: (1, 0)}, 30, {}),
    "a gap of exactly half an hour": ("p 10:00, p 40:00", {10: (1, 0)}, 1800, {}),
    "a longer gap": ("p 10:00, p 40:01", {10: (1, 1), 40: (1, 1)}, 0, {}),
    "a late beacon joins two": ("p 10:00, p 40:01, p 25:00", {10: (1, 0)}, 1801, {}),
    "an earlier beacon": ("p 10:00, p 9:30", {9: (1, 0)}, 30, {}),
    "two visitors": ("A p 10:00, B p 10:00", {10: (2, 2)}, 0, {}),
    "the first source": (
        "p 10:00 @x, p 10:20 @y",
        {10: (1, 0)},
        20,
        {"source_count": {(10, "x"): 1}},
    ),
    "an earlier source": (
        "p 10:00 @x, p 10:20 @y, p 9:50 @z",
        {9: (1, 0)},
        30,
        {"source_count": {(9, "z"): 1}},
    ),
    "direct is no source": (
        "p 10:00, p 10:20 @y #july",
        {10: (1, 0)},
        20,
        {"source_count": {(10, "y"): 1}, "campaign_count": {(10, "july"): 1}},
    ),
    "entry, exit and conversion": (
        "p 10:00 /a @x, p 10:10 /b, v 10:20 /b, v 10:25 /b",
        {10: (1, 0)},
        25,
        {
            "entry_pages": {(10, "/a"): 1},
            "exit_pages": {(10, "/b"): 1},
            "conversion_count": {(10, "x"): 1},
        },
    ),
    "no page view": (
        "c 10:00",
        {10: (1, 0)},
        0,
        {"entry_pages": {(10, "(none)"): 1}, "source_count": {(10, "(direct)"): 1}},
    ),
    "pages in the minutes of three visitors": (
        "A p 10:00 /a, B p 10:30 /a, B c 10:31, C p 9:59 /b",
        {10: (2, 1), 9: (1, 1)},
        1,
        {"entry_pages": {(10, "/a"): 2, (9, "/b"): 1}},
    ),
}


def beacons(text: str) -> list[tuple[str, Beacon]]:
    """Return the visitor and the beacon of each part of a case, in the order of the text."""
    found = []
    for part in text.split(", "):
        match = _BEACON.fullmatch(part)
        assert match, part
        at = BEGIN + (int(match["minute"]) * 60 + int(match["second"])) * 1000
        page = (match["page"] or " /").strip()
        event = EVENTS[match["event"]]
        told = (event, page, match["source"], match["campaign"], "Firefox", "Linux", "desktop")
        found.append((match["visitor"] or "A", Beacon(at, at + 250, at + 900, *told, GAP)))
    return found


def expected(name: str) -> tuple[dict[tuple[str, int, str], int], set[str]]:
    """Return a case's values that are not zero, by cell, and the metrics that it lists whole."""
    _, minutes, seconds, others = CASES[name]
    values, metrics = {}, {"visit_count", "bounce_count", *others}
    for minute, (visits, bounces) in minutes.items():
        values["visit_count", BEGIN // 1000 + minute * 60, "All Visits"] = visits
        values["bounce_count", BEGIN // 1000 + minute * 60, "All Visits"] = bounces
    for metric, of_metric in others.items():
        for (minute, item), value in of_metric.items():
            values[metric, BEGIN // 1000 + minute * 60, item] = value
    return {cell: value for cell, value in values.items() if value}, metrics
