"""The position from which the application reads on AWS: no start, stop or update loses records."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

import helpers.deployment.deploy
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.deployment import flink_application as analytics
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.flink.groups import property_groups
from helpers.local.flink.pump_in import start_position
from tests.small_code import small_code


@pytest.fixture
def cloud(emulator, tmp_path, monkeypatch) -> Cloud:
    code = tmp_path / "code"
    code.mkdir()
    monkeypatch.setattr(helpers.deployment.deploy, "CODE", small_code(code))
    # Planning the job takes half a minute; tests/e2e/test_flink_job.py tests it.
    monkeypatch.setattr(analytics, "check_code", lambda code, groups: None)
    cloud = Cloud(emulator.session, emulator.account, "begin", emulator.endpoint)
    deploy(cloud, "1-capture")
    deploy(cloud, "2-analyze")
    yield cloud
    destroy(cloud)


def restore_type(cloud) -> str:
    configuration = analytics.application_detail(cloud)["ApplicationConfigurationDescription"]
    run = configuration["RunConfigurationDescription"]
    return run["ApplicationRestoreConfigurationDescription"]["ApplicationRestoreType"]


def clicks(cloud) -> dict[str, str]:
    return property_groups(analytics.application_detail(cloud))["clicks"]


def with_sql(folder, number: int):
    """Return the folder with one SQL file, whose text depends on the number."""
    folder.mkdir(exist_ok=True)
    (folder / "30_mine.sql").write_text(f"CREATE VIEW mine AS SELECT {number} AS n")
    return folder


def test_a_new_application_reads_the_whole_stream_and_a_stopped_one_continues(cloud):
    analytics.start_analytics(cloud)
    assert restore_type(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"
    assert clicks(cloud)["source.init.position"] == "TRIM_HORIZON"
    analytics.stop_analytics(cloud)
    analytics.start_analytics(cloud)
    assert restore_type(cloud) == "RESTORE_FROM_LATEST_SNAPSHOT"


def test_an_updated_running_application_reads_from_the_edge_of_a_bucket(cloud, tmp_path):
    analytics.start_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 1))
    assert restore_type(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"
    group = clicks(cloud)
    since = datetime.fromisoformat(group["source.init.timestamp"])
    assert since.timestamp() % 60 == 0 and since.utcoffset() == timedelta(0)
    back = datetime.now(UTC) - since
    assert timedelta(hours=2, minutes=20) <= back < timedelta(hours=2, minutes=23)
    # The local target's pump reads the same properties.
    assert start_position(group, now=0) == {
        "ShardIteratorType": "AT_TIMESTAMP",
        "Timestamp": since.timestamp(),
    }
    # Its new state is of this SQL: the next start continues from it.
    analytics.stop_analytics(cloud)
    analytics.start_analytics(cloud)
    assert restore_type(cloud) == "RESTORE_FROM_LATEST_SNAPSHOT"


def test_an_updated_stopped_application_reads_the_whole_stream(cloud, tmp_path):
    analytics.start_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 1))
    analytics.stop_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 2))
    assert clicks(cloud)["source.init.position"] == "TRIM_HORIZON"
    assert "source.init.timestamp" not in clicks(cloud)
    analytics.start_analytics(cloud)
    assert restore_type(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"


def test_an_application_that_stays_in_a_transient_status_is_explained_from_its_log(
    cloud, monkeypatch
):
    cloud.client("logs").put_log_events(
        logGroupName="/aws/kinesis-analytics/begin-analytics",
        logStreamName="flink",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(
            {"messageType": "ERROR", "message": "no slot in 300 s."})}],
    )  # fmt: skip
    monkeypatch.setattr(analytics, "_PASSING", {"READY"})
    monkeypatch.setattr(analytics, "wait_until", lambda look, *_: look())
    with pytest.raises(WorkshopError, match="still READY after 10 minutes: no slot in 300 s.\n"):
        analytics.start_analytics(cloud)


def test_a_start_warns_if_the_numbers_of_readers_and_shards_differ(cloud, capsys):
    analytics.start_analytics(cloud)
    assert "readers for" not in capsys.readouterr().out
    analytics.stop_analytics(cloud)
    cloud.client("kinesis").update_shard_count(
        StreamName=cloud.name("clicks"), TargetShardCount=2, ScalingType="UNIFORM_SCALING"
    )
    analytics.start_analytics(cloud)
    printed = capsys.readouterr().out
    assert "1 readers for 2 shards" in printed
    assert 'deploy(cloud, "2-analyze", Parallelism=2)' in printed
