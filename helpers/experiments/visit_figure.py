"""Draws one visitor's beacons on a time axis, and the visits that they make, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.palette import BLUE, INK, LINE, QUIET, SLATE, VERMILION
from helpers.plotting.text_fitting import fit

_WIDTH, _TOP, _ROW, _AXIS, _LABELS = 8.8, 0.4, 0.5, 0.35, 3.0
_MARGIN, _LEAST_MARGIN = 0.08, 45  # of the time axis at both ends: a share of it, seconds


@dataclass(frozen=True)
class VisitRow:
    """One way to divide the beacons.

    Args:
        divided_by: e.g. `a gap of 30 minutes`.
        spans: each visit's first and last beacon, epoch seconds.
        bounces: how many of the visits are bounces.
        is_wrong: it is drawn in another colour.
        stored: the number of visits in DynamoDB; None if it does not count in this way.
    """

    divided_by: str
    spans: tuple[tuple[float, float], ...]
    bounces: int
    is_wrong: bool = False
    stored: int | None = None

    @property
    def counts(self) -> str:
        """The numbers of visits and bounces, and the number of visits in DynamoDB."""
        stored = "" if self.stored is None else f" (DynamoDB: {counted(self.stored, 'visit')})"
        return f"{counted(len(self.spans), 'visit')}, {counted(self.bounces, 'bounce')}{stored}"


def counted(count: int, what: str) -> str:
    """Return a number and its noun.

    Example:
        >>> counted(1, "visit"), counted(0, "bounce")
        ('1 visit', '0 bounces')
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def draw_visits(
    name: str, beacons: Sequence[float], rows: Sequence[VisitRow], edges: Sequence[float] = ()
) -> Picture:
    """Return a picture of a visitor's beacons, with one row of visits for each way to divide them.

    Args:
        name: the visitor's.
        beacons: the times of the requests, epoch seconds; at least one.
        rows: the ways to divide them.
        edges: moments at which the clock divides them, drawn as dashed lines, epoch seconds.

    Example:
        `draw_visits("ann", [0, 60], [VisitRow("a gap of 30 minutes", ((0, 60),), 0)])`
    """
    lines = len(rows) + 1
    picture = Picture(_WIDTH, _TOP + _ROW * lines + _AXIS)
    box = picture.box().inside(left=0.15, right=0.15)
    title = fit(f"The beacons of {name}, and the visits that they make (UTC)", 11, 8.3)
    box.text(0, 0.24, title, points=11, weight="bold")
    area = box.inside(left=_LABELS, top=_TOP, bottom=_AXIS)
    axes = area.axes()
    first, last = min(beacons), max(beacons)
    margin = max(_MARGIN * (last - first), _LEAST_MARGIN)
    chart_parts.prepare(axes, first - margin, last + margin, area.width)
    axes.grid(visible=False)
    axes.set(ylim=(lines, 0), yticks=[])
    for edge in edges:
        axes.axvline(edge, color=QUIET, linewidth=1, linestyle="--")
    box.text(0, _TOP + _ROW / 2, counted(len(beacons), "beacon"), weight="bold")
    axes.plot(beacons, [0.5] * len(beacons), "o", color=SLATE, markersize=7)
    for number, row in enumerate(rows, 1):
        middle = _TOP + (number + 0.5) * _ROW
        box.text(0, middle - 0.09, fit(f"by {row.divided_by}:", 9, _LABELS - 0.2), color=QUIET)
        box.text(0, middle + 0.09, row.counts, color=INK, weight="bold")
        axes.axhline(number, color=LINE, linewidth=0.6)
        color = VERMILION if row.is_wrong else BLUE
        for span in row.spans:
            # The markers: a visit of one beacon has no length.
            look: dict[str, Any] = {
                "linewidth": 9,
                "markersize": 9,
                "color": color,
                "solid_capstyle": "round",
            }
            axes.plot(span, [number + 0.5] * 2, "o-", **look)
    words = "; ".join(f"by {row.divided_by}: {row.counts}" for row in rows)
    picture.sentence = f"{name}: {counted(len(beacons), 'beacon')}; {words}."
    return picture
