"""CloudWatch held against DynamoDB, datum by datum, and put right where the two differ.

A PutMetricData whose answer is lost is the one case that nobody can decide: CloudWatch may have
counted it or not. publish_metrics sends it again, because losing a minute is worse than counting it
twice; here a double is found and taken back. CloudWatch adds up what it is given, so what is put
is the difference, as publish_metrics does.
"""

import time
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span
from helpers.core.waiting import waiting
from helpers.stores.cloudwatch import OTHER, cloudwatch_values
from helpers.stores.dynamodb import catalog, metric_values

# `lambda` is a word of Python's, so the import statement can't name this folder.
_dimension_value = import_module("assets.functions.publish_metrics.dimension").dimension_value
_LARGEST = import_module("assets.functions.publish_metrics.limits").LARGEST_OF_A_ROW

# "Amazon CloudWatch metrics are eventually consistent": what was put a moment ago may not be read
# yet, neither by a second repair. Rows that changed later than this are left alone.
SETTLED_SECONDS = 60
PAUSE_SECONDS = 60  # between two repairs of a metric, for the same reason
MOST_HOURS = 3  # so long CloudWatch keeps values of less than a minute
DATA_A_CALL = 1_000
# PublishedAt is the time of a change in DynamoDB's stream, which AWS rounds to the second.
_CLOCK_STEP = pd.Timedelta(seconds=2)
# Sums are put as differences of 64-bit floats.
_RELATIVE_ERROR = 1e-9

TWICE, MISSING, REPAIRED = "put twice", "missing", "repaired"
ON_ITS_WAY = "on its way: not published yet"
NO_ROW = "no such row in DynamoDB: left alone"
TOO_LARGE = "more than CloudWatch adds up: left alone"
MAXIMUM = "a maximum can't be taken back"
SAMPLES = "CloudWatch can't take samples back"
JUST_REPAIRED = "repaired less than a minute ago: look again then"

_TYPES = {
    "Metric": object,
    "Time": "datetime64[ns, UTC]",
    "Item": object,
    **dict.fromkeys(
        ("DynamoDB", "CloudWatch", "DynamoDB_Samples", "CloudWatch_Samples"), "float64"
    ),
    "Verdict": object,
}


@waiting("Holding CloudWatch against DynamoDB")
def reconcile(cloud: Cloud, start: datetime | None = None, repair: bool = False) -> pd.DataFrame:
    """Compare CloudWatch's sums with DynamoDB's rows, for each metric, item and bucket.

    Rows that changed in the last minute are left out: they may be on their way, and CloudWatch is
    eventually consistent. After a repair wait a minute before you look again, or repair again:
    within that minute a second repair of the same metric puts nothing.

    Args:
        cloud: where both are.
        start: an aware datetime: buckets that begin earlier are left out; None for three hours ago.
        repair: put the differences into CloudWatch, so that its sums become DynamoDB's.

    Returns:
        What differs, empty if nothing does. Columns Metric, Time (start of the bucket, UTC), Item
        (a dimension value; items that share one are added up), DynamoDB and CloudWatch (sums; of
        a mean: of all its samples), DynamoDB_Samples and CloudWatch_Samples (of a mean only), and
        Verdict: `put twice`, `missing`, `repaired`, or why it is left alone.

    Raises:
        WorkshopError: `start` is more than three hours ago; a module is not deployed; CloudWatch
            did not take the repair.

    Example:
        `reconcile(cloud, repair=True)["Verdict"].value_counts()`
    """
    now = datetime.now(UTC)
    begins, _ = span(MOST_HOURS * 60, start, None)
    if now.timestamp() - begins > MOST_HOURS * 3600 + 60:
        raise WorkshopError(
            f"CloudWatch keeps values of less than a minute for {MOST_HOURS} hours only.",
            "Give a later start, or none.",
        )
    rows = catalog(cloud)
    published = _published(cloud)
    differing = [
        row
        for _, metric in rows.iterrows()
        for row in _differing(
            cloud, metric, datetime.fromtimestamp(begins, UTC), now, published
        ).to_dict("records")
    ]
    frame = pd.DataFrame(differing, columns=list(_TYPES)).astype(_TYPES)
    frame = frame.sort_values(["Time", "Metric", "Item"], ignore_index=True)
    if repair:
        for _, metric in rows.iterrows():
            wrong = frame["Metric"].eq(metric["MetricType"])
            wrong &= frame["Verdict"].isin([TWICE, MISSING])
            if wrong.any():
                frame.loc[wrong, "Verdict"] = _repaired(cloud, metric, frame[wrong])
    return frame


def by_dimension(items: pd.Series, admitted: set[str]) -> pd.Series:
    """Return under which dimension value publish_metrics puts each item.

    Args:
        items: MetricItems.
        admitted: the dimension values that the catalog's row of their metric admits.
    """
    names = {item: _dimension_value(item) for item in items.unique()}
    shown = {item: name if name in admitted else OTHER for item, name in names.items()}
    return items.map(shown).astype(object)


def moved_from_other(differences: pd.Series) -> bool:
    """Tell whether the differences of one bucket are no more than another place of the same count.

    An item that was admitted only later (someone raised MaxItems) was put under `(other)` before.

    Args:
        differences: CloudWatch less DynamoDB by dimension value, of one metric and bucket.
    """
    named = differences.drop(OTHER, errors="ignore")
    return differences.get(OTHER, 0) > 0 and (named <= 0).all() and differences.sum() == 0


def _differing(
    cloud: Cloud, metric: pd.Series, start: datetime, now: datetime, published: dict[str, float]
) -> pd.DataFrame:
    both, kind = _side_by_side(cloud, metric, start), metric["Statistic"]
    if both.empty:
        return both
    names = ("DynamoDB", "CloudWatch", "DynamoDB_Samples", "CloudWatch_Samples")
    stored, shown, counted, sampled = (both[name].fillna(0).astype(float) for name in names)
    differs = ~np.isclose(stored, shown, rtol=_RELATIVE_ERROR, atol=1e-6)
    if kind == "Average":
        differs |= counted != sampled
    else:
        both[["DynamoDB_Samples", "CloudWatch_Samples"]] = np.nan
    # A row that is gone left no time; its bucket's end is the earliest that it can have changed.
    changed = both["UpdatedAt"].fillna(both["Time"] + pd.Timedelta(seconds=SETTLED_SECONDS))
    differs &= changed < pd.Timestamp(now) - pd.Timedelta(seconds=SETTLED_SECONDS)
    if kind == "Sum":
        moved = (
            (shown - stored)
            .groupby(both["Time"])
            .apply(lambda excess: moved_from_other(excess.set_axis(both.loc[excess.index, "Item"])))
        )
        differs &= ~both["Time"].map(moved).astype(bool)
    last = pd.Timestamp(published.get(metric["MetricType"], 0), unit="s", tz="UTC")
    awaited = max(last + _CLOCK_STEP, pd.Timestamp(now) - _longest_try(cloud))
    verdict = np.select(
        [
            np.full(len(both), kind == "Maximum"),
            np.fmax(stored.abs(), shown.abs()) > _LARGEST,
            both["DynamoDB"].isna(),
            changed.gt(awaited) & (shown < stored),
            (sampled >= counted) & (kind == "Average"),
            stored < shown,
        ],
        [MAXIMUM, TOO_LARGE, NO_ROW, ON_ITS_WAY, SAMPLES, TWICE],
        MISSING,
    )
    both = both.assign(Metric=metric["MetricType"], Verdict=verdict)
    return both.loc[differs, list(_TYPES)]


def _side_by_side(cloud: Cloud, metric: pd.Series, start: datetime) -> pd.DataFrame:
    """Return a metric's sums by bucket and dimension value, from CloudWatch and from DynamoDB."""
    name, seconds = metric["MetricType"], int(metric["BucketSeconds"])
    kind = metric["Statistic"]
    # A datum stands at the start of its bucket, so any period that divides the bucket will do.
    period = 10 if seconds % 10 == 0 else 1
    start = pd.Timestamp(start).ceil(f"{period}s").to_pydatetime()
    # CloudWatch first: what is on its way meanwhile is missing then, and not counted twice.
    shown = cloudwatch_values(
        cloud, name, period=period, start=start, statistic="Maximum" if kind == "Maximum" else "Sum"
    ).rename(columns={"Value": "CloudWatch"})
    if kind == "Average":
        samples = cloudwatch_values(
            cloud, name, period=period, start=start, statistic="SampleCount"
        )
        shown = shown.merge(samples.rename(columns={"Value": "CloudWatch_Samples"}), how="outer")
    rows = metric_values(cloud, name, start=start)
    weight = rows["Samples"] if kind == "Average" else 1
    rows = rows.assign(
        Item=by_dimension(rows["Item"], set(metric["Items"])), Value=rows["Value"] * weight
    )
    stored = rows.groupby(["Time", "Item"], as_index=False).agg(
        DynamoDB=("Value", "max" if kind == "Maximum" else "sum"),
        DynamoDB_Samples=("Samples", "sum"),
        UpdatedAt=("UpdatedAt", "max"),
    )
    both = stored.merge(shown, on=["Time", "Item"], how="outer")
    return both if kind == "Average" else both.assign(CloudWatch_Samples=np.nan)


def _published(cloud: Cloud) -> dict[str, float]:
    """Return when the newest change of each metric was made that publish_metrics has put."""
    rows = cloud.client("dynamodb").scan(
        TableName=cloud.name("Metrics"), ProjectionExpression="MetricType, PublishedAt"
    )["Items"]
    return {row["MetricType"]["S"]: float(row.get("PublishedAt", {}).get("N", 0)) for row in rows}


def _longest_try(cloud: Cloud) -> pd.Timedelta:
    """Return for how long a change may wait to be published until Lambda gives it up."""
    sources = cloud.client("lambda").list_event_source_mappings(
        FunctionName=cloud.name("publish-metrics")
    )["EventSourceMappings"]
    ages = [source.get("MaximumRecordAgeInSeconds", -1) for source in sources]
    return pd.Timedelta(seconds=max((age if age > 0 else 86_400 for age in ages), default=0))


def _repaired(cloud: Cloud, metric: pd.Series, wrong: pd.DataFrame) -> str:
    if not _may_repair(cloud, metric["MetricType"]):
        return JUST_REPAIRED
    # botocore would repeat a call that timed out, and count it twice: the very thing to repair.
    client = cloud.session.client(
        "cloudwatch",
        endpoint_url=cloud.endpoint,
        config=Config(retries={"total_max_attempts": 1}),
    )
    known = client.meta.service_model.shape_for("StandardUnit").enum
    unit = metric["Unit"] if metric["Unit"] in known else "None"
    data = [_datum(cloud, row, unit) for _, row in wrong.iterrows()]
    try:
        for first in range(0, len(data), DATA_A_CALL):
            client.put_metric_data(
                Namespace=NAMESPACE, MetricData=data[first : first + DATA_A_CALL]
            )
    except (ClientError, BotoCoreError) as error:
        raise WorkshopError(
            f"CloudWatch did not take the repair of {metric['MetricType']}: {error}",
            "Wait a minute, then run reconcile(cloud, repair=True) again: it compares anew.",
        ) from error
    return REPAIRED


def _datum(cloud: Cloud, row: pd.Series, unit: str) -> dict[str, Any]:
    difference = float(row["DynamoDB"]) - float(np.nan_to_num(row["CloudWatch"]))
    datum = {
        "MetricName": row["Metric"],
        "Dimensions": [
            {"Name": "Stack", "Value": cloud.prefix},
            {"Name": "Item", "Value": row["Item"]},
        ],
        "Timestamp": row["Time"].to_pydatetime(),
        "StorageResolution": 1,
        "Unit": unit,
    }
    if pd.isna(row["DynamoDB_Samples"]):
        return datum | {"Value": difference}
    shown = 0 if pd.isna(row["CloudWatch_Samples"]) else row["CloudWatch_Samples"]
    samples = float(row["DynamoDB_Samples"] - shown)
    mean = difference / samples
    values = {"SampleCount": samples, "Sum": difference, "Minimum": mean, "Maximum": mean}
    return datum | {"StatisticValues": values}


def _may_repair(cloud: Cloud, metric: str) -> bool:
    """Note a repair in the catalog's row, unless the last one was less than a minute ago.

    DynamoDB checks and writes in one step, so two notebooks can't repair the same thing.
    """
    dynamodb, now = cloud.client("dynamodb"), time.time()
    try:
        dynamodb.update_item(
            TableName=cloud.name("Metrics"),
            Key={"MetricType": {"S": metric}},
            UpdateExpression="SET RepairedAt = :now",
            ConditionExpression="attribute_not_exists(RepairedAt) OR RepairedAt < :before",
            ExpressionAttributeValues={
                ":now": {"N": repr(now)},
                ":before": {"N": repr(now - PAUSE_SECONDS)},
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
