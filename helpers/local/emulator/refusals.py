"""Partial refusals of a batch, as PutRecords and BatchWriteItem answer them.

PutRecords: "a response contains ... both successfully and unsuccessfully processed records"; those
with an ErrorCode are not in the stream. BatchWriteItem returns the items that it did not write as
UnprocessedItems; "if none of the items can be processed ... then BatchWriteItem returns a
ProvisionedThroughputExceededException".
"""

from collections.abc import Callable
from dataclasses import dataclass

TOO_MUCH = "ProvisionedThroughputExceededException"
REFUSED = {"ErrorCode": TOO_MUCH, "ErrorMessage": "Rate exceeded for the stream."}


@dataclass(frozen=True)
class Split:
    """A request without its refused entries.

    Args:
        rest: the request without them; None if nothing is left.
        merge: turns the answer to `rest` (`{}` if nothing is left) into the answer to the whole
            request; None if the service refuses the whole request with an error.
    """

    rest: dict | None
    merge: Callable[[dict], dict] | None


def put_records(request: dict, is_refused: Callable[[dict], bool]) -> Split:
    """Refuse some of PutRecords' records."""
    records = request["Records"]
    refused = [is_refused(record) for record in records]

    def merge(answer: dict) -> dict:
        accepted = iter(answer.get("Records", []))
        results = [REFUSED if refuse else next(accepted) for refuse in refused]
        failed = answer.get("FailedRecordCount", 0) + sum(refused)
        return answer | {"FailedRecordCount": failed, "Records": results}

    kept = [record for record, refuse in zip(records, refused, strict=True) if not refuse]
    return Split(request | {"Records": kept} if kept else None, merge)


def batch_write_item(request: dict, is_refused: Callable[[dict], bool]) -> Split:
    """Leave some of BatchWriteItem's items unprocessed."""
    kept: dict[str, list] = {}
    unprocessed: dict[str, list] = {}
    for table, items in request["RequestItems"].items():
        for item in items:
            part = unprocessed if is_refused(item) else kept
            part.setdefault(table, []).append(item)

    def merge(answer: dict) -> dict:
        both = dict(answer.get("UnprocessedItems", {}))
        for table, items in unprocessed.items():
            both[table] = both.get(table, []) + items
        return answer | {"UnprocessedItems": both}

    return Split(request | {"RequestItems": kept}, merge) if kept else Split(None, None)


SPLIT: dict[str, Callable[[dict, Callable[[dict], bool]], Split]] = {
    "PutRecords": put_records,
    "BatchWriteItem": batch_write_item,
}
