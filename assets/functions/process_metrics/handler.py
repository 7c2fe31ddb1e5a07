"""process_metrics: reads metric rows from Kinesis and stores the newest of each key in DynamoDB.

The result is the same for any order of rows, any number of repetitions and any number of
containers. An invalid row is logged and counted, and does not block the others.

Environment: DETAILS_TABLE, CATALOG_TABLE.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from catalog import note_latest
from rows import BadRow, Row, newest, read_row
from store import InvalidItem, PutFailed, put

# One put after another would take 500 round trips. On two processors, more than four threads gain
# nothing (1: 1,200 puts/s; 4 and 8: 1,700/s); eight also cover AWS's latency of some ms.
PUTS_AT_A_TIME = 8
LOGGED_CHARACTERS = 2000

_pool = ThreadPoolExecutor(PUTS_AT_A_TIME)


def handler(event: dict, context: Any) -> dict:  # noqa: ANN401 - AWS passes its own class
    """Store the rows of one batch.

    Args:
        event: `{"Records": [{"kinesis": {"data": base64, "sequenceNumber": ...}}, ...]}`.
        context: unused.

    Returns:
        The answer for Lambda's ReportBatchItemFailures: the first record to send again, if any.

    Raises:
        PutFailed: the first record failed; Lambda sends the whole batch again.
    """
    counts = {"records": len(event["Records"]), "puts": 0, "older": 0, "bad": 0, "failed": 0}
    rows: list[Row] = []
    records: dict[tuple[str, str], int] = {}
    for position, record in enumerate(event["Records"]):
        try:
            row = read_row(record["kinesis"]["data"])
        except BadRow as reason:
            _log_bad(record, reason)
            counts["bad"] += 1
            continue
        if row is not None:
            rows.append(row)
            # Only one row of a key is put. If that fails, Lambda must send all of them again.
            records.setdefault((row.metric, row.sort_key), position)
    failures: dict[int, Exception] = {}
    stored: list[Row] = []
    for row, outcome in _put_all(newest(rows)):
        position = records[row.metric, row.sort_key]
        if isinstance(outcome, PutFailed):
            failures[position] = outcome
            counts["failed"] += 1
        elif isinstance(outcome, InvalidItem):
            _log_bad(event["Records"][position], outcome)
            counts["bad"] += 1
        else:
            counts["puts" if outcome else "older"] += 1
            stored.append(row)
    latest: dict[str, int] = {}
    for row in stored:
        latest[row.metric] = max(row.bucket, latest.get(row.metric, 0))
    counts["noted"] = note_latest(latest)
    print(json.dumps({"function": "process_metrics", **counts}))
    return _report(event["Records"], failures)


def _put_all(rows: list[Row]) -> Iterator[tuple[Row, bool | Exception]]:
    # Rebuilt rows first: while the table has a wrong row, a right one with fewer samples is lost.
    for is_rebuilt in (True, False):
        part = [row for row in rows if row.is_rebuilt == is_rebuilt]
        yield from zip(part, _pool.map(_try_to_put, part), strict=True)


def _try_to_put(row: Row) -> bool | Exception:
    try:
        return put(row)
    except (PutFailed, InvalidItem) as error:
        return error


def _report(records: list[dict], failures: dict[int, Exception]) -> dict:
    if not failures:
        return {"batchItemFailures": []}
    first = min(failures)
    if first == 0:
        raise failures[first]
    # All records before this one are done; Lambda continues here.
    return {"batchItemFailures": [{"itemIdentifier": records[first]["kinesis"]["sequenceNumber"]}]}


def _log_bad(record: dict, reason: Exception) -> None:
    print(
        json.dumps(
            {
                "function": "process_metrics",
                "bad_row": str(reason),
                "sequence_number": record["kinesis"].get("sequenceNumber"),
                "data_base64": str(record["kinesis"].get("data"))[:LOGGED_CHARACTERS],
            }
        )
    )
