"""Where the application begins to read, on AWS: nothing is lost by a start, a stop or other SQL."""

from datetime import UTC, datetime, timedelta

import pytest

import helpers.deployment.deploy
from helpers.core.cloud import Cloud
from helpers.deployment import flink_application as analytics
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.local.flink.pump_in import start_position
from tests.small_code import small_code


@pytest.fixture
def cloud(emulator, tmp_path, monkeypatch) -> Cloud:
    code = tmp_path / "code"
    code.mkdir()
    small = small_code(code)
    monkeypatch.setattr(helpers.deployment.deploy, "CODE", small)
    # Flink's own verdict takes half a minute; it has tests of its own.
    monkeypatch.setattr(analytics, "check_code", lambda code, groups: None)
    cloud = Cloud(emulator.session, emulator.account, "begin", emulator.endpoint)
    deploy(cloud, "1-capture")
    deploy(cloud, "2-analyze")
    yield cloud
    destroy(cloud)


def described(cloud) -> dict:
    answer = cloud.client("kinesisanalyticsv2").describe_application(
        ApplicationName=cloud.name("analytics")
    )
    return answer["ApplicationDetail"]["ApplicationConfigurationDescription"]


def restored(cloud) -> str:
    run = described(cloud)["RunConfigurationDescription"]
    return run["ApplicationRestoreConfigurationDescription"]["ApplicationRestoreType"]


def clicks(cloud) -> dict[str, str]:
    groups = described(cloud)["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in groups}["clicks"]


def with_sql(folder, number: int):
    """A folder with one SQL file, another for each number."""
    folder.mkdir(exist_ok=True)
    (folder / "30_mine.sql").write_text(f"CREATE VIEW mine AS SELECT {number} AS n")
    return folder


def test_a_new_application_reads_all_and_one_that_was_stopped_goes_on(cloud):
    analytics.start_analytics(cloud)
    assert restored(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"
    assert clicks(cloud)["source.init.position"] == "TRIM_HORIZON"
    analytics.stop_analytics(cloud)
    analytics.start_analytics(cloud)
    assert restored(cloud) == "RESTORE_FROM_LATEST_SNAPSHOT"


def test_other_sql_in_a_running_application_begins_on_the_edge_of_a_bucket(cloud, tmp_path):
    analytics.start_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 1))
    assert restored(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"
    group = clicks(cloud)
    since = datetime.fromisoformat(group["source.init.timestamp"])
    assert since.timestamp() % 60 == 0 and since.utcoffset() == timedelta(0)
    back = datetime.now(UTC) - since
    assert timedelta(hours=2, minutes=20) <= back < timedelta(hours=2, minutes=23)
    # The local target's pump understands the same properties.
    assert start_position(group, now=0) == {
        "ShardIteratorType": "AT_TIMESTAMP",
        "Timestamp": since.timestamp(),
    }
    # What it has computed since is of this SQL: the next start goes on from there.
    analytics.stop_analytics(cloud)
    analytics.start_analytics(cloud)
    assert restored(cloud) == "RESTORE_FROM_LATEST_SNAPSHOT"


def test_other_sql_in_a_stopped_application_reads_all_however_long_it_was_stopped(cloud, tmp_path):
    analytics.start_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 1))
    analytics.stop_analytics(cloud)
    analytics.update_analytics(cloud, with_sql(tmp_path / "sql", 2))
    assert clicks(cloud)["source.init.position"] == "TRIM_HORIZON"
    assert "source.init.timestamp" not in clicks(cloud)
    analytics.start_analytics(cloud)
    assert restored(cloud) == "SKIP_RESTORE_FROM_SNAPSHOT"


def test_a_start_tells_if_readers_and_shards_differ(cloud, capsys):
    analytics.start_analytics(cloud)
    assert "reader for each shard" not in capsys.readouterr().out
    analytics.stop_analytics(cloud)
    cloud.client("kinesis").update_shard_count(
        StreamName=cloud.name("clicks"), TargetShardCount=2, ScalingType="UNIFORM_SCALING"
    )
    analytics.start_analytics(cloud)
    assert 'has 1 for 2: deploy(cloud, "2-analyze", Parallelism=2)' in capsys.readouterr().out
