"""Lists that are late: a new resource is not in them yet, a deleted one still is.

M: ListStreams and ListTables show a new resource after some seconds, and a deleted one for up to a
minute; the tagging API lists deleted resources for minutes.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import json_response
from ministack.services import dynamodb, kinesis, tagging

from helpers.local.pace import scaled

from .observed import age, deleted_since, observe

SECONDS_UNTIL_LISTED, SECONDS_STILL_LISTED, SECONDS_TAGGED = 15, 60, 300
_get_resources = tagging._HANDLERS["GetResources"]
_tagged: dict[str, tuple[float, dict]] = {}  # by ARN: when it was there last, and its entry


def apply() -> None:
    """Make the three lists late."""
    for store in (kinesis._streams, dynamodb._tables):
        observe(store)
    kinesis._list_streams = late(kinesis._list_streams, kinesis._streams, "StreamNames")
    dynamodb._list_tables = late(dynamodb._list_tables, dynamodb._tables, "TableNames")
    tagging._HANDLERS["GetResources"] = get_resources


def late(list_now: Callable[[dict], tuple], store: Any, key: str) -> Callable[[dict], tuple]:  # noqa: ANN401
    """Return a list of names as it was some seconds ago.

    Args:
        list_now: the emulator's own call.
        store: its observed records.
        key: the answer's list of names.
    """

    def list_late(data: dict) -> tuple:
        answer = json.loads(list_now(data)[2])
        names = {name for name in answer[key] if age(store, name) >= scaled(SECONDS_UNTIL_LISTED)}
        names |= set(deleted_since(store, scaled(SECONDS_STILL_LISTED)))
        return json_response(answer | {key: sorted(names)})

    return list_late


def get_resources(data: dict) -> tuple:
    """Answer GetResources, with the resources that were deleted in the last minutes."""
    status, headers, body = _get_resources(data)
    if status != 200 or data.get("PaginationToken"):
        return status, headers, body
    answer = json.loads(body)
    listed = {entry["ResourceARN"] for entry in answer["ResourceTagMappingList"]}
    oldest = time.monotonic() - scaled(SECONDS_TAGGED)
    answer["ResourceTagMappingList"] += [
        entry
        for arn, (seen, entry) in _tagged.items()
        if seen > oldest and arn not in listed and _matches(entry, data.get("TagFilters", []))
    ]
    return json_response(answer)


def note_tagged() -> None:
    """Note the resources with tags; stacks.py calls this before it deletes one."""
    status, _, body = _get_resources({})
    if status == 200:
        now = time.monotonic()
        for entry in json.loads(body)["ResourceTagMappingList"]:
            _tagged[entry["ResourceARN"]] = now, entry


def _matches(entry: dict, filters: list[dict]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
    return all(
        each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"])
        for each in filters
    )
