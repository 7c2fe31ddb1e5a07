"""`query_archive` runs SQL over the template's table, in the emulator."""

import re
import runpy
from datetime import UTC, datetime

import pytest

from helpers import check
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.stacks import outputs
from helpers.stores import athena
from helpers.stores.archive import FIELDS
from helpers.stores.athena import query_archive
from tests.unit.stores.written import put_object

HOUR = datetime(2026, 11, 25, 9, tzinfo=UTC)


def record(number: int, **fields: object) -> dict:
    shipped = int(HOUR.timestamp() * 1000) + number
    return dict.fromkeys(FIELDS) | {"beacon_id": f"a:1:{number}", "shipped_at": shipped} | fields


@pytest.fixture(scope="module")
def cloud(emulator) -> Cloud:
    cloud = Cloud(emulator.session, emulator.account, "query", emulator.endpoint)
    deploy(cloud, "1-capture")
    hour = HOUR.timestamp()
    put_object(cloud, *(record(n, event="click", page="/ä'\"") for n in range(1500)), hour=hour)
    copy = record(1, event="pageview", custom_metric_int_value=420)
    rejected = {"beacon_id": "a:1:2", "rejected": "unparsable", "line": "GET"}
    put_object(cloud, copy, copy, rejected, b"no json at all\n", hour=hour + 3600)
    yield cloud
    destroy(cloud)


@pytest.fixture
def table(cloud) -> dict:
    database = outputs(cloud, "1-capture")["ArchiveDatabase"]
    return cloud.client("glue").get_table(DatabaseName=database, Name="clicks")["Table"]


def test_the_table_has_the_fields_of_a_record(table):
    kinds = {"object": "string", "Int64": "bigint", "float64": "double"}
    columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
    assert columns == {name: kinds[kind] for name, kind in FIELDS.items()}


def test_partition_projection_yields_the_folders_to_which_firehose_writes(cloud, table):
    folder = table["Parameters"]["storage.location.template"]
    for key in table["PartitionKeys"]:
        name = key["Name"]
        digits = int(table["Parameters"].get(f"projection.{name}.digits", 1))
        first, last = map(int, table["Parameters"][f"projection.{name}.range"].split(","))
        value = getattr(HOUR, name)
        assert first <= value <= last
        folder = folder.replace(f"${{{name}}}", f"{value:0{digits}}")
    assert folder == f"s3://{cloud.bucket('archive')}/" + HOUR.strftime(
        "beacons/year=%Y/month=%m/day=%d/hour=%H/"
    )


def test_a_query_counts_records_by_hour_copies_included(cloud):
    result = query_archive(
        cloud,
        "SELECT hour, COUNT(*) AS records, COUNT(DISTINCT beacon_id) AS beacons FROM clicks "
        "WHERE year = 2026 AND month = 11 AND day = 25 AND event IS NOT NULL "
        "GROUP BY hour ORDER BY hour",
    )
    assert result.to_dict("list") == {"hour": [9, 10], "records": [1500, 2], "beacons": [1500, 1]}


def test_columns_have_the_types_of_the_table_and_missing_values_are_null(cloud):
    result = query_archive(
        cloud,
        "SELECT rejected, line, shipped_at, custom_metric_float_value, shipped_at > 1 AS late "
        "FROM clicks WHERE hour = 9 ORDER BY shipped_at LIMIT 1",
    )
    assert [str(kind) for kind in result.dtypes] == [
        "object", "object", "Int64", "float64", "boolean"
    ]  # fmt: skip
    assert result["shipped_at"][0] == int(HOUR.timestamp() * 1000)
    assert result[["rejected", "line", "custom_metric_float_value"]].isna().all().all()


def test_a_line_that_is_no_json_does_not_stop_the_query(cloud):
    result = query_archive(cloud, "SELECT rejected FROM clicks WHERE hour = 10 AND line = 'GET'")
    assert result["rejected"].tolist() == ["unparsable"]


def test_a_result_of_several_pages_is_complete_and_in_order(cloud):
    result = query_archive(
        cloud, "SELECT shipped_at, page FROM clicks WHERE hour = 9 ORDER BY shipped_at"
    )
    assert result["shipped_at"].diff().dropna().eq(1).all() and len(result) == 1500
    assert set(result["page"]) == {"/ä'\""}


def test_a_result_without_rows_is_an_empty_frame_with_its_columns(cloud):
    result = query_archive(cloud, "SELECT event, hour FROM clicks WHERE hour = 3")
    assert result.empty and list(result.columns) == ["event", "hour"]


def test_functions_with_other_names_in_duckdb_work(cloud):
    result = query_archive(
        cloud,
        "SELECT from_unixtime(MIN(shipped_at) / 1000) AS first, "
        "approx_distinct(event) AS events, COUNT(*) AS n FROM clicks "
        "WHERE hour = 9 AND regexp_like(page, '^/.')",
    )
    assert result["first"][0].startswith("2026-11-25 09:00:00")
    assert (result["events"][0], result["n"][0]) == (1, 1500)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [("SELECT pagee FROM clicks", "pagee"), ("SELEC 1", "SELEC"), ("SELECT * FROM no", "no")],
)
def test_an_invalid_query_raises_an_error_of_two_lines_with_the_reason(cloud, sql, reason):
    with pytest.raises(WorkshopError, match=reason) as raised:
        query_archive(cloud, sql)
    assert len(str(raised.value).split("\n")) == 2
    assert "ministack" not in str(raised.value)


def test_a_query_that_takes_too_long_is_cancelled(cloud, monkeypatch):
    monkeypatch.setattr(athena, "LONGEST_SECONDS", -1)
    slow = "SELECT SUM(a.hour + b.hour) FROM clicks a CROSS JOIN clicks b CROSS JOIN clicks c"
    with pytest.raises(WorkshopError, match="five minutes and was cancelled"):
        query_archive(cloud, slow + " WHERE a.hour = 9 AND b.hour = 9 AND c.hour = 10")


@pytest.fixture
def today(cloud) -> list[dict]:
    """The archive has beacons of six visitors, and one without a client id, of today."""
    steps = {
        "buys": ["pageview", "click", "pageview", "conversion"],
        "clicks": ["pageview", "click", "click"],
        "clicks before a page view": ["click", "pageview"],
        "buys without a click": ["pageview", "conversion"],
        "buys, then clicks": ["pageview", "conversion", "click"],
        "only logs in": ["login"],
        None: ["pageview"],
    }
    events = [(visitor, event) for visitor, all_of in steps.items() for event in all_of]
    now = int(datetime.now(UTC).timestamp() * 1000)
    sent = {"request": "GET /beacon HTTP/1.1", "response": 200}
    sent |= {"requested_at": now, "shipped_at": now}
    records = [
        record(number, clientid=visitor, event=event, received_at=number, **sent)
        for number, (visitor, event) in enumerate(events)
    ]
    timed = sent | {"custom_metric_name": "page_load_time"}
    records += [
        record(100 + number, page=page, custom_metric_int_value=ms, **timed)
        for number, (page, ms) in enumerate([("/", 100), ("/", 201), ("/search", 900)])
    ]
    key = put_object(cloud, *records, records[-3])
    yield records
    cloud.client("s3").delete_object(Bucket=cloud.bucket("archive"), Key=key)


def solution(cloud, name: str) -> dict:
    """Run a solution as the notebook does; return its names."""
    names = {"cloud": cloud, "check": check}
    return runpy.run_path(str(REPOSITORY / "notebooks" / "solutions" / name), names)


def test_the_solution_on_load_times_counts_a_copy_once(cloud, today, own_home, capsys):
    slowest = solution(cloud, "4-3-ask-the-archive.py")["slowest"]
    assert slowest.to_dict("list") == {
        "page": ["/search", "/"],
        "views": [1, 2],
        "mean_ms": [900.0, 150.5],
        "longest_ms": [900, 201],
    }
    assert "✓ 4-3 Query the archive\n2 pages are in the right order." in capsys.readouterr().out


def test_the_solution_on_the_funnel_respects_the_order_of_each_visitors_steps(
    cloud, today, own_home, capsys
):
    funnel = solution(cloud, "4-4-funnel.py")["funnel"]
    assert funnel["visitors"].tolist() == [5, 3, 1]
    right = "✓ 4-4 A funnel of visitors\nOf 5 visitors, 3 clicked, and 1 of them bought."
    assert right in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "work", "sentence"),
    [
        ("4-3", ["/", "/search"], "The fastest page comes first"),
        ("4-3", ["/search"], "1 pages are missing"),
        ("4-3", ["/search", "/", "/no"], "no load time of a person today, e.g. '/no'"),
        ("4-3", 7, "no list of pages"),
        ("4-3", None, "no work yet"),
        ("4-4", [5, 4, 2], "Step 2: A step must not come before the previous one"),
        ("4-4", [5, 3, 2], "Step 3: A step must not come before the previous one"),
        ("4-4", [5, 3, 9], "Step 3: 9 visitors are too many"),
        ("4-4", [5, 2, 1], "Step 2: 2 visitors are too few"),
        ("4-4", [7, 5, 3], "Step 1: 7 visitors are too many"),
        ("4-4", [6, 3, 1], "Step 1: A beacon without a clientid belongs to no visitor"),
        ("4-4", [5, 5, 3], "Step 2: It counts beacons"),
        ("4-4", [5, 3], "These are 2 numbers"),
        ("4-4", "many", "no list of three numbers"),
        ("4-4", None, "no work yet"),
    ],
)
def test_wrong_answers_about_the_archive_have_sentences(
    cloud, today, own_home, capsys, number, work, sentence
):
    check.exercise(cloud, number, work)
    assert re.search(sentence, capsys.readouterr().out)
