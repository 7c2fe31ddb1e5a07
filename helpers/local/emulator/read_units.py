"""DynamoDB: reads consume units by the size of the items, as on AWS.

A unit reads up to 4 KB with strong consistency, half a unit without. GetItem and BatchGetItem round
each item up to 4 KB, Query and Scan the sum of a page's items. MiniStack returns one unit for each
page, and none for BatchGetItem. (A page's projected items are measured here: AWS measures them
before the projection.)

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import json
import math

from ministack.core.responses import json_response
from ministack.services import dynamodb

UNIT_BYTES = 4096
_add, _batch_get = dynamodb._add_consumed_capacity, dynamodb._batch_get_item


def apply() -> None:
    """Replace the units that reads return."""
    dynamodb._add_consumed_capacity = add_capacity
    dynamodb._batch_get_item = batch_get_item


def add_capacity(result: dict, data: dict, table: str, write: bool = False, **more: object) -> None:
    """Add ConsumedCapacity to an answer."""
    _add(result, data, table, write=write, **more)
    if not write and "ConsumedCapacity" in result:
        items = result["Items"] if "Items" in result else [result.get("Item", {})]
        size = sum(map(dynamodb._item_size_bytes, items))
        result["ConsumedCapacity"]["CapacityUnits"] = units(size, data.get("ConsistentRead", False))


def batch_get_item(data: dict) -> tuple:
    """Answer BatchGetItem, with its units."""
    status, headers, body = _batch_get(data)
    if status != 200 or data.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return status, headers, body
    answer = json.loads(body)
    answer["ConsumedCapacity"] = [
        {
            "TableName": table,
            "CapacityUnits": sum(
                units(dynamodb._item_size_bytes(item), asked.get("ConsistentRead", False))
                for item in answer["Responses"].get(table, []) or [{}]
            ),
        }
        for table, asked in data["RequestItems"].items()
    ]
    return json_response(answer)


def units(size: int, consistent: bool) -> float:
    """Return the units of a read: at least one step of 4 KB.

    Example:
        >>> units(5500, True), units(5500, False)
        (2.0, 1.0)
    """
    return max(1, math.ceil(size / UNIT_BYTES)) * (1.0 if consistent else 0.5)
