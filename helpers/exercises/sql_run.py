"""Runs one SQL statement of a learner over a few records in Flink, as a job that ends."""

import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.backfill.corrections import Key, key_of
from helpers.backfill.counted_rows import lines_of
from helpers.backfill.counting import INPUT, count_with
from helpers.deployment.flink_sql import application_code
from helpers.flink.groups import DEFAULT_GROUPS
from helpers.flink.properties import Folders

# Files before it create the tables and views that a statement may read; the others write metrics.
FIRST_METRIC = "10"
FILE = "30_exercise.sql"


def rows_of(statement: str, records: Sequence[dict]) -> list[dict]:
    """Return the rows that a statement writes, each bucket's and item's last one.

    Flink on this machine runs it, so the result is what the application would write.

    Args:
        statement: an `INSERT INTO metrics SELECT ...`.
        records: of the stream of clicks, in the order of their arrival.

    Returns:
        Rows with MetricType, EventTimestamp, MetricItem, UnitValueInt, ...

    Raises:
        WorkshopError: Flink refuses the statement; the error has Flink's reason and the position.
    """
    with _code_of(statement) as code, tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        folders = Folders(Path(temporary))
        folders.create()
        with gzip.open(folders.clicks / INPUT, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        count_with(code, DEFAULT_GROUPS, folders, len(records))
        return list(_last_rows(folders.metrics))


@contextmanager
def _code_of(statement: str) -> Iterator[Path]:
    with (
        tempfile.TemporaryDirectory(prefix="workshop-") as none,
        application_code(Path(none)) as code,
    ):
        for file in (code / "sql").glob("*.sql"):
            if file.name >= FIRST_METRIC:
                file.unlink()
        (code / "sql" / FILE).write_text(statement, encoding="utf-8")
        yield code


def _last_rows(output: Path) -> Iterator[dict]:
    for folder in sorted(output.glob("MetricType=*")):
        rows: dict[Key, dict] = {}
        metric = folder.name.split("=", 1)[1]
        for change in map(json.loads, lines_of(folder)):
            row = {"MetricType": metric} | (change["after"] or change["before"])
            rows.pop(key_of(row), None)
            if change["op"] != "d":
                rows[key_of(row)] = row
        yield from rows.values()
