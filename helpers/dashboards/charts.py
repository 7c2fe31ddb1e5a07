"""Charts of one metric or stream: live, still, or as a table of bars.

The live chart reads the output of the learner's own pipeline. A sentence describes each chart.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.text import number, quoted
from helpers.core.waiting import poll_until
from helpers.planning.prices import reading_hour
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.live_view import LiveChart
from helpers.plotting.metric_figure import Metric, draw_metric
from helpers.plotting.palette import QUIET
from helpers.plotting.text_fitting import fit
from helpers.stores.cloudwatch import cloudwatch_values, values_now
from helpers.stores.dynamodb import catalog, metric_values
from helpers.stores.kinesis import StreamCounter

_SOURCES = ("cloudwatch", "dynamodb")
_HIGH_RESOLUTION_MINUTES = 170
NEW_IN_CLOUDWATCH = "up to two minutes: CloudWatch shows a new metric later"
FIRST_VALUE_SECONDS = 60  # on a busy machine, beacons are counted later than the text expects
_SIZE = (8.8, 3.1)


def describe(cloud: Cloud, metric: str, minutes: float = 5) -> Metric:
    """Return a metric's row of the catalog; counts per 10 seconds if there is none.

    Args:
        cloud: where the catalog is.
        metric: a MetricType.
        minutes: how far back it is read: beyond three hours CloudWatch keeps only minutes.

    Raises:
        WorkshopError: module 2-analyze is not deployed.

    Example:
        `describe(cloud, "visitor_count").bucket` -> `60`
    """
    rows = catalog(cloud)
    row = rows[rows["MetricType"] == metric].dropna(axis="columns").to_dict("records")
    known = row[0] if row else {}
    bucket = int(known.get("BucketSeconds", 10))
    return Metric(
        metric,
        title=known.get("Title", metric),
        bucket=max(bucket, 60) if minutes > _HIGH_RESOLUTION_MINUTES else bucket,
        statistic=known.get("Statistic", "Sum"),
        unit=known.get("Unit", "Count"),
    )


def live_chart(
    cloud: Cloud,
    metric: str = "event_count",
    minutes: float = 5,
    period: float = 2,
    items: Sequence[str] | None = None,
    source: str = "cloudwatch",
) -> LiveChart:
    """Start a chart of the metric's last minutes that redraws itself while other cells run.

    Args:
        cloud: where the metric is.
        metric: a MetricType of the catalog.
        minutes: how far back the chart reaches.
        period: seconds between two pictures.
        items: only these items, or None for the six largest and the sum of all others.
        source: `"cloudwatch"`, or `"dynamodb"` for the table, one stage earlier.

    Returns:
        The running chart. As the last line of a cell it is shown; `.stop()` ends it. The sentence
        below it names its price on AWS: each reading of CloudWatch is billed by the item.

    Raises:
        WorkshopError: there is no such source, or the time is not positive. An error while
            reading (for example, a module is not deployed) is shown under the chart, which tries
            again.

    Example:
        `live_chart(cloud, "top_pages", minutes=2)`
    """
    _check(minutes, source)
    about: list[Metric] = []

    def draw(picture: Picture) -> str:
        if not about:
            about.append(_as_in(source, describe(cloud, metric, minutes)))
        frame = _read(cloud, about[0], minutes, source, values_now)
        words = draw_metric(picture, frame, about[0], minutes, items)
        # The table's reads are part of its capacity, which is billed in any case.
        metrics = frame.attrs.get("metrics_read", 0)
        price = reading_hour(metrics * 3600 / period)
        return f"{words} On AWS, reading it costs ${price:.2f} an hour." if metrics else words

    return LiveChart(draw, name=f"{metric}-{source}", period=period, size=_SIZE).start()


def live_stream_chart(cloud: Cloud, stream: str = "clicks", minutes: float = 2) -> LiveChart:
    """Start a chart of the records that arrive in a stream, from now on.

    Args:
        cloud: where the stream is.
        stream: its name without the prefix: `clicks` or `metrics`.
        minutes: how far back the chart reaches.

    Returns:
        The running chart. As the last line of a cell it is shown; `.stop()` ends it.

    Raises:
        WorkshopError: the stream does not exist yet.

    Example:
        `live_stream_chart(cloud)`
    """
    about = Metric(stream, f"Records in {cloud.name(stream)}", bucket=1, needs="module 1")
    counter = StreamCounter(cloud, stream).start()

    def draw(picture: Picture) -> str:
        counts = counter.per_second()
        if counter.problem:
            raise WorkshopError(counter.problem, "Run the cell again once the stream is there.")
        frame = pd.DataFrame(
            {
                "Time": pd.to_datetime(list(counts), unit="s", utc=True),
                "Item": "records",
                "Value": list(counts.values()),
            }
        )
        return draw_metric(picture, frame, about, minutes)

    return LiveChart(draw, name=f"stream-{stream}", period=1.0).start()


def chart(
    cloud: Cloud,
    metric: str = "event_count",
    minutes: float = 15,
    items: Sequence[str] | None = None,
    source: str = "cloudwatch",
) -> Picture:
    """Return one picture of the metric's last minutes. Arguments as for `live_chart`.

    If there is no value yet, it waits for one for at most a minute.

    Raises:
        WorkshopError: module 2-analyze is not deployed, or there is no such metric or source.

    Example:
        `chart(cloud, "visitor_count")`
    """
    _check(minutes, source)
    about = _as_in(source, describe(cloud, metric, minutes))
    picture = Picture(*_SIZE)
    frame = poll_until(
        lambda: _read(cloud, about, minutes, source, cloudwatch_values),
        lambda found: not found.empty,
        f"{metric} has a value",
        FIRST_VALUE_SECONDS,
    )
    picture.sentence = draw_metric(picture, frame, about, minutes, items)
    return picture


def bar_chart(
    frame: pd.DataFrame,
    label: str = "Item",
    value: str = "Value",
    title: str = "",
    top: int = 10,
) -> Picture:
    """Return a picture of the largest items of a table, each on a bar as long as its value.

    Rows of the same label are added up; the remaining items are one bar, "all others".

    Args:
        frame: the table.
        label, value: its columns.
        title: written above the bars.
        top: how many items have a bar of their own.

    Raises:
        WorkshopError: the table has no such column.

    Example:
        `bar_chart(metric_values(cloud, "top_pages"), title="Pages")`
    """
    for column in (label, value):
        if column not in frame.columns:
            raise WorkshopError(
                f"The table has no column {column!r}.",
                f"Name one of its columns: {', '.join(map(str, frame.columns))}.",
            )
    totals = frame.groupby(label)[value].sum().sort_values(ascending=False, kind="stable")
    rows = [(str(item), float(total)) for item, total in totals.iloc[:top].items()]
    if len(totals) > top:
        rows.append((f"all others ({len(totals) - top})", float(totals.iloc[top:].sum())))
    picture = Picture(_SIZE[0], 0.62 + 0.3 * max(len(rows), 1))
    box = picture.box().inside(left=0.15, top=0.45, right=0.15, bottom=0.1)
    picture.box().text(0.15, 0.24, fit(title, 11, 7.5) if title else "", points=11, weight="bold")
    if not rows:
        box.text(0, 0.15, "No rows yet.", color=QUIET)
        picture.sentence = f"{title}: no rows yet."
        return picture
    chart_parts.bars(box, rows)
    words = ", ".join(f"{quoted(item)} {number(total)}" for item, total in rows[:3])
    name = title or label
    picture.sentence = f"{name}: {number(float(totals.sum()))} in {len(totals)} items; {words}."
    return picture


def _check(minutes: float, source: str) -> None:
    if source not in _SOURCES:
        raise WorkshopError(
            f"There is no source {source!r}.", 'Use source="cloudwatch" or source="dynamodb".'
        )
    if not minutes > 0:
        raise WorkshopError(
            f"A chart of {minutes} minutes shows nothing.", "Use a number above 0, e.g. minutes=5."
        )


def _as_in(source: str, metric: Metric) -> Metric:
    """Return a metric as this source shows it: CloudWatch shows a new one later."""
    return replace(metric, delay=NEW_IN_CLOUDWATCH) if source == "cloudwatch" else metric


def _read(
    cloud: Cloud, metric: Metric, minutes: float, source: str, read: Callable[..., pd.DataFrame]
) -> pd.DataFrame:
    """Return the metric's values of the last minutes, and of the bucket that began before them."""
    reach = minutes + metric.bucket / 60
    if source == "dynamodb":
        return metric_values(cloud, metric.name, minutes=reach)
    return read(cloud, metric.name, minutes=reach, period=metric.bucket)
