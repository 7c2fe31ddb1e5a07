"""Two counts of the same beacons: an early one, which is amended, and a final one.

The early count (event_count) appears about a second after a bucket's first beacon and is amended
by every later one, up to an hour late. The final count is the one that event_anomaly scores: it
waits for the watermark, after which Flink expects no older beacons, and is never amended.
"""

import time

import numpy as np
import pandas as pd

from helpers.core.cloud import Cloud
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.live_view import LiveChart
from helpers.plotting.palette import QUIET, SKY, VERMILION
from helpers.stores.dynamodb import metric_values

WATERMARK_SECONDS = 5  # assets/flink/sql: how far the watermark is behind the newest beacon
BUCKET = 10


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
        metrics = ("event_count", "event_anomaly")
        early, final = (_counts(cloud, metric, event, minutes) for metric in metrics)
        return draw_counts(picture, early, final, event, minutes, time.time())

    return LiveChart(draw, name=f"clocks-{event}", period=1.0).start()


def _counts(cloud: Cloud, metric: str, event: str, minutes: float) -> pd.Series:
    """Return the number of beacons (Samples) of each bucket, by its start (epoch seconds)."""
    frame = metric_values(cloud, metric, minutes=minutes + 1)
    frame = frame[frame["Item"] == event]
    seconds = frame["Time"].dt.as_unit("ms").astype("int64") // 1000
    return pd.Series(frame["Samples"].to_numpy(), index=seconds.to_numpy(), dtype="int64")


def draw_counts(
    picture: Picture, early: pd.Series, final: pd.Series, event: str, minutes: float, now: float
) -> str:
    """Draw both counts; return the sentence that describes them.

    Args:
        picture: an empty one, to draw in.
        early: the amended count by bucket start, epoch seconds.
        final: the final count by bucket start, epoch seconds.
        event: its name.
        minutes: length of the time axis.
        now: epoch seconds.
    """
    start = now - minutes * 60
    early, final = (counts[counts.index > start - BUCKET] for counts in (early, final))
    box = picture.box().inside(left=0.15, right=0.15, bottom=0.1)
    box.text(
        0, 0.24, f"Early and final: beacons of {event}, per {BUCKET} s", points=11, weight="bold"
    )
    area = box.inside(left=0.5, top=0.85, right=0.1, bottom=0.25)
    axes = area.axes()
    chart_parts.prepare(axes, start, now, area.width)
    bars = axes.bar(
        early.index,
        early.to_numpy(),
        BUCKET * 0.9,
        align="edge",
        color=SKY,
        label="early, amended by late beacons",
    )
    (marks,) = axes.plot(
        final.index + BUCKET * 0.45,
        final.to_numpy(),
        linestyle="none",
        marker="_",
        markersize=16,
        markeredgewidth=2.5,
        color=VERMILION,
        label="final, never amended",
    )
    watermark = axes.axvline(
        now - WATERMARK_SECONDS,
        color=QUIET,
        linewidth=1,
        linestyle="--",
        label=f"the watermark: now minus {WATERMARK_SECONDS} s",
    )
    look = chart_parts.LEGEND | {"handlelength": 1.6, "ncols": 3, "columnspacing": 2}
    handles = [bars, marks, watermark]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.1), **look)
    highest = max(early.max() if len(early) else 0, final.max() if len(final) else 0, 1)
    chart_parts.value_axis(axes, 0, float(highest), area.height, whole=True)
    return _sentence(early, final, event)


def _sentence(early: pd.Series, final: pd.Series, event: str) -> str:
    if early.empty:
        return f"No {event} yet. → Start the traffic, and start_analytics(cloud)."
    both = early.index.intersection(final.index)
    amended = both[np.asarray(early[both] != final[both])]
    open_buckets = len(early.index.difference(final.index))
    words = f"{event}: {len(early)} buckets, {open_buckets} of them not yet final"
    if len(amended) == 0:
        return f"{words}; in all others both counts agree."
    bucket = amended[-1]
    clock = pd.to_datetime(bucket, unit="s").strftime("%H:%M:%S")
    return (
        f"{words}; {len(amended)} amended after they were final, the newest at {clock} UTC: "
        f"final {final[bucket]}, amended {early[bucket]}."
    )
