"""Module 2's exercises in SQL: Flink runs the right work and common wrong ones, all in one job."""

import re

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.sql_run import rows_of
from helpers.exercises.streaming_sql import (
    EXERCISES,
    STATEMENT,
    judge_condition,
    judge_phones,
    sample_records,
)

CONDITION, PHONES = EXERCISES
RIGHT = "page IS NULL OR NOT (page = '/health' OR page LIKE '/health/%')"
CONDITIONS = {
    RIGHT: None,
    "COALESCE(page, '') NOT IN ('/health', '/health/live')": None,
    "TRUE": "No beacon is left out",
    "page IS NULL OR page <> '/health'": "/health/live is a health check, too",
    "page IS NULL OR page NOT LIKE '/health%'": "/healthy-food is a page",
    "NOT (page = '/health' OR page LIKE '/health/%')": "comparison with NULL",
    "page NOT LIKE '/health%'": "and the beacons without a page are missing",
    "page <> '/health'": "is a health check, too, and the beacons without",
    "page LIKE '/health%' AND page <> '/healthy-food'": "Only health checks are counted",
    "event = 'click'": "It counts [0-9]+ beacons",
}
PHONE_STATEMENT = """\
INSERT INTO metrics
SELECT
  'phone_pages' AS MetricType, bucket AS EventTimestamp, page AS MetricItem,
  COUNT(*) AS UnitValueInt, CAST(NULL AS DOUBLE) AS UnitValueFloat,
  COUNT(*) AS Samples, MAX(received_at) AS NewestBeacon, MAX(received_at) AS EmittedAt
FROM beacons
WHERE event = 'pageview' AND device = 'mobile' AND page IS NOT NULL
GROUP BY bucket, page
"""
CHANGES = {
    ("", ""): None,
    ("event = 'pageview' AND ", ""): "every event of phones",
    (" AND device = 'mobile'", ""): "page views of every device",
    ("event = 'pageview' AND device = 'mobile' AND ", ""): "counts every beacon",
    (" AND page IS NOT NULL", ""): "A row has no item",
    ("COUNT(*) AS UnitValueInt", "COUNT(DISTINCT clientid) AS UnitValueInt"): "counts the visitors",
    ("COUNT(*) AS Samples", "CAST(1 AS BIGINT) AS Samples"): "Samples must be the number",
    ("'mobile'", "'phone'"): "writes no row",
    ("device = 'mobile'", "device <> 'desktop'"): "Phones have",
    ("'phone_pages'", "'phones'"): "Its MetricType is 'phones'",
}


@pytest.fixture(scope="module")
def rows_by_name() -> dict[str, list[dict]]:
    """Run all statements as one job; return the rows of each, by the statement's name."""
    statements = [STATEMENT.format(condition=condition) for condition in CONDITIONS]
    statements += [PHONE_STATEMENT.replace(*change) for change in CHANGES]
    named = [
        re.sub(r"'(\w+)' AS MetricType", rf"'{number}-\1' AS MetricType", statement)
        for number, statement in enumerate(statements)
    ]
    selects = [each.removeprefix("INSERT INTO metrics\n") for each in named]
    rows = rows_of("INSERT INTO metrics\n" + "\nUNION ALL\n".join(selects), sample_records())
    names = [*CONDITIONS, *CHANGES]
    found: dict = {name: [] for name in names}
    for row in rows:
        number, metric = row["MetricType"].split("-")
        found[names[int(number)]].append(row | {"MetricType": metric})
    return found


@pytest.mark.parametrize(("condition", "sentence"), CONDITIONS.items(), ids=CONDITIONS)
def test_each_condition_has_its_sentence(rows_by_name, condition, sentence):
    rows = rows_by_name[condition]
    if sentence is None:
        assert "80 health checks are left out, 160 beacons counted" in judge_condition(rows)
        return
    with pytest.raises(NotYet, match=sentence):
        judge_condition(rows)


@pytest.mark.parametrize(("change", "sentence"), CHANGES.items())
def test_each_statement_has_its_sentence(rows_by_name, change, sentence):
    rows = rows_by_name[change]
    if sentence is None:
        assert "15 page views of phones" in judge_phones(rows)
        return
    with pytest.raises(NotYet, match=sentence):
        judge_phones(rows)


def test_the_right_condition_passes():
    assert "health checks are left out" in run_check(CONDITION, RIGHT)


def test_flinks_reason_is_shown():
    with pytest.raises(NotYet, match=r"line \d+, column \d+.*'colour' not found"):
        run_check(PHONES, PHONE_STATEMENT.replace("device =", "colour ="))


@pytest.mark.parametrize(
    ("exercise", "work", "sentence"),
    [
        (CONDITION, "  ", "no work yet"),
        (CONDITION, "WHERE page <> '/health'", "has its WHERE already"),
        (CONDITION, 1, "no text"),
        (PHONES, "", "no work yet"),
        (PHONES, PHONE_STATEMENT.replace("phone_pages", "my_metric"), "no work yet"),
        (PHONES, ["x"], "no text"),
    ],
)
def test_other_work_is_refused_before_flink_starts(exercise, work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(exercise, work)
