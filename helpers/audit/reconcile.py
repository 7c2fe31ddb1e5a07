"""Compares CloudWatch with DynamoDB, datum by datum, and repairs CloudWatch where they differ.

If the answer to PutMetricData is lost, CloudWatch may have counted the data or not. publish_metrics
sends them again, because losing a minute is worse than counting it twice. This module finds and
removes such doubles. CloudWatch adds up all values of a bucket, so a repair puts the difference.
"""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from assets.functions.publish_metrics.dimension import dimension_value
from assets.functions.publish_metrics.limits import LARGEST_OF_A_ROW
from assets.functions.publish_metrics.means import to_put
from helpers.core.aws_errors import explained
from helpers.core.cloud import NAMESPACE, Cloud
from helpers.core.errors import WorkshopError
from helpers.core.time_span import span
from helpers.core.waiting import waiting
from helpers.stores.cloudwatch import OTHER, cloudwatch_values
from helpers.stores.dynamodb import catalog, metric_values

# "Amazon CloudWatch metrics are eventually consistent": new data may not be readable yet, also for
# a second repair. Rows that changed more recently than this are not compared.
SETTLED_SECONDS = 60
PAUSE_SECONDS = 60  # between two repairs of a metric, for the same reason
MOST_HOURS = 3  # CloudWatch keeps data with periods under a minute for three hours
DATA_A_CALL = 1_000
# A mark's At is the time of a change in DynamoDB's stream, rounded to the second by AWS.
_CLOCK_STEP = pd.Timedelta(seconds=2)
# A sum consists of differences of 64-bit floats.
_RELATIVE_ERROR = 1e-9

TWICE, MISSING, REPAIRED = "put twice", "missing", "repaired"
ON_ITS_WAY = "on its way: not published yet"
NO_ROW = "not repaired: DynamoDB has no such row"
TOO_LARGE = "not repaired: too large for CloudWatch to add up"
MAXIMUM = "not repaired: CloudWatch can't lower a maximum"
SAMPLES = "not repaired: CloudWatch can't remove the last samples of a mean"
JUST_REPAIRED = "not repaired: the last repair was less than a minute ago"

_TYPES = {
    "Metric": object,
    "Time": "datetime64[ns, UTC]",
    "Item": object,
    **dict.fromkeys(
        ("DynamoDB", "CloudWatch", "DynamoDB_Samples", "CloudWatch_Samples"), "float64"
    ),
    "Verdict": object,
}


@waiting("Comparing CloudWatch with DynamoDB")
def reconcile(cloud: Cloud, start: datetime | None = None, repair: bool = False) -> pd.DataFrame:
    """Compare CloudWatch's sums with DynamoDB's rows, for each metric, item and bucket.

    Rows that changed in the last minute are left out: they may be on their way, and CloudWatch is
    eventually consistent. After a repair, wait a minute before you compare or repair again: within
    that minute a second repair of the same metric puts no data.

    Args:
        cloud: where both are.
        start: an aware datetime: earlier buckets are left out; None for three hours ago.
        repair: put the differences into CloudWatch, so that its sums equal DynamoDB's.

    Returns:
        One row for each difference. Columns Metric, Time (start of the bucket, UTC), Item (a
        dimension value; items that share one are added up), DynamoDB and CloudWatch (sums; for a
        mean, of all its samples), DynamoDB_Samples and CloudWatch_Samples (only for a mean), and
        Verdict: `put twice`, `missing`, `repaired`, or why it is not repaired.

    Raises:
        WorkshopError: `start` is more than three hours ago; a module is not deployed; CloudWatch
            rejected the repair.

    Example:
        `reconcile(cloud, repair=True)["Verdict"].value_counts()`
    """
    now = datetime.now(UTC)
    begins, _ = span(MOST_HOURS * 60, start, None)
    if now.timestamp() - begins > MOST_HOURS * 3600 + 60:
        raise WorkshopError(
            f"CloudWatch keeps data with periods under a minute for {MOST_HOURS} hours only.",
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
    """Return the dimension value that publish_metrics gives each item.

    Args:
        items: MetricItems.
        admitted: the dimension values that the catalog's row of their metric admits.
    """
    names = {item: dimension_value(item) for item in items.unique()}
    shown = {item: name if name in admitted else OTHER for item, name in names.items()}
    return items.map(shown).astype(object)


def moved_from_other(differences: pd.Series) -> bool:
    """Return whether a bucket differs only because items were counted under `(other)`.

    An item that the catalog admitted later (MaxItems was raised) was put under `(other)` before.

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
        # A mean may have been corrected with a multiple of its beacons: see `means.to_put`.
        same = np.isclose(stored * sampled, shown * counted, rtol=_RELATIVE_ERROR, atol=1e-6)
        same &= counted > 0
        differs = np.where(sampled > counted, ~same, differs | (counted != sampled))
    else:
        both[["DynamoDB_Samples", "CloudWatch_Samples"]] = np.nan
    # A deleted row has no time of its change, which was after the end of its bucket.
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
            np.fmax(stored.abs(), shown.abs()) > LARGEST_OF_A_ROW,
            both["DynamoDB"].isna(),
            changed.gt(awaited) & (shown < stored),
            (counted == 0) & (kind == "Average"),
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
    # A datum has the time of its bucket's start, so any period that divides the bucket will do.
    period = 10 if seconds % 10 == 0 else 1
    # The metrics before this one may have taken minutes to read.
    oldest = datetime.fromtimestamp(time.time() - MOST_HOURS * 3600, UTC)
    start = pd.Timestamp(max(start, oldest)).ceil(f"{period}s").to_pydatetime()
    # CloudWatch first: a change that passes meanwhile is then missing, and not a double.
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
    """Return the time of the newest change of each metric that publish_metrics has put."""
    dynamodb, table = cloud.client("dynamodb"), cloud.name("Published")
    with explained(f"The table {table}", "2-analyze"):
        marks = dynamodb.get_item(
            TableName=table, Key={"Name": {"S": "published"}}, ConsistentRead=True
        ).get("Item", {})
        # Earlier versions of the function stored the marks in the catalog.
        rows = dynamodb.scan(
            TableName=cloud.name("Metrics"), ProjectionExpression="MetricType, PublishedAt"
        )["Items"]
    times = {row["MetricType"]["S"]: row.get("PublishedAt", {"N": "0"}) for row in rows}
    times |= {name[2:]: mark["M"]["At"] for name, mark in marks.items() if name.startswith("m:")}
    return {name: float(at["N"]) for name, at in times.items()}


def _longest_try(cloud: Cloud) -> pd.Timedelta:
    """Return how long a change may wait to be published before Lambda discards it."""
    sources = cloud.client("lambda").list_event_source_mappings(
        FunctionName=cloud.name("publish-metrics")
    )["EventSourceMappings"]
    ages = [source.get("MaximumRecordAgeInSeconds", -1) for source in sources]
    return pd.Timedelta(seconds=max((age if age > 0 else 86_400 for age in ages), default=0))


def _repaired(cloud: Cloud, metric: pd.Series, wrong: pd.DataFrame) -> str:
    if not _may_repair(cloud, metric["MetricType"]):
        return JUST_REPAIRED
    # botocore would repeat a call that timed out, and so count it twice.
    client = cloud.session.client(
        "cloudwatch",
        endpoint_url=cloud.endpoint,
        config=Config(retries={"total_max_attempts": 1}),
    )
    cloud.watch(client)
    known = client.meta.service_model.shape_for("StandardUnit").enum
    unit = metric["Unit"] if metric["Unit"] in known else "None"
    every = (_datum(cloud, row, unit) for _, row in wrong.iterrows())
    data = [datum for datum in every if datum is not None]
    try:
        for first in range(0, len(data), DATA_A_CALL):
            client.put_metric_data(
                Namespace=NAMESPACE, MetricData=data[first : first + DATA_A_CALL]
            )
    except (ClientError, BotoCoreError) as error:
        raise WorkshopError(
            f"CloudWatch rejected the repair of {metric['MetricType']}: {error}",
            "Wait a minute, then run reconcile(cloud, repair=True) again.",
        ) from error
    return REPAIRED


def _datum(cloud: Cloud, row: pd.Series, unit: str) -> dict[str, Any] | None:
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
    right = float(row["DynamoDB"]), float(row["DynamoDB_Samples"])
    samples = right[1] - float(np.nan_to_num(row["CloudWatch_Samples"]))
    changed = to_put((difference, samples), right)
    if changed is None:
        return None  # the mean is right, but for a rounding error
    sum_, samples = changed
    mean = sum_ / samples
    values = {"SampleCount": samples, "Sum": sum_, "Minimum": mean, "Maximum": mean}
    return datum | {"StatisticValues": values}


def _may_repair(cloud: Cloud, metric: str) -> bool:
    """Write a repair's time to the catalog's row, unless the last was less than a minute ago.

    DynamoDB checks and writes atomically, so two notebooks can't repair the same metric at once.
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
