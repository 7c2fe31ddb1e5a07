"""A Flink application on the emulator, and the controller that runs it."""

import io
import json
import os
import shutil
import signal
import time
import zipfile
from pathlib import Path

from helpers.core.paths import REPOSITORY, read_json
from helpers.deployment.flink_log import GROUP
from helpers.local import child_process
from tests.e2e.foreign_controller import Machine

ASSETS = REPOSITORY / "assets" / "flink"
SECONDS = 900  # longer than it takes on any busy machine


def java_free_path(folder: Path) -> str:
    """Return a PATH whose programs are those of ours, but for every `java`.

    Args:
        folder: is filled with links to the programs.
    """
    folder.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in Path(directory).glob("*"):
            # Broken links, too: a program that is being installed has them.
            if "java" not in program.name and not os.path.lexists(folder / program.name):
                (folder / program.name).symlink_to(program)
    assert shutil.which("java", path=str(folder)) is None
    return str(folder)


class Target:
    """Streams, a bucket and an application; a controller with a home of its own."""

    def __init__(self, cloud, home: Path, prefix: str, shards: int = 1) -> None:
        self.cloud, self.home, self.prefix = cloud, home, prefix
        self.kinesis, self.s3 = cloud.client("kinesis"), cloud.client("s3")
        self.analytics = cloud.client("kinesisanalyticsv2")
        self.clicks, self.metrics = f"{prefix}-clicks", f"{prefix}-metrics"
        self.application, self.bucket = f"{prefix}-analytics", f"{prefix}-code"
        self.process = self._iterator = None
        self.s3.create_bucket(Bucket=self.bucket)
        for stream in (self.clicks, self.metrics):
            self.kinesis.create_stream(StreamName=stream, ShardCount=shards)
        self._shards = {}

    def arn(self, stream: str) -> str:
        answer = self.kinesis.describe_stream_summary(StreamName=stream)
        return answer["StreamDescriptionSummary"]["StreamARN"]

    def upload(self, key: str, sql: dict[str, str] | None = None) -> None:
        """Zip assets/flink, with files of sql/ added or replaced, into the bucket."""
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            for module in sorted(ASSETS.rglob("*.py")):
                archive.write(module, module.relative_to(ASSETS))
            files = {file.name: file.read_text() for file in sorted(ASSETS.glob("sql/*.sql"))}
            for name, text in (files | (sql or {})).items():
                archive.writestr(f"sql/{name}", text)
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.getvalue())

    def create(self, key: str, **flink: str) -> None:
        clicks = {
            "connector": "kinesis",
            "stream.arn": self.arn(self.clicks),
            "aws.region": self.cloud.region,
            "source.init.position": "TRIM_HORIZON",
            "format": "json",
            "json.ignore-parse-errors": "true",
        }
        metrics = {
            "connector": "kinesis",
            "stream.arn": self.arn(self.metrics),
            "aws.region": self.cloud.region,
            "format": "debezium-json",
            "sink.flush-buffer.timeout": "200",
        }
        options = {
            "table.exec.mini-batch.enabled": "true",
            "table.exec.mini-batch.allow-latency": "500 ms",
            "table.exec.mini-batch.size": "50000",
        } | flink
        groups = {"clicks": clicks, "metrics": metrics, "flink": options}
        group = GROUP.format(self.application)
        logs = self.cloud.client("logs")
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="flink")
        arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:flink"
        self.analytics.create_application(
            ApplicationName=self.application,
            CloudWatchLoggingOptions=[{"LogStreamARN": arn}],
            RuntimeEnvironment="FLINK-2_2",
            ServiceExecutionRole="arn:aws:iam::000000000000:role/flink",
            ApplicationConfiguration={
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "ZIPFILE",
                    "CodeContent": {
                        "S3ContentLocation": {
                            "BucketARN": f"arn:aws:s3:::{self.bucket}",
                            "FileKey": key,
                        }
                    },
                },
                "EnvironmentProperties": {
                    "PropertyGroups": [
                        {"PropertyGroupId": name, "PropertyMap": map_}
                        for name, map_ in groups.items()
                    ]
                },
            },
        )

    def start(self) -> None:
        self.analytics.start_application(ApplicationName=self.application, RunConfiguration={})

    def update(self, key: str) -> None:
        version = self.describe()["ApplicationVersionId"]
        location = {"BucketARNUpdate": f"arn:aws:s3:::{self.bucket}", "FileKeyUpdate": key}
        self.analytics.update_application(
            ApplicationName=self.application,
            CurrentApplicationVersionId=version,
            ApplicationConfigurationUpdate={
                "ApplicationCodeConfigurationUpdate": {
                    "CodeContentUpdate": {"S3ContentLocationUpdate": location}
                }
            },
        )

    def describe(self) -> dict:
        answer = self.analytics.describe_application(ApplicationName=self.application)
        return answer["ApplicationDetail"]

    def run_controller(self, machine: Machine | None = None, path: str | None = None) -> None:
        """Start the controller, without JAVA_HOME.

        Args:
            machine: the language and zone it has; None for this machine's.
            path: the PATH it has; None for ours.
        """
        inherited = self.cloud.child_environment() | {"WORKSHOP_HOME": str(self.home)}
        inherited.pop("JAVA_HOME", None)
        # A shell may have it. The Python inside of Java would then take over a signal of Java's.
        inherited["PYTHONFAULTHANDLER"] = "1"
        if path:
            inherited["PATH"] = path
        arguments = ["-m", "helpers.local.flink"]
        if machine:
            inherited |= machine.environment
            arguments = ["-m", "tests.e2e.foreign_controller", machine.java]
        log = self.home / "logs" / "flink.log"
        self.process = child_process.start(arguments, log=log, environment=inherited)

    def end_controller(self) -> int:
        return child_process.end(self.process, seconds=20)

    def status(self) -> dict:
        return read_json(self.home / "flink" / self.application / "status.json", {})

    def wait_for(self, condition, what: str):
        """Wait until `condition()` is true; return what it returned."""
        deadline = time.monotonic() + SECONDS
        while not (found := condition()):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, f"{what}: {self.status()}\n{self.log()}"
            time.sleep(0.1)
        return found

    def log(self) -> str:
        # A full disk may cut a character in two.
        logs = [f.read_text("utf-8", "replace") for f in (self.home / "logs").glob("*.log")]
        return "\n".join(log[-3000:] for log in logs)

    def put(self, lines: list[bytes], keys: list[str]) -> None:
        for start in range(0, len(lines), 500):
            pairs = zip(lines[start : start + 500], keys[start : start + 500], strict=True)
            records = [{"Data": line, "PartitionKey": key} for line, key in pairs]
            self.kinesis.put_records(StreamName=self.clicks, Records=records)

    def read_metrics(self) -> list[dict]:
        """Return the new records of the metrics stream: each with its `PartitionKey`."""
        if not self._shards:
            for shard in self.kinesis.list_shards(StreamName=self.metrics)["Shards"]:
                answer = self.kinesis.get_shard_iterator(
                    StreamName=self.metrics,
                    ShardId=shard["ShardId"],
                    ShardIteratorType="TRIM_HORIZON",
                )
                self._shards[shard["ShardId"]] = answer["ShardIterator"]
        found = []
        for shard, iterator in self._shards.items():
            answer = self.kinesis.get_records(ShardIterator=iterator)
            self._shards[shard] = answer["NextShardIterator"]
            for record in answer["Records"]:
                row = json.loads(record["Data"])
                assert row["op"] in ("c", "u"), row
                assert row["after"]["MetricType"] == record["PartitionKey"]
                row["arrived"] = record["ApproximateArrivalTimestamp"].timestamp()
                found.append(row)
        return found

    def kill_job(self) -> None:
        """SIGKILL to the job's whole process group: Python and the JVM at once."""
        os.killpg(self.status()["pid"], signal.SIGKILL)

    def delete(self) -> None:
        for detail in self.analytics.list_applications()["ApplicationSummaries"]:
            if detail["ApplicationName"] == self.application:
                created = self.describe()["CreateTimestamp"]
                self.analytics.delete_application(
                    ApplicationName=self.application, CreateTimestamp=created
                )
                self.cloud.client("logs").delete_log_group(
                    logGroupName=GROUP.format(self.application)
                )
        for stream in (self.clicks, self.metrics):
            self.kinesis.delete_stream(StreamName=stream)


def newest(rows: list[dict]) -> dict[tuple[str, int, str], tuple[int, int, int]]:
    """Return what a reader keeps of the metrics stream: value, Samples, NewestBeacon by row.

    Of two rows of one key it keeps the one with more Samples. Those of visits have none: it keeps
    the one that was emitted later, and here only its value, if that is not 0.
    """
    kept, visits = {}, {}
    for row in (row["after"] for row in rows):
        key = row["MetricType"], row["EventTimestamp"], row["MetricItem"]
        if row["Samples"] is None:
            if row["EmittedAt"] >= visits.get(key, (0,))[0]:
                visits[key] = row["EmittedAt"], row["UnitValueInt"]
        elif key not in kept or row["Samples"] >= kept[key][1]:
            value = row["UnitValueInt"] if row["UnitValueFloat"] is None else row["UnitValueFloat"]
            kept[key] = value, row["Samples"], row["NewestBeacon"]
    return kept | {key: (value, None, None) for key, (_, value) in visits.items() if value}
