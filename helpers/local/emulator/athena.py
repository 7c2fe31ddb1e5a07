"""Athena: JSON tables have the columns that they declare; no answer is made up.

AWS: "the JSON SerDe" reads each line of a table's objects into the table's columns; a field that a
record lacks is NULL, and with `ignore.malformed.json` a line that is no JSON is a row of NULLs.
MiniStack lets DuckDB guess the columns from the data: one that no record has yet (`rejected`, for
example) does not exist then, and one that is always null is not text.

Without DuckDB, MiniStack answers each query with the row "mock_value". Here the query fails.

Athena's SQL is Trino's. Some functions that queries of the archive are likely to use have other
names in DuckDB: macros define them.
"""

from ministack.services import athena

MACROS = (
    "CREATE MACRO from_unixtime(seconds) AS to_timestamp(seconds); "
    "CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern); "
    "CREATE MACRO approx_distinct(value) AS approx_count_distinct(value); "
)
_relation = athena._table_relation
_rewrite = athena._rewrite_data_paths


def apply() -> None:
    """Replace how the emulator reads a table, and its answer without DuckDB."""
    athena._table_relation = table_relation
    athena._rewrite_data_paths = rewrite_with_macros
    athena._mock_query_results = refuse


def table_relation(table: dict, files: list[str]) -> str:
    """Return the SQL with which DuckDB reads a table."""
    if athena._data_format(table) != "json":
        return _relation(table, files)
    columns = ", ".join(
        f"{_quoted(column['Name'])}: '{athena._duckdb_type(column)}'"
        for column in table["StorageDescriptor"]["Columns"]
    )
    partitions = athena._hive_options(athena._path_partition_keys(table, files))
    return (
        f"read_json({athena._sql_list(files)}, format = 'newline_delimited', "
        f"ignore_errors = true, columns = {{{columns}}}, {partitions})"
    )


async def rewrite_with_macros(query: str, database: str, catalog: str | None = None) -> tuple:
    """Put the macros before a query with replaced tables."""
    rewritten, *rest = await _rewrite(query, database, catalog)
    return MACROS + rewritten, *rest


def refuse(query: str) -> dict:
    """Fail a query, because DuckDB is not installed.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("The emulator runs SQL with DuckDB, which is not installed.")


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
