"""Part of a batch is refused, the rest goes on: what PutRecords and BatchWriteItem answer then.

PutRecords: "a response contains ... both successfully and unsuccessfully processed records"; those
with an ErrorCode are not in the stream. BatchWriteItem returns what it did not do as
UnprocessedItems; "if none of the items can be processed ... then BatchWriteItem returns a
ProvisionedThroughputExceededException".
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

TOO_MUCH = "ProvisionedThroughputExceededException"
REFUSED = {"ErrorCode": TOO_MUCH, "ErrorMessage": "Rate exceeded for the stream."}


@dataclass(frozen=True)
class Split:
    """A request, parted.

    Args:
        rest: the request without what is refused; None if nothing is left.
        merge: makes of the answer to `rest` (`{}` if nothing is left) the answer to the whole
            request; None if the service says with an error that all is refused.
    """

    rest: dict | None
    merge: Callable[[dict], dict] | None


def put_records(request: dict, share: float) -> Split:
    """Refuse a share of PutRecords' records.

    Args:
        request: the request.
        share: 0 to 1, the chance of each record.
    """
    records = request["Records"]
    refused = {i for i in range(len(records)) if random.random() < share}

    def merge(answer: dict) -> dict:
        taken = iter(answer.get("Records", []))
        results = [REFUSED if i in refused else next(taken) for i in range(len(records))]
        failed = answer.get("FailedRecordCount", 0) + len(refused)
        return answer | {"FailedRecordCount": failed, "Records": results}

    kept = [record for i, record in enumerate(records) if i not in refused]
    return Split(request | {"Records": kept} if kept else None, merge)


def batch_write_item(request: dict, share: float) -> Split:
    """Leave a share of BatchWriteItem's items unprocessed.

    Args:
        request: the request.
        share: 0 to 1, the chance of each item.
    """
    kept: dict[str, list] = {}
    unprocessed: dict[str, list] = {}
    for table, items in request["RequestItems"].items():
        for item in items:
            part = unprocessed if random.random() < share else kept
            part.setdefault(table, []).append(item)

    def merge(answer: dict) -> dict:
        both = dict(answer.get("UnprocessedItems", {}))
        for table, items in unprocessed.items():
            both[table] = both.get(table, []) + items
        return answer | {"UnprocessedItems": both}

    return Split(request | {"RequestItems": kept}, merge) if kept else Split(None, None)


SPLIT: dict[str, Callable[[dict, float], Split]] = {
    "PutRecords": put_records,
    "BatchWriteItem": batch_write_item,
}
