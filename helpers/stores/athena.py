"""SQL over the archive, run by Athena: `query_archive(cloud, "SELECT ...")`."""

from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.waiting import wait_until, waiting

LONGEST_SECONDS = 5 * 60
_PAUSE_SECONDS = 0.3
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
# Athena's types of numbers. Values of other types (varchar, timestamp, ...) stay text.
_WHOLE, _REAL = ("tinyint", "smallint", "integer", "bigint"), ("float", "real", "double", "decimal")


def query_archive(cloud: Cloud, sql: str) -> pd.DataFrame:
    """Run one query over the archive and return its rows.

    The table is `clicks`: a row for each archived record, copies and rejected lines included, with
    the record's fields and, from its folder, `year`, `month`, `day` and `hour` of its arrival
    (UTC, whole numbers). On AWS, Athena charges $5 for each TB that a query reads, at least 10 MB.
    If WHERE names a day and an hour, Athena reads only their folders.

    Args:
        cloud: where the archive is.
        sql: a query in Athena's dialect, which is Trino's.

    Returns:
        The query's columns: whole numbers as Int64, other numbers as float64, the rest as text.

    Raises:
        NotDeployed: module 1-capture is not deployed.
        WorkshopError: Athena rejects the query, or it ran for more than five minutes.

    Example:
        `query_archive(cloud, "SELECT event, COUNT(*) AS n FROM clicks GROUP BY event")`
    """
    with explained():
        athena = cloud.client("athena")
        name = _start(cloud, sql)
        _wait(athena, name)
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=name)
        results = [page["ResultSet"] for page in pages]
    columns = results[0]["ResultSetMetadata"]["ColumnInfo"]
    # The first row of a SELECT's result contains the columns' names.
    rows = [row["Data"] for page in results for row in page["Rows"]][1:]
    return pd.DataFrame(
        {
            column["Name"]: _series([row[at].get("VarCharValue") for row in rows], column["Type"])
            for at, column in enumerate(columns)
        }
    )


def _start(cloud: Cloud, sql: str) -> str:
    athena, group = cloud.client("athena"), cloud.name("queries")
    try:
        athena.get_work_group(WorkGroup=group)
    except athena.exceptions.InvalidRequestException:
        raise NotDeployed(f"The Athena workgroup {group}", "1-capture") from None
    try:
        return athena.start_query_execution(
            QueryString=sql,
            WorkGroup=group,
            QueryExecutionContext={"Database": f"{cloud.prefix}_archive"},
        )["QueryExecutionId"]
    except athena.exceptions.InvalidRequestException as error:
        raise _rejected(error.response["Error"]["Message"]) from None


def _wait(athena: Any, name: str) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
    with waiting("Athena is reading the archive"):
        status = wait_until(
            lambda: athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"],
            LONGEST_SECONDS,
            lambda status: status["State"] in _ENDED,
            _PAUSE_SECONDS,
        )
    if status["State"] not in _ENDED:
        athena.stop_query_execution(QueryExecutionId=name)
        raise WorkshopError(
            "The query ran for more than five minutes and was cancelled.",
            "Name a year, a month, a day and an hour in its WHERE, then run it again.",
        )
    if status["State"] != "SUCCEEDED":
        raise _rejected(status.get("StateChangeReason") or status["State"])


def _rejected(reason: str) -> WorkshopError:
    # The further lines repeat the query.
    first = reason.strip().split("\n")[0]
    return WorkshopError(f"Athena can't run this query: {first}", "Correct it, then run it again.")


def _series(values: list[str | None], kind: str) -> pd.Series:
    if kind in _WHOLE:
        # Not through floats: an epoch in nanoseconds would lose its last digits.
        return pd.Series([None if v is None else int(v) for v in values], dtype="Int64")
    if kind in _REAL:
        return pd.Series(values, dtype=object).astype("float64")
    if kind == "boolean":
        return pd.Series(values, dtype=object).map({"true": True, "false": False}).astype(kind)
    return pd.Series(values, dtype=object)
