"""Which of two rows of one key the table keeps: a condition that DynamoDB checks, and the rest.

Nearly all rows are compared with one condition, in the put itself. Where a rebuilt row meets one
that Flink emitted after the archive was read, both contribute: DynamoDB returns the stored item,
and `merged` decides.
"""

from typing import Any

from rows import Row

# Their values are never changed. After a change of its SQL, the job reads the stream again and
# scores with a forest that has learned less: the first score stays, as in CloudWatch.
FINAL = {"event_anomaly"}
ARCHIVED = "ArchivedUntil"
_FIRST = "attribute_not_exists(Samples)"
_FALLS = "attribute_not_exists(EmittedAt) OR EmittedAt <= :new"
_GROWS = f"attribute_not_exists({ARCHIVED}) AND (attribute_not_exists(Samples) OR Samples <= :new)"
_REBUILT = (
    f"(attribute_not_exists({ARCHIVED}) OR {ARCHIVED} < :new) AND "
    "(attribute_not_exists(EmittedAt) OR EmittedAt <= :new)"
)


def condition(row: Row) -> dict[str, Any]:
    """Return the parameters of PutItem under which a row replaces the stored one.

    Args:
        row: the new one.
    """
    if row.metric in FINAL:
        return {"ConditionExpression": _FIRST}
    text = _FALLS if row.samples is None else _REBUILT if row.is_rebuilt else _GROWS
    return {
        "ConditionExpression": text,
        "ExpressionAttributeValues": {":new": {"N": str(row.version)}},
    }


def merged(row: Row, item: dict, stored: dict) -> dict | None:
    """Return what the table must have of a row and of the stored one that refused it.

    Args:
        row: the new one.
        item: the same as a DynamoDB item.
        stored: the item in the table.

    Returns:
        The item; None if it is the stored one.
    """
    if row.metric in FINAL or row.samples is None:
        return None
    archived, emitted, samples = (
        _number(stored, name) for name in (ARCHIVED, "EmittedAt", "Samples")
    )
    if row.is_rebuilt:
        if archived >= row.version:
            return None
        if emitted > row.version and samples >= row.samples:
            return stored | {ARCHIVED: {"N": str(row.version)}}
        return item
    if not archived or row.emitted <= archived or row.samples < samples:
        return None
    return item | {ARCHIVED: stored[ARCHIVED]}


def unchanged(stored: dict) -> dict[str, Any]:
    """Return the parameters of PutItem under which the stored item is still this one.

    Args:
        stored: the item.
    """
    names = (ARCHIVED, "EmittedAt", "Samples", "UpdatedAt")
    parts = [f"{n} = :{n}" if n in stored else f"attribute_not_exists({n})" for n in names]
    return {
        "ConditionExpression": " AND ".join(parts),
        "ExpressionAttributeValues": {f":{n}": stored[n] for n in names if n in stored},
    }


def _number(item: dict, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
