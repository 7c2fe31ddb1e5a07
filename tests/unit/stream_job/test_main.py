"""The application's main.py: templates, and Flink's reasons (Flink itself checks the bad SQL)."""

import json
import re
import shutil
import sys

import pytest

from helpers.core.paths import REPOSITORY
from helpers.flink import plans
from helpers.flink.groups import DEFAULT_GROUPS
from helpers.flink.output import NOTE, STARTED
from tests.e2e.flink_cluster import allowed_properties
from tests.unit.flink.test_plans import template_groups

ASSETS = REPOSITORY / "assets" / "flink"
JAVAS = re.compile("NOTE: Picked up|WARNING: Unknown module")


@pytest.fixture
def main(monkeypatch):
    monkeypatch.syspath_prepend(str(ASSETS))
    import main

    yield main
    sys.modules.pop("main")


def test_a_placeholder_is_replaced_by_the_pairs_of_its_group(main):
    groups = {"clicks": {"connector": "kinesis", "path": "it's"}, "metrics": {}}
    assert main.fill("A WITH (${clicks}) B", groups) == (
        "A WITH ('connector' = 'kinesis', 'path' = 'it''s') B"
    )


def test_a_placeholder_in_a_comment_is_not_replaced(main):
    sql = "-- ${clicks}: from ${nowhere}\nSELECT '${metrics}'"
    assert main.fill(sql, {"metrics": {"a": "b"}}) == (
        "-- ${clicks}: from ${nowhere}\nSELECT ''a' = 'b''"
    )


def test_the_error_names_a_placeholder_without_a_group(main):
    with pytest.raises(main.SqlError, match="colours"):
        main.fill("WITH (${colours})", {})


def test_property_groups_are_read_by_name(main, tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps([{"PropertyGroupId": "flink", "PropertyMap": {"a": "1"}}]))
    assert main.property_groups(str(path)) == {"flink": {"a": "1"}}


def test_properties_are_read_from_managed_flinks_file_by_default(monkeypatch, main):
    monkeypatch.delenv(main.PROPERTIES, raising=False)
    paths = []
    monkeypatch.setattr(main, "property_groups", lambda path: paths.append(path) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main.main()
    assert paths == ["/etc/flink/application_properties.json"]


def test_the_code_sets_only_properties_that_managed_flink_allows(main):
    assert set(main.OPTIONS) | set(template_groups()["flink"]) <= set(allowed_properties())
    assert "python.files" not in allowed_properties()


def test_other_rooms_know_the_lines_that_it_prints(main):
    assert main.NOTE == NOTE
    assert f'print("{STARTED}"' in (ASSETS / "main.py").read_text()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("-- a comment\nINSERT INTO metrics\nSELECT FROM beacons", ["20_bad.sql", "line 3"]),
        (
            "INSERT INTO metrics\nSELECT colour FROM beacons",
            ["20_bad.sql", "line 2, column 8", "Column 'colour' not found"],
        ),
        ("CREATE VIEW v AS SELECT * FROM nowhere;", ["20_bad.sql", "Object 'nowhere' not found"]),
        (
            # Valid SQL, but an unbounded stream can't be sorted: Flink finds that while planning.
            "INSERT INTO metrics SELECT 'x', bucket, event, 1, CAST(NULL AS DOUBLE), 1, 0, 0 "
            "FROM beacons ORDER BY event",
            ["20_bad.sql", "Sort on a non-time-attribute field is not supported"],
        ),
    ],
)
def test_bad_sql_is_reported_with_flinks_reason_in_one_line(tmp_path, monkeypatch, sql, words):
    shutil.copytree(ASSETS, tmp_path / "code")
    (tmp_path / "code" / "sql" / "20_bad.sql").write_text(sql)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    plan = tmp_path / "plan"
    variables = plans.environment(DEFAULT_GROUPS, tmp_path, plan)
    ended = plans.start_python(plans.command(plan, tmp_path / "code"), variables)
    # Java first logs its options.
    [line] = [line for line in ended.communicate()[0].splitlines() if not JAVAS.match(line)]
    assert ended.returncode == plans.EXIT_SQL and not plan.exists()
    assert all(word in line for word in words), line
    assert list((tmp_path / "notebooks").iterdir()) == []
