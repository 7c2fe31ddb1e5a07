"""What the runner reads: checkpoints, property groups, the application itself."""

import time

from helpers.flink.properties import cluster_options, local_groups
from helpers.local.flink import checkpoints
from helpers.local.flink.application import Application, applications


def checkpoint(folders, job, number, *paths):
    folder = folders.checkpoints / job / f"chk-{number}"
    folder.mkdir(parents=True)
    text = b"".join(b"\x00\x1ffile:/x/in/" + path.encode() + b"\x07" for path in paths)
    (folder / "_metadata").write_bytes(text)
    time.sleep(0.01)
    return folder


def test_a_file_goes_when_every_kept_checkpoint_has_read_it(folders):
    read, half, unseen, new = (f"0-{n}-{n}.json" for n in (10, 110, 1110, 2))
    names = {read, half, unseen, new}
    assert checkpoints.covered(names, folders.checkpoints) == set()
    # The list of files found, then those still to be read.
    checkpoint(folders, "job", 1, read, half, half)
    assert checkpoints.covered(names, folders.checkpoints) == {read}
    checkpoint(folders, "job", 2, read, half, new, new)
    assert checkpoints.covered(names, folders.checkpoints) == {read}, "chk-1 still needs half"
    (folders.checkpoints / "job" / "chk-1" / "_metadata").unlink()
    assert checkpoints.covered(names, folders.checkpoints) == {read, half}


def test_the_newest_complete_checkpoint_is_restored(folders):
    assert checkpoints.restore_point(folders.checkpoints) is None
    old = checkpoint(folders, "a", 1)
    new = checkpoint(folders, "a", 2)
    (folders.checkpoints / "a" / "chk-3").mkdir()  # not complete
    assert checkpoints.complete(folders.checkpoints) == [old, new]
    assert checkpoints.restore_point(folders.checkpoints) == new


def test_a_job_that_is_killed_again_in_the_same_file_restores_the_same_checkpoint(folders):
    half, whole, later = "0-1-10.json", "0-11-20.json", "0-21-30.json"
    first = checkpoint(folders, "first", 7, half, half, whole)
    # Flink would read some records of the half read file again.
    unusable = checkpoint(folders, "second", 1, half, half, whole, later, later)
    assert not checkpoints.forget_former_jobs(folders.checkpoints, unusable.parent, first)
    assert checkpoints.restore_point(folders.checkpoints) == first
    assert checkpoints.complete(folders.checkpoints) == [first]

    usable = checkpoint(folders, "third", 1, half, whole, later, later)
    assert checkpoints.covered({half, whole, later}, folders.checkpoints) == {whole}
    assert checkpoints.forget_former_jobs(folders.checkpoints, usable.parent, first)
    assert checkpoints.restore_point(folders.checkpoints) == usable
    assert checkpoints.covered({half, whole, later}, folders.checkpoints) == {half, whole}


def test_a_job_that_began_without_a_checkpoint_forgets_the_remains_of_others(folders):
    (folders.checkpoints / "killed at its start" / "chk-1").mkdir(parents=True)
    own = checkpoint(folders, "own", 1, "0-1-2.json", "0-1-2.json")
    assert checkpoints.forget_former_jobs(folders.checkpoints, own.parent, None)
    assert list(folders.checkpoints.iterdir()) == [own.parent]


GROUPS = {
    "clicks": {
        "connector": "kinesis",
        "stream.arn": "arn:aws:kinesis:us-east-1:000000000000:stream/rwa-clicks",
        "aws.region": "us-east-1",
        "source.init.position": "TRIM_HORIZON",
        "format": "json",
        "json.ignore-parse-errors": "true",
    },
    "metrics": {
        "connector": "kinesis",
        "format": "debezium-json",
        "sink.flush-buffer.timeout": "200",
    },
    "flink": {"table.exec.mini-batch.size": "5", "parallelism.default": "4"},
    "other": {"a": "b"},
}


def test_streams_become_folders_and_all_else_stays():
    groups = {group["PropertyGroupId"]: group["PropertyMap"] for group in local_groups(GROUPS)}
    assert groups["clicks"] == {
        "connector": "filesystem",
        "path": "in",
        "source.monitor-interval": "100 ms",
        "format": "json",
        "json.ignore-parse-errors": "true",
    }
    assert groups["metrics"]["format"] == "debezium-json"
    assert not any("kinesis" in str(groups[name]) or "arn" in groups[name] for name in groups)
    assert groups["other"] == {"a": "b"}
    assert groups["flink"]["table.exec.mini-batch.size"] == "5"
    assert groups["flink"]["parallelism.default"] == "1"


def test_a_plan_names_no_folder_and_a_run_names_its_own(folders):
    assert str(folders.root) not in str(local_groups(GROUPS))
    options = cluster_options(folders)
    assert options["execution.checkpointing.dir"] == f"file://{folders.checkpoints}"
    assert options["security.ssl.internal.keystore"] == str(folders.keystore)


def test_an_application_is_read_as_the_emulator_describes_it(emulator):
    client = emulator.client("kinesisanalyticsv2")
    code = {"BucketARN": "arn:aws:s3:::rwa-code", "FileKey": "code/a.zip"}
    groups = [{"PropertyGroupId": "flink", "PropertyMap": {"a": "1"}}]
    client.create_application(
        ApplicationName="described",
        RuntimeEnvironment="FLINK-2_2",
        ServiceExecutionRole="arn:aws:iam::000000000000:role/flink",
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {
                "CodeContentType": "ZIPFILE",
                "CodeContent": {"S3ContentLocation": code},
            },
            "EnvironmentProperties": {"PropertyGroups": groups},
        },
    )
    found = applications(client)["described"]
    created = client.describe_application(ApplicationName="described")["ApplicationDetail"]
    assert found == Application(
        name="described",
        status="READY",
        version=1,
        created=created["CreateTimestamp"].timestamp(),
        bucket="rwa-code",
        key="code/a.zip",
        groups={"flink": {"a": "1"}},
    )
    client.delete_application(
        ApplicationName="described", CreateTimestamp=created["CreateTimestamp"]
    )
    assert "described" not in applications(client)
