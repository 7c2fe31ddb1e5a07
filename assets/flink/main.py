"""The Flink application: runs every statement in sql/ as one streaming job.

The same file runs on Managed Service for Apache Flink and on one machine. The differences (source,
sink, interval of checkpoints) are in the application's properties. Python finds the modules in dep/
because the application's property `pyFiles` names this folder.

Managed Flink refuses a job whose code sets an option that AWS has not listed ("Programmatic Flink
configuration properties"): tests/e2e/test_managed_flink.py compares OPTIONS with that list.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StatementSet, StreamTableEnvironment

PROPERTIES = "APPLICATION_PROPERTIES_FILE"
FOLDER = Path(__file__).resolve().parent
EXIT_SQL = 3
# A line of output that begins with it is for the learner (helpers/flink/output.py).
NOTE = "Note: "

OPTIONS = {
    "table.local-time-zone": "UTC",
    # How long Flink keeps the state of a bucket or a beacon_id after its last change. A beacon may
    # be an hour late (04_firsts.sql); the rest is for agents and jobs that were down for a while.
    # The recount of the archive uses the same limit (helpers/audit/record_outcomes.py).
    "table.exec.state.ttl": "3 h",
    # All metrics read the same views. With this option Flink computes each view once for all
    # metrics: it reads the stream once, and keeps one counter for each beacon_id.
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    # Chained operators pass rows without a copy; those of Flink SQL copy the rows that they keep.
    # While the job caught up for ten seconds: 67,000 records/s, without this option 41,000.
    "pipeline.object-reuse": "true",
}


class SqlError(Exception):
    """Flink refuses a statement. The message: the file's name and Flink's reason, in one line."""


def property_groups(path: str) -> dict[str, dict[str, str]]:
    """Return the property groups of a JSON file by name."""
    groups = json.loads(Path(path).read_text(encoding="utf-8"))
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in groups}


def fill(sql: str, groups: dict[str, dict[str, str]]) -> str:
    """Replace each ${name} by the pairs of the property group of that name, on the same line.

    Example:
        >>> fill("WITH (${clicks})", {"clicks": {"connector": "kinesis", "format": "json"}})
        "WITH ('connector' = 'kinesis', 'format' = 'json')"
    """

    def pairs(match: re.Match) -> str:
        if match[1] not in groups:
            raise SqlError(f"${{{match[1]}}}: the application has no property group of that name")
        quoted = {key: value.replace("'", "''") for key, value in groups[match[1]].items()}
        return ", ".join(f"'{key}' = '{value}'" for key, value in quoted.items())

    # Comments mention ${name} too, and stay unchanged.
    return re.sub(r"--.*|\$\{(\w+)\}", lambda m: pairs(m) if m[1] else m[0], sql)


def reason(error: Exception) -> str:
    """Return Flink's reason in one line: the messages of its exceptions, without stack traces."""
    lines = re.sub(r"\n\s*at .*", "", str(error)).split("\n")
    causes = [line.split("Exception: ", 1)[1] for line in lines if "Exception: " in line] or lines
    # " - ": the options that this job may not set.
    causes += [line for line in lines if line.startswith(("Cause: ", " - "))]
    message = causes[0]
    for cause in causes[1:]:
        message += "" if cause in message else " " + cause  # exceptions often repeat their cause's
    return re.sub(r"(SQL \w+ failed\. )\1", r"\1", re.sub(r"\s+", " ", message)).strip()


def verb(sql: str) -> str:
    """Return a statement's first word, after its comments, in capitals.

    Example:
        >>> verb("-- How many.\\nInsert INTO metrics SELECT 1")
        'INSERT'
    """
    return re.match(r"(?:\s|--.*|/\*[\s\S]*?\*/)*(\w*)", sql)[1].upper()


def define(tables: StreamTableEnvironment, statements: dict[str, str]) -> None:
    """Execute the statements that create tables, views and functions.

    Args:
        tables: the environment that gets them.
        statements: by file name.
    """
    for name, sql in statements.items():
        with named_in_errors(name):
            if verb(sql) == "CREATE":
                tables.execute_sql(sql)
            elif verb(sql) != "INSERT":
                begins = f"begins with {verb(sql)}" if verb(sql) else "is empty"
                raise SqlError(f"it {begins}; the job is made of CREATE and INSERT statements")


def insert(tables: StreamTableEnvironment, statements: dict[str, str]) -> StatementSet:
    """Return one job of all INSERT statements, not yet planned.

    Args:
        tables: has the tables and views that the statements name.
        statements: by file name.
    """
    job = tables.create_statement_set()
    for name, sql in statements.items():
        with named_in_errors(name):
            if verb(sql) == "INSERT":
                job.add_insert_sql(sql)
    return job


def refusal(
    tables: StreamTableEnvironment, statements: dict[str, str], error: Exception
) -> SqlError:
    """Return which statement of a job of valid SQL can't run as a stream, and why.

    Args:
        tables: of the job.
        statements: by file name.
        error: the exception that Flink raised for the whole job.
    """
    for name, sql in statements.items():
        try:
            if verb(sql) == "INSERT":
                tables.explain_sql(sql)  # planned by itself
        except Exception as own_error:
            return SqlError(f"{name}: {reason(own_error)}")
    return SqlError(reason(error))


@contextlib.contextmanager
def named_in_errors(name: str) -> Iterator[None]:
    """Raise SqlError with the file's name for any error of its statement."""
    try:
        yield
    except Exception as error:  # py4j has few classes for all of Java's exceptions
        raise SqlError(f"{name}: {reason(error)}") from None


def main() -> None:
    """Run all files of sql/, ordered by name, as one job."""
    groups = property_groups(os.environ.get(PROPERTIES, "/etc/flink/application_properties.json"))
    import stage  # only here: these need dep/ on the path, which the functions above do not
    import visit_stage

    configuration = Configuration()
    for key, value in (OPTIONS | groups.get("flink", {})).items():
        configuration.set_string(key, value)
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    tables = StreamTableEnvironment.create(environment)
    files = sorted((FOLDER / "sql").glob("[0-9][0-9]_*.sql"))
    statements = {file.name: fill(file.read_text(encoding="utf-8"), groups) for file in files}
    define(tables, statements)
    stage.share(tables, "copies")
    stage.add(tables)
    visit_stage.add_visits(tables)
    job = insert(tables, statements)
    if stage.UNAVAILABLE:
        print(f"{NOTE}event_anomaly is not computed, because {stage.UNAVAILABLE}.", flush=True)
    try:
        job.execute()
    except Exception as error:
        raise refusal(tables, statements, error) from None
    print("The job has started.", flush=True)


if __name__ == "__main__":
    try:
        main()
    except SqlError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_SQL)
    except Py4JJavaError as error:
        sys.exit(reason(error))
