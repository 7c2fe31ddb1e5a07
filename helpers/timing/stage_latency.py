"""How many seconds a beacon spends at each stage, read from the times that the stages stamped.

    received_at  shipped_at  arrival          EmittedAt  arrival           UpdatedAt   put
    server ----> agent ----> clicks stream -> Flink ---> metrics stream -> DynamoDB -> CloudWatch

No clock of the notebook is in it: a server, an agent, Kinesis, Flink and two functions each wrote
down when they had the beacon, or the row that counts it.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import waiting
from helpers.plotting.figure import Picture
from helpers.plotting.html_tables import table_html
from helpers.stores.archive import read_record
from helpers.stores.cloudwatch import metric_points, metric_query
from helpers.stores.dynamodb import stored_rows
from helpers.stores.kinesis import records

# The metric whose rows are timed, and the names that publish_metrics gives its own seconds
# (assets/functions/publish_metrics/delay.py).
TIMED = "event_count"
FROM_CLICK, FROM_TABLE, ITEM = "seconds_from_click", "seconds_from_table", "All Beacons"
PERCENTILES = (50, 90, 99)
COLUMNS = ("p50", "p90", "p99")
END_TO_END = "end to end"
STAGES = {
    "agent": "the log line waits for the agent",
    "Kinesis": "the agent puts it on the stream",
    "Flink": "Flink reads and counts",
    "sink": "the counted row waits, and is sent on",
    "DynamoDB": "a function writes the row",
    "CloudWatch": "a function puts the difference",
}
_LONGEST_MINUTES = 150  # CloudWatch keeps values of less than a minute three hours


@dataclass(frozen=True)
class Latency:
    """What each stage takes; as the last line of a cell it is shown.

    Args:
        frame: one row a stage, in their order, and `end to end`. Columns What, p50, p90, p99
            (seconds) and Count (over how many beacons or rows).
        minutes: over how many minutes.
    """

    frame: pd.DataFrame
    minutes: float

    @cached_property
    def sentence(self) -> str:
        """What the picture shows, in words."""
        whole, parts = self.frame.loc[END_TO_END], self.frame.drop(END_TO_END)
        slowest = parts["p50"].idxmax()
        span = "minute" if self.minutes == 1 else f"{self.minutes:g} minutes"
        return (
            f"From the request to CloudWatch: {whole['p50']:.2f} s for half of what was counted in "
            f"the last {span}, {whole['p99']:.2f} s for 99 of 100. Most of it, "
            f"{parts.loc[slowest, 'p50']:.2f} s, is spent at {slowest}: {STAGES[slowest]}."
        )

    @cached_property
    def picture(self) -> Picture:
        """The stages as a waterfall: each begins where the median of the one before ends."""
        from .latency_figure import draw_latency

        return draw_latency(self.frame, self.sentence)

    def _repr_html_(self) -> str:
        return f"{self.picture._repr_html_()}{table_html(self.frame.round(3))}"

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{self.frame.round(3).to_string()}"


@waiting("Reading what each stage has stamped")
def latency(cloud: Cloud, minutes: float = 2) -> Latency:
    """Measure where the time goes between a request and CloudWatch, from what the stages wrote.

    `agent` and `Kinesis` are taken over each beacon of the clicks stream, further copies left out;
    `Flink` over each row of `event_count` that was the first to count its newest beacon, from that
    beacon's arrival; `sink` over the same rows, until they are in the metrics stream (Flink sends
    with a checkpoint, or when its connector flushes); `DynamoDB` over those of them that are in the
    table now, from there; `CloudWatch` and `end to end` over each change with a newer beacon that
    publish_metrics put, in its own two metrics (whole minutes; rounded to 0.01 s, or to 0.1 s where
    a batch had over 150 different values). What a late beacon adds to an old bucket is not timed:
    its row does not say when that one was received. Percentiles of stages do not add up to those of
    the whole.

    Args:
        cloud: where the stages are.
        minutes: how far back; at 1,000 beacons a second a minute takes about two seconds to read.

    Returns:
        `.frame`, `.sentence` and `.picture`.

    Raises:
        WorkshopError: a stage is not deployed, or nothing was counted in that time.

    Example:
        `latency(cloud).frame.loc["Flink", "p50"]` -> `0.71`
    """
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise WorkshopError(
            f"{minutes} minutes can't be read: CloudWatch keeps seconds for three hours.",
            f"Ask for up to {_LONGEST_MINUTES} minutes.",
        )
    since = time.time() - 60 * minutes
    clicks, sent = _clicks(cloud, since), _sent_rows(cloud, since)
    samples = {
        "agent": clicks["shipped"] - clicks["received"],
        "Kinesis": clicks["arrived"] - clicks["shipped"],
        "Flink": _counting(clicks, sent),
        "sink": sent["arrived"] - sent["emitted"],
        "DynamoDB": _storing(sent, _stored_rows(cloud, since)),
    }
    rows = {stage: _percentiles(seconds) for stage, seconds in samples.items()}
    rows["CloudWatch"] = _published(cloud, FROM_TABLE, since)
    rows[END_TO_END] = _published(cloud, FROM_CLICK, since)
    empty = [stage for stage, row in rows.items() if not row["Count"]]
    if empty:
        raise WorkshopError(
            f"Nothing was timed at {', '.join(empty)} in the last {minutes:g} minutes.",
            "Let traffic flow for half a minute (traffic.start(rate=20)), with start_analytics"
            "(cloud) done, then run this cell again.",
        )
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("Stage")
    frame.insert(0, "What", [STAGES.get(stage, "request to datapoint") for stage in frame.index])
    return Latency(frame, minutes)


def newest_latency(cloud: Cloud, seconds: float = 30) -> float | None:
    """Return the median seconds from a beacon's request to CloudWatch, just now.

    One GetMetricData call, so a live picture can ask every few seconds.

    Args:
        cloud: where the metric is.
        seconds: over how long at least; from the beginning of a minute, so up to a minute more.

    Returns:
        Seconds; None if nothing was counted.

    Example:
        `newest_latency(cloud)` -> `1.3`
    """
    row = _published(cloud, FROM_CLICK, time.time() - seconds)
    return row["p50"] if row["Count"] else None


def _clicks(cloud: Cloud, since: float) -> pd.DataFrame:
    rows, seen = [], set()
    for record in records(cloud, "clicks", since):
        click = read_record(record["Data"])
        times = click.get("received_at"), click.get("shipped_at")
        beacon = click.get("beacon_id")
        # Sent again, a beacon is shipped and arrives again, long after it was counted.
        if all(isinstance(at, int) for at in times) and str(beacon) not in seen:
            seen.add(str(beacon))
            rows.append((*times, record["ApproximateArrivalTimestamp"].timestamp() * 1000))
    return pd.DataFrame(rows, columns=["received", "shipped", "arrived"], dtype=float) / 1000


def _sent_rows(cloud: Cloud, since: float) -> pd.DataFrame:
    sent = (
        (read_record(record["Data"]).get("after"), record["ApproximateArrivalTimestamp"])
        for record in records(cloud, "metrics", since)
    )
    rows = _with_newer_beacon(
        (row, arrived.timestamp() * 1000) for row, arrived in sent if isinstance(row, dict)
    )
    return pd.DataFrame(rows, columns=["newest", "emitted", "arrived"], dtype=float) / 1000


def _with_newer_beacon(
    rows: Iterable[tuple[dict[str, Any], float]],
) -> Iterator[tuple[int, int, float]]:
    # A late beacon, and a restart of Flink, send a row again whose newest beacon is long counted.
    newest: dict[tuple[str, str], int] = {}
    for row, arrived in rows:
        cell = str(row.get("EventTimestamp")), str(row.get("MetricItem"))
        beacon, emitted = row.get("NewestBeacon"), row.get("EmittedAt")
        if row.get("MetricType") != TIMED or not isinstance(beacon, int):
            continue
        if isinstance(emitted, int) and beacon > newest.get(cell, 0):
            newest[cell] = beacon
            yield beacon, emitted, arrived


def _counting(clicks: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    # Beacons of one millisecond: the first to arrive made the row that was the first to count it.
    arrived = clicks.groupby("received")["arrived"].min()
    return (rows["emitted"] - rows["newest"].map(arrived)).dropna()


def _storing(sent: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    # Rows that Flink emitted in one millisecond were sent together.
    arrived = sent.groupby("emitted")["arrived"].min()
    return (stored["updated"] - stored["emitted"].map(arrived)).dropna()


def _stored_rows(cloud: Cloud, since: float) -> pd.DataFrame:
    found = stored_rows(cloud, TIMED, since // 1, None, "EmittedAt, UpdatedAt")
    times = [[int(row[name]["N"]) for name in ("EmittedAt", "UpdatedAt")] for row in found]
    return pd.DataFrame(times, columns=["emitted", "updated"], dtype=float) / 1000


def _percentiles(seconds: pd.Series) -> dict[str, float]:
    if seconds.empty:
        return dict.fromkeys(COLUMNS, float("nan")) | {"Count": 0}
    values = np.percentile(seconds, PERCENTILES)
    return dict(zip(COLUMNS, values, strict=True)) | {"Count": len(seconds)}


def _published(cloud: Cloud, metric: str, since: float) -> dict[str, float]:
    # One period that holds the whole time. Where the service begins its periods at multiples of
    # their length there are two, and we weigh their percentiles by their counts.
    begin = since // 60 * 60
    period = int(-(-(time.time() + 1 - begin) // 60) * 60)
    queries = [
        metric_query(cloud, metric, ITEM, statistic, period, statistic.lower())
        for statistic in (*COLUMNS, "SampleCount")
    ]
    found = metric_points(cloud, queries, begin, begin + period)
    values = {name: [value for _, value in points] for name, points in found.items()}
    counts = values.get("samplecount", [])
    if not sum(counts):
        return dict.fromkeys(COLUMNS, float("nan")) | {"Count": 0}
    weighed = {name: float(np.average(values[name], weights=counts)) for name in COLUMNS}
    return weighed | {"Count": int(sum(counts))}
