"""One hour of traffic with bursts and outages, and below it each detector's alarms."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting
from helpers.plotting import chart_parts
from helpers.plotting.figure import Box, Picture
from helpers.plotting.palette import BLUE, DESK, INK, LINE, ORANGE, QUIET, SKY, SLATE, VERMILION
from helpers.plotting.series import Series

from .detector_benchmark import (
    DETECTORS,
    UNJUDGED,
    Judgement,
    judge,
    near_injection,
    watched_alarms,
)
from .synthetic_streams import BUCKET, BURST, EVENTS, OUTAGE, Stream, stream

_WIDTH, _SIDE, _LEFT = 9.6, 2.55, 0.65  # inches
_CHART, _ROW = 1.75, 0.42
_CHART_TOP = 0.55
_SHADES = {  # of the injections, by length in seconds
    BURST[1]: (ORANGE, "burst: 3 × for 30 s"), OUTAGE[1]: (SLATE, "outage: none for 60 s")
}  # fmt: skip


@waiting("Scoring an hour and a quarter")
def detector_chart(
    scenario: str = "daily rhythm", seed: int = 7, rate: float = 30, watched: str = "click"
) -> Picture:
    """Return a picture of an hour and a quarter: a stream, its injections, and all alarms.

    Args:
        scenario: "steady", "bursts", "outages", "slow drift" or "daily rhythm".
        seed: the same seed draws the same stream.
        rate: beacons per second, above 0.
        watched: the event whose alarms are drawn, e.g. "click", or "all events".

    Raises:
        WorkshopError: there is no such scenario or event, the rate is out of bounds, or krcf is
            not installed.

    Example:
        `detector_chart("outages", watched="all events")`
    """
    if watched not in (*EVENTS, "all events"):
        raise WorkshopError(
            f"The demo shop has no event {watched!r}.",
            f'Use "all events" or one of: {", ".join(EVENTS)}.',
        )
    played = stream(scenario, 1.25, rate, seed)
    alarms = {
        name: watched_alarms(detect(played.counts), watched) for name, detect in DETECTORS.items()
    }
    judged = {name: judge(each, played.injections) for name, each in alarms.items()}
    picture = Picture(_WIDTH, _CHART_TOP + _CHART + _ROW * len(DETECTORS) + 0.42)
    what = "Beacons" if watched == "all events" else f"Event {watched}"
    picture.box().text(0.15, 0.24, f"{what} per 10 s: {_words(scenario)}", points=11, weight="bold")
    area = Box(picture, _LEFT, _CHART_TOP, _WIDTH - _LEFT - _SIDE, _CHART)
    _draw_stream(area, played, watched)
    rows = Box(picture, _LEFT, _CHART_TOP + _CHART + 0.3, area.width, _ROW * len(DETECTORS))
    labels = [f"{name}\n{_result(each)}" for name, each in judged.items()]
    _draw_alarms(rows, played, alarms, labels)
    results = "; ".join(f"{name}: {_result(each)}" for name, each in judged.items())
    picture.sentence = f"Alarms on {watched} in {_words(scenario)}. {results}."
    return picture


def _words(scenario: str) -> str:
    words = {
        "steady": "steady traffic",
        "slow drift": "a slow drift",
        "daily rhythm": "a day's rhythm in an hour",
    }
    return words.get(scenario, scenario)


def _result(judged: Judgement) -> str:
    words = f"{judged.false_alarms} false alarm{'' if judged.false_alarms == 1 else 's'}"
    return f"{judged.found} of {judged.injected} found, {words}" if judged.injected else words


def _shade(axes: Axes, played: Stream) -> None:
    for start, end in played.injections:
        axes.axvspan(start, end, color=_SHADES[end - start][0], alpha=0.3, linewidth=0, zorder=0.5)


def _draw_stream(area: Box, played: Stream, watched: str) -> None:
    all_events = watched == "all events"
    counts = played.counts.sum(axis=1) if all_events else played.counts[:, EVENTS.index(watched)]
    bounds = np.arange(len(counts) + 1) * float(BUCKET)
    axes = area.axes()
    area.text(-0.06, area.height + 0.095, "h:min", color=QUIET, ha="right")
    chart_parts.prepare(axes, 0, bounds[-1], area.width)
    series = Series(watched, bounds[:-1], counts.astype(float), SKY)
    chart_parts.stack(axes, [series], bounds, now=float("inf"))
    chart_parts.value_axis(axes, 0, counts.max(), area.height, whole=True)
    _shade(axes, played)
    lengths = {end - start for start, end in played.injections}
    entries = [_SHADES[length] for length in _SHADES if length in lengths]
    entries += [(BLUE, "alarm that is right"), (VERMILION, "false alarm")]
    handles = [Patch(color=color, label=words) for color, words in entries]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.03, 1), **chart_parts.LEGEND)


def _draw_alarms(
    rows: Box, played: Stream, alarms: dict[str, np.ndarray], labels: list[str]
) -> None:
    axes = rows.axes()
    end = len(played.counts) * float(BUCKET)
    chart_parts.prepare(axes, 0, end, rows.width)
    axes.set_xticks([])
    axes.set_ylim(len(alarms), 0)
    axes.yaxis.tick_right()
    axes.set_yticks(np.arange(len(alarms)) + 0.5, labels, color=INK, fontsize=8.5)
    axes.tick_params(axis="y", length=0, pad=10)
    axes.grid(visible=False)
    axes.hlines(range(len(alarms)), 0, end, color=LINE, linewidth=0.6, zorder=0.4)
    _shade(axes, played)
    for number, each in enumerate(alarms.values()):
        judged = each & (np.arange(len(each)) >= UNJUDGED)
        false = judged & ~near_injection(len(each), played.injections)
        # False alarms are also shorter: colour must not be the only difference.
        for buckets, color, top in ((judged & ~false, BLUE, 0.15), (false, VERMILION, 0.45)):
            middles = np.flatnonzero(buckets) * BUCKET + BUCKET / 2
            axes.vlines(middles, number + top, number + 0.85, color=color, linewidth=2)
    axes.axvspan(0, UNJUDGED * BUCKET, color=DESK, linewidth=0, zorder=0.4)
    axes.text(UNJUDGED * BUCKET / 2, len(alarms) / 2, "not judged", color=QUIET, ha="center",
              va="center", fontsize=8)  # fmt: skip
