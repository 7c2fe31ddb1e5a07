"""Two clocks, side by side: the value that comes early and is amended, and the one that is final.

The early value (event_count) appears about a second after a bucket's first beacon and is amended
by every later one, up to an hour late. The final value is the count that event_anomaly scores: it
waits for the watermark, which says "nothing older is to be expected", and is never amended.
"""

import time

import numpy as np
import pandas as pd

from helpers.core.cloud import Cloud
from helpers.plotting import chart_parts as plot
from helpers.plotting.figure import Picture
from helpers.plotting.live_view import LiveChart
from helpers.plotting.palette import INK, QUIET
from helpers.stores.dynamodb import metric_values

EARLY, LATE = "event_count", "event_anomaly"
WATERMARK_SECONDS = 5  # assets/flink/sql: how far the watermark is behind the newest beacon
BUCKET = 10
BLUE, ORANGE = "#56B4E9", "#D55E00"  # Okabe-Ito


def early_and_final(cloud: Cloud, event: str = "click", minutes: float = 3) -> LiveChart:
    """Start a chart of both counts of one event, bucket by bucket.

    Args:
        cloud: where the tables are.
        event: the event, e.g. `click`.
        minutes: how far back the chart reaches.

    Returns:
        The running chart. As the last line of a cell it is shown; `.stop()` ends it.

    Example:
        `early_and_final(cloud, "click")`
    """

    def draw(picture: Picture) -> str:
        early, final = (_counts(cloud, metric, event, minutes) for metric in (EARLY, LATE))
        return draw_clocks(picture, early, final, event, minutes, time.time())

    return LiveChart(draw, name=f"clocks-{event}", period=1.0).start()


def _counts(cloud: Cloud, metric: str, event: str, minutes: float) -> pd.Series:
    """Return beacons by the bucket's start (epoch seconds): of either metric, its Samples."""
    frame = metric_values(cloud, metric, minutes=minutes + 1)
    frame = frame[frame["Item"] == event]
    seconds = frame["Time"].dt.as_unit("ms").astype("int64") // 1000
    return pd.Series(frame["Samples"].to_numpy(), index=seconds.to_numpy(), dtype="int64")


def draw_clocks(
    picture: Picture, early: pd.Series, final: pd.Series, event: str, minutes: float, now: float
) -> str:
    """Draw both counts; return the sentence that says what is seen.

    Args:
        picture: drawn into; it should be empty.
        early: the amended count by bucket start, epoch seconds.
        final: the final count by bucket start, epoch seconds.
        event: which event.
        minutes: what the time axis covers.
        now: epoch seconds.
    """
    start = now - minutes * 60
    early, final = (counts[counts.index > start - BUCKET] for counts in (early, final))
    box = picture.box().inside(left=0.15, right=0.15, bottom=0.1)
    box.text(0, 0.24, f"Two clocks: beacons of {event}, per {BUCKET} s", points=11, weight="bold")
    area = box.inside(left=0.5, top=0.85, right=0.1, bottom=0.25)
    axes = area.axes()
    plot.prepare(axes, start, now, area.width)
    _legend(box)
    axes.bar(early.index, early.to_numpy(), BUCKET * 0.9, align="edge", color=BLUE)
    axes.plot(
        final.index + BUCKET * 0.45,
        final.to_numpy(),
        linestyle="none",
        marker="_",
        markersize=16,
        markeredgewidth=2.5,
        color=ORANGE,
    )
    axes.axvline(now - WATERMARK_SECONDS, color=QUIET, linewidth=1, linestyle="--")
    highest = max(early.max() if len(early) else 0, final.max() if len(final) else 0, 1)
    plot.value_axis(axes, 0, float(highest), area.height, whole=True)
    return _sentence(early, final, event)


def _legend(box) -> None:  # noqa: ANN001 - a Box
    box.rectangle(0, 0.46, 0.12, 0.12, BLUE)
    box.text(0.2, 0.52, "early, amended by late beacons", color=INK)
    box.rectangle(2.6, 0.5, 0.2, 0.035, ORANGE)
    box.text(2.9, 0.52, "late, final", color=INK)
    box.text(4.0, 0.52, f"- - -  the watermark: now minus {WATERMARK_SECONDS} s", color=QUIET)


def _sentence(early: pd.Series, final: pd.Series, event: str) -> str:
    if early.empty:
        return f"No {event} yet. → Start the traffic, and start_analytics(cloud)."
    both = early.index.intersection(final.index)
    amended = both[np.asarray(early[both] != final[both])]
    open_buckets = len(early.index.difference(final.index))
    words = f"{event}: {len(early)} buckets, {open_buckets} of them not yet final"
    if len(amended) == 0:
        return f"{words}; in every other one both clocks agree."
    bucket = amended[-1]
    clock = pd.to_datetime(bucket, unit="s").strftime("%H:%M:%S")
    return (
        f"{words}; {len(amended)} amended after they were final, the newest at {clock} UTC: "
        f"final {final[bucket]}, amended {early[bucket]}."
    )
