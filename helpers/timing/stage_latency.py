"""How many seconds a beacon spends at each stage, from the timestamps that the stages wrote.

    received_at  shipped_at  arrival          EmittedAt  arrival           UpdatedAt   put
    server ----> agent ----> clicks stream -> Flink ---> metrics stream -> DynamoDB -> CloudWatch

The notebook's clock is not used: a server, an agent, Kinesis, Flink and two functions each wrote
the time at which they had the beacon, or the row that counts it.
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

# The metric whose rows are measured, and the latency metrics that publish_metrics puts
# (assets/functions/publish_metrics/delay.py).
TIMED = "event_count"
FROM_CLICK, FROM_TABLE, ITEM = "seconds_from_click", "seconds_from_table", "All Beacons"
PERCENTILES = (50, 90, 99)
COLUMNS = ("p50", "p90", "p99")
_EMPTY = dict.fromkeys(COLUMNS, float("nan")) | {"Count": 0}
END_TO_END = "end to end"
STAGES = {
    "agent": "the log line waits for the agent",
    "Kinesis": "the agent puts it on the stream",
    "Flink": "Flink reads and counts",
    "sink": "the counted row waits, and is sent to a stream",
    "DynamoDB": "a function writes the row",
    "CloudWatch": "a function puts the difference",
}
_LONGEST_MINUTES = 150  # CloudWatch keeps data with periods under a minute for three hours


@dataclass(frozen=True)
class Latency:
    """The latency of each stage. A notebook shows it as a picture and a table.

    Args:
        frame: one row for each stage, in order, and `end to end`. Columns What, p50, p90, p99
            (seconds) and Count (of the beacons or rows that were measured).
        minutes: the length of the measurement.
    """

    frame: pd.DataFrame
    minutes: float

    @cached_property
    def sentence(self) -> str:
        """A description of the picture, in words."""
        whole, parts = self.frame.loc[END_TO_END], self.frame.drop(END_TO_END)
        slowest = parts["p50"].idxmax()
        span = "minute" if self.minutes == 1 else f"{self.minutes:g} minutes"
        return (
            f"From the request to CloudWatch: {whole['p50']:.2f} s for half of the beacons of "
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


@waiting("Reading each stage's timestamps")
def latency(cloud: Cloud, minutes: float = 2) -> Latency:
    """Measure the latency of each stage between a request and CloudWatch, from their timestamps.

    - `agent` and `Kinesis`: each beacon of the clicks stream, without further copies.
    - `Flink`: each row of `event_count` that was the first to count its newest beacon, from that
      beacon's arrival in the stream.
    - `sink`: the same rows, until they are in the metrics stream (Flink sends with a checkpoint, or
      when its connector flushes).
    - `DynamoDB`: those of these rows that are in the table now, from the metrics stream.
    - `CloudWatch` and `end to end`: each change with a newer beacon, from publish_metrics' own two
      metrics (whole minutes; rounded to 0.01 s, or to 0.1 s if a batch had over 150 values).

    A late beacon in an old bucket is not measured, as its row does not contain the time at which it
    was received. The stages' percentiles do not add up to those of the whole.

    Args:
        cloud: where the stages are.
        minutes: how far back; reading a minute of 1,000 beacons a second takes about two seconds.

    Returns:
        `.frame`, `.sentence` and `.picture`.

    Raises:
        WorkshopError: a stage is not deployed, or no beacon was counted in that time.

    Example:
        `latency(cloud).frame.loc["Flink", "p50"]` -> `0.71`
    """
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise WorkshopError(
            f"{minutes} minutes can't be read: CloudWatch keeps these data for three hours.",
            f"Give a number up to {_LONGEST_MINUTES}.",
        )
    since = time.time() - 60 * minutes
    clicks, sent = _clicks(cloud, since), _sent_rows(cloud, since)
    samples = {
        "agent": clicks["shipped"] - clicks["received"],
        "Kinesis": clicks["arrived"] - clicks["shipped"],
        "Flink": _since_arrival(sent, "emitted", "newest", clicks, "received"),
        "sink": sent["arrived"] - sent["emitted"],
        "DynamoDB": _since_arrival(
            _stored_rows(cloud, since), "updated", "emitted", sent, "emitted"
        ),
    }
    rows = {stage: _percentiles(seconds) for stage, seconds in samples.items()}
    rows["CloudWatch"] = _published(cloud, FROM_TABLE, since)
    rows[END_TO_END] = _published(cloud, FROM_CLICK, since)
    empty = [stage for stage, row in rows.items() if not row["Count"]]
    if empty:
        raise WorkshopError(
            f"No beacon was measured at {', '.join(empty)} in the last {minutes:g} minutes.",
            "Run start_analytics(cloud) and traffic.start(rate=20), wait half a minute, then run "
            "this cell again.",
        )
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("Stage")
    frame.insert(0, "What", [STAGES.get(stage, "request to datapoint") for stage in frame.index])
    return Latency(frame, minutes)


def newest_latency(cloud: Cloud, seconds: float = 30) -> float | None:
    """Return the current median of the seconds from a beacon's request to CloudWatch.

    One GetMetricData call, so a live picture can call it every few seconds.

    Args:
        cloud: where the metric is.
        seconds: how far back; rounded down to the start of a minute.

    Returns:
        Seconds; None if no beacon was counted.

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
        # A further copy is shipped and arrives long after the beacon was counted.
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
    # After a late beacon, or a restart, Flink sends a row again whose newest beacon was counted.
    newest: dict[tuple[str, str], int] = {}
    for row, arrived in rows:
        cell = str(row.get("EventTimestamp")), str(row.get("MetricItem"))
        beacon, emitted = row.get("NewestBeacon"), row.get("EmittedAt")
        if row.get("MetricType") != TIMED or not isinstance(beacon, int):
            continue
        if isinstance(emitted, int) and beacon > newest.get(cell, 0):
            newest[cell] = beacon
            yield beacon, emitted, arrived


def _since_arrival(
    rows: pd.DataFrame, end: str, key: str, records: pd.DataFrame, record_key: str
) -> pd.Series:
    """Return the seconds from the arrival of the record with a row's key until the row's end."""
    # Of beacons received in one millisecond, the first to arrive led to the row; rows that Flink
    # emitted in one millisecond were sent together.
    arrived = records.groupby(record_key)["arrived"].min()
    return (rows[end] - rows[key].map(arrived)).dropna()


def _stored_rows(cloud: Cloud, since: float) -> pd.DataFrame:
    rows = stored_rows(cloud, TIMED, since // 1, None, "EmittedAt, UpdatedAt")
    times = [[int(row[name]["N"]) for name in ("EmittedAt", "UpdatedAt")] for row in rows]
    return pd.DataFrame(times, columns=["emitted", "updated"], dtype=float) / 1000


def _percentiles(seconds: pd.Series) -> dict[str, float]:
    if seconds.empty:
        return _EMPTY
    values = np.percentile(seconds, PERCENTILES)
    return dict(zip(COLUMNS, values, strict=True)) | {"Count": len(seconds)}


def _published(cloud: Cloud, metric: str, since: float) -> dict[str, float]:
    # One period for the whole time. If the service aligns periods to multiples of their length,
    # there are two, and their percentiles are weighted by their counts.
    begin = since // 60 * 60
    period = int(-(-(time.time() + 1 - begin) // 60) * 60)
    queries = [
        metric_query(cloud, metric, ITEM, statistic, period, statistic.lower())
        for statistic in (*COLUMNS, "SampleCount")
    ]
    points = metric_points(cloud, queries, begin, begin + period)
    values = {name: [value for _, value in of_query] for name, of_query in points.items()}
    counts = values.get("samplecount", [])
    if not sum(counts):
        return _EMPTY
    weighted = {name: float(np.average(values[name], weights=counts)) for name in COLUMNS}
    return weighted | {"Count": int(sum(counts))}
