"""Comparing two stages cell by cell, and the numbers of a ledger's row."""

import pandas as pd

from .balance import ACCEPTED
from .cloud import Cloud
from .cloudwatch import OTHER
from .dynamodb import catalog
from .memory import DUPLICATES, REJECTED
from .reconciling import by_dimension, moved_from_other
from .stages import Range

REASONS = ("unparsable", "too_long", "from_the_future", "too_late")


def expected(entries: pd.DataFrame) -> dict[str, int | None]:
    """Return the row of journal entries, by what was expected of them."""
    counts = entries["expect"].value_counts()
    reasons = {reason: int(counts.get(reason, 0)) for reason in REASONS}
    numbers = {
        "Accepted": int(counts.get("accepted", 0)),
        **reasons,
        "Duplicates": int(counts.get("duplicate", 0)),
    }
    other = len(entries) - sum(numbers.values())
    return {"Beacons": len(entries), **numbers, "other_reasons": other}


def row(counted: pd.Series | None) -> dict[str, int | None]:
    """Return the row of a stage's cells; an empty one if it was not read."""
    if counted is None:
        return {}
    metrics = counted.index.get_level_values("Metric")
    reasons = counted[metrics == REJECTED].groupby(level="Item").sum()
    known = {reason: int(reasons.get(reason, 0)) for reason in REASONS}
    return {
        "Beacons": int(counted.sum()),
        "Accepted": int(counted[metrics == ACCEPTED].sum()),
        **known,
        "other_reasons": int(reasons.sum()) - sum(known.values()),
        "Duplicates": int(counted[metrics == DUPLICATES].sum()),
    }


def differences(before: pd.Series, counted: pd.Series) -> pd.Series:
    """Return by how much a stage counted more (or less) than the one before, where it differs."""
    found = counted.sub(before, fill_value=0).astype("int64")
    found = found[found != 0]
    copies = found.index.get_level_values("Metric") == DUPLICATES
    if found[copies].sum() == 0:
        # Flink that catches up may read a copy before its first: the copy then counts where the
        # first arrived. Their number is the same, and no beacon is missing or counted twice.
        found = found[~copies]
    for cell in found[found.index.get_level_values("Item") == OTHER].index:
        of_bucket = found.loc[cell[:2]]
        if moved_from_other(of_bucket):
            found = found.drop([(*cell[:2], item) for item in of_bucket.index])
    return found


def admitted_items(cloud: Cloud) -> dict[str, set[str]]:
    """Return which items CloudWatch shows by name, by metric."""
    rows = catalog(cloud)
    return dict(zip(rows["MetricType"], map(set, rows["Items"]), strict=True))


def as_dimensions(rows: pd.DataFrame, admitted: dict[str, set[str]], span: Range) -> pd.DataFrame:
    """Return rows with the cells in which CloudWatch counts: by dimension value, and by period."""
    items = [
        by_dimension(some["Item"], admitted.get(metric, set()))
        for metric, some in rows.groupby("Metric")
    ]
    named = pd.concat(items) if items else rows["Item"]
    return rows.assign(Item=named, Bucket=rows["Bucket"] // span.seconds * span.seconds)
