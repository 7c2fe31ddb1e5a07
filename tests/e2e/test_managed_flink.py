"""The zip that deploy() uploads, on a cluster with Managed Flink's rules for a job's code.

What can't be had here is replaced: the Kinesis connector by Flink's connector for files (through
the property groups `clicks` and `metrics`), and its jar by an empty one of the same name.
"""

import io
import json
import re
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from helpers.connection import flink_dependencies
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.target_files import JobState
from helpers.deployment.deploy import deploy
from helpers.deployment.flink_application import application_detail, start_analytics
from helpers.deployment.flink_log import GROUP
from helpers.flink.groups import property_groups
from helpers.local.emulator.analytics import CONTROLLER
from tests.catcher import until
from tests.e2e.flink_cluster import OWN, Cluster, allowed_properties
from tests.e2e.flink_reference import expected, records, stamp
from tests.e2e.flink_target import newest
from tests.running_emulator import running_emulator

SECONDS = 900
RUN_OPTIONS = "kinesis.analytics.flink.run.options"
FILES = {
    "clicks": {"connector": "filesystem", "source.monitor-interval": "100 ms"},
    "metrics": {
        "connector": "filesystem",
        "sink.rolling-policy.rollover-interval": "1 s",
        "sink.rolling-policy.check-interval": "1 s",
    },
}
STREAMS = re.compile(r"connector|stream\.|aws\.|source\.|sink\.")
BROKEN = 'raise OSError("/lib64/libc.so.6: version `GLIBC_2.28\' not found")\n'
SQL_ONLY = """
from pyflink.table import EnvironmentSettings, TableEnvironment
tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
tables.execute_sql("CREATE TABLE hole (n INT) WITH ('connector' = 'blackhole')")
tables.execute_sql("INSERT INTO hole VALUES (1)")
"""


class Deployed:
    """Module 2 on an emulator, without the controller that would run its job.

    Args:
        cloud: the emulator.
        home: its `.workshop`.
    """

    def __init__(self, cloud: Cloud, home: Path) -> None:
        self.cloud, self._home = cloud, home
        deploy(cloud, "1-capture")
        deploy(cloud, "2-analyze")
        self.detail = application_detail(cloud)
        self.groups = property_groups(self.detail)

    def unpack(self, folder: Path) -> Path:
        """Unpack the application's zip; return the folder."""
        configuration = self.detail["ApplicationConfigurationDescription"]
        code = configuration["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
        key = code["S3ApplicationCodeLocationDescription"]["FileKey"]
        body = self.cloud.client("s3").get_object(Bucket=self.cloud.bucket("code"), Key=key)["Body"]
        zipfile.ZipFile(io.BytesIO(body.read())).extractall(folder)
        return folder

    def level(self) -> str:
        flink = self.detail["ApplicationConfigurationDescription"]
        flink = flink["FlinkApplicationConfigurationDescription"]
        return flink["MonitoringConfigurationDescription"]["LogLevel"]

    def properties(self, folder: Path, clicks: Path) -> Path:
        """Write the property groups with folders in the place of streams; return the file."""
        groups = {name: dict(group) for name, group in self.groups.items()}
        for name, path in (("clicks", clicks), ("metrics", folder / "out")):
            kept = {key: v for key, v in groups[name].items() if not STREAMS.match(key)}
            groups[name] = kept | FILES[name] | {"path": str(path)}
        file = folder / "application_properties.json"
        listed = [{"PropertyGroupId": name, "PropertyMap": map_} for name, map_ in groups.items()]
        file.write_text(json.dumps(listed), encoding="utf-8")
        return file

    def start(self, state: JobState, lines: list[dict]) -> None:
        """Call start_analytics; the job gets into a state and its log has these lines."""
        name, version = self.cloud.name("analytics"), self.detail["ApplicationVersionId"]
        status = self._home / "flink" / name / "status.json"
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(json.dumps({"state": state, "version": version}))
        now = int(time.time() * 1000)
        events = [
            {"timestamp": now + n, "message": json.dumps(line)} for n, line in enumerate(lines)
        ]
        self.cloud.client("logs").put_log_events(
            logGroupName=GROUP.format(name), logStreamName="flink", logEvents=events
        )
        start_analytics(self.cloud)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Deployed:
    extra = tmp_path_factory.mktemp("extra")
    (extra / "lib").mkdir()
    try:
        flink_dependencies.fetch_packages(extra / "dep")
    except WorkshopError as error:
        pytest.skip(f"no network: {error.cause}")
    _, artifact, version = flink_dependencies.CONNECTOR.split(":")
    with zipfile.ZipFile(extra / "lib" / f"{artifact}-{version}.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    home = tmp_path_factory.mktemp("emulator")
    with running_emulator(home, **{CONTROLLER: "1"}) as plain:
        extras = {"analytics": lambda: extra}
        yield Deployed(Cloud(plain.session, plain.account, "rwa", plain.endpoint, extras), home)


@pytest.fixture(scope="module")
def cluster(deployed, tmp_path_factory) -> Cluster:
    cluster = Cluster(tmp_path_factory.mktemp("flink"), deployed.level(), slots=2)
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def clicks(tmp_path_factory) -> tuple[Path, list[dict]]:
    """A folder with a file of click records, and the records."""
    made = records(1_500, int(time.time() * 1000))
    stamp(made, time.time(), {})
    folder = tmp_path_factory.mktemp("clicks")
    lines = "".join(json.dumps(record) + "\n" for record in made)
    (folder / "clicks.json").write_text(lines, encoding="utf-8")
    return folder, made


def rows(folder: Path) -> dict:
    """Return the newest row of each metric, bucket and item that a job has written."""
    found = []
    for file in folder.glob("out/MetricType=*/[!.]*"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["op"] == "d":
                continue  # only retracts an older row, as in process_metrics
            row["after"]["MetricType"] = file.parent.name.partition("=")[2]
            found.append(row)
    return newest(found)


def counted(folder: Path) -> dict:
    return {key: row for key, row in rows(folder).items() if key[0] != "event_anomaly"}


def output(lines: list[dict]) -> list[str]:
    """Return what main.py has printed, as far as it is in the log."""
    said = [line["message"] for line in lines if line["logger"].endswith(".PythonDriver")]
    return [line.strip() for line in said if line.strip() and not line.startswith(("---", "Run "))]


def run(cluster: Cluster, deployed: Deployed, code: Path, clicks: Path) -> tuple[int, list[dict]]:
    properties = deployed.properties(code, clicks)
    return cluster.run(code, deployed.groups[RUN_OPTIONS], properties)


def test_code_that_sets_python_files_is_refused_and_the_learner_reads_why(
    cluster, deployed, clicks, tmp_path
):
    code = deployed.unpack(tmp_path / "refused")
    text = (code / "main.py").read_text()
    line = "    job = insert("
    assert text.count(line) == 1
    added = '    environment.add_python_file(str(FOLDER / "dep" / "stage.py"))\n'
    (code / "main.py").write_text(text.replace(line, added + line))
    ended, lines = run(cluster, deployed, code, clicks[0])
    assert ended != 0
    with pytest.raises(WorkshopError, match=r"did not start: .*python\.files") as error:
        deployed.start(JobState.FAILED, lines)
    assert "not allowed" in error.value.cause.lower() and "\n" not in error.value.cause


def test_a_wrong_statement_is_named_to_the_learner_with_flinks_reason(
    cluster, deployed, clicks, tmp_path
):
    code = deployed.unpack(tmp_path / "wrong")
    (code / "sql" / "20_mine.sql").write_text("INSERT INTO metrics\nSELECT colour FROM beacons\n")
    ended, lines = run(cluster, deployed, code, clicks[0])
    assert ended != 0
    with pytest.raises(WorkshopError) as error:
        deployed.start(JobState.FAILED, lines)
    cause = error.value.cause
    assert cause.startswith("rwa-analytics did not start: 20_mine.sql: "), cause
    assert "line 2, column 8" in cause and "'colour' not found" in cause and "\n" not in cause


def test_flinks_planner_itself_sets_what_the_cluster_allows_beside_awss_list(
    cluster, deployed, clicks, tmp_path
):
    code = deployed.unpack(tmp_path / "plain")
    shutil.rmtree(code / "sql")
    (code / "main.py").write_text(SQL_ONLY)
    strict = f"-Dexecution.program-config.wildcards={';'.join(allowed_properties())}"
    properties = deployed.properties(code, clicks[0])
    ended, lines = cluster.run(code, deployed.groups[RUN_OPTIONS], properties, strict)
    refused = set(re.findall(r"Configuration (\S+?):", "\n".join(output(lines))))
    assert ended != 0 and refused == set(OWN)


def test_it_starts_and_counts_and_without_krcf_only_the_scores_are_missing(
    cluster, deployed, clicks, tmp_path, capsys
):
    folder, sent = clicks
    without = deployed.unpack(tmp_path / "without")
    (without / "dep" / "krcf" / "__init__.py").write_text(BROKEN)
    code, lines = run(cluster, deployed, without, folder)
    assert code == 0, lines[-5:]
    [note, started] = output(lines)
    assert note.startswith("Note: event_anomaly is not computed, because krcf can't be imported")
    assert "GLIBC_2.28' not found" in note and started == "The job has started."

    whole = deployed.unpack(tmp_path / "whole")
    code, whole_lines = run(cluster, deployed, whole, folder)
    assert code == 0 and output(whole_lines) == ["The job has started."]
    wanted = {key: row for key, row in expected(sent).items() if key[0] != "avg_pg_ld"}
    assert len(wanted) > 500
    for job in (whole, without):
        until(lambda job=job: counted(job) == wanted, SECONDS)
    # The job without krcf began earlier: it would have scores by now.
    until(lambda: any(key[0] == "event_anomaly" for key in rows(whole)), SECONDS)
    assert rows(without) == counted(without) == wanted

    capsys.readouterr()
    deployed.start(JobState.RUNNING, lines)
    assert "⚠ event_anomaly is not computed, because krcf can't be" in capsys.readouterr().out
    deployed.cloud.client("kinesisanalyticsv2").stop_application(ApplicationName="rwa-analytics")
