"""(e) How many stored records per second does the Flink job process, alone, with all metrics?

The job and its options are those of the local target, without emulator and pump. All records are in
its folder before it starts, as for a job that catches up after a night.
"""

import json
import re
import shutil
import time
from pathlib import Path

from bench.chain import end_chain
from bench.made_up import click_files
from bench.processes import cpu_seconds, family, resident_bytes
from helpers.core.paths import REPOSITORY, home
from helpers.deployment.flink_sql import check_code
from helpers.flink import plans
from helpers.flink.groups import DEFAULT_GROUPS
from helpers.flink.properties import Folders
from helpers.local.flink.application import Application
from helpers.local.flink.job import Job

RECORDS = 5_000_000
PER_FILE = 10_000  # the pump's maximum
SECOND = 1_800  # records per second of event time: 5 million are three quarters of an hour
# Together these two metrics count each beacon exactly once: a bot's in the second one only.
TOTALS = ("referral_count", "bot_count")


def measure(records: int = RECORDS, longest: float = 400) -> dict:
    """Return `flink_records_per_second` and `flink`.

    The rate is measured from the first counted record to the last, without the job's start
    (`start_s`). `flink` has records, counted, start_s, memory_mb (maximum, resident), checkpoint_mb
    (the last one, with the files that it refers to), cores (CPU seconds per second).

    Args:
        records: number of stored records.
        longest: seconds after which the measurement ends with the records counted until then.

    Raises:
        RuntimeError: the job ended, or counted nothing.
    """
    end_chain()  # alone
    folders = Folders(home() / "flink" / "bench")
    folders.clicks.mkdir(parents=True)
    now = time.time()
    for number, data in enumerate(click_files(records, PER_FILE, SECOND, now)):
        (folders.clicks / f"0-{number * PER_FILE + 1}-{number}.json").write_bytes(data)
    application = Application("bench", "RUNNING", 1, now, "", "", DEFAULT_GROUPS)
    code = REPOSITORY / "assets" / "flink"
    check_code(code)  # creates its plan
    began = time.time()
    job = Job(application, plans.plan_file(code, DEFAULT_GROUPS), code, folders)
    try:
        return _watch(job, folders, records, began, longest)
    finally:
        job.end()
        shutil.rmtree(folders.root, ignore_errors=True)


def _watch(job: Job, folders: Folders, records: int, began: float, longest: float) -> dict:
    counted, first, memory = Totals(folders.metrics), None, 0
    while counted.total < records and time.time() - began < longest:
        if job.exit_code is not None:
            raise RuntimeError(f"the job ended: {job.last_line()}")
        time.sleep(0.5)
        counted.read()
        memory = max(memory, sum(map(resident_bytes, family([job.process.pid]))))
        if first is None and counted.total:
            first = counted.total, counted.at, _cpu(job)
    if first is None or counted.at <= first[1]:
        raise RuntimeError(f"nothing was counted within {longest:.0f} s: {job.last_line()}")
    took = counted.at - first[1]
    time.sleep(2)  # one more checkpoint
    return {
        "flink_records_per_second": round((counted.total - first[0]) / took),
        "flink": {
            "records": records,
            "counted": counted.total,
            "start_s": round(first[1] - began, 1),
            "seconds": round(counted.at - began, 1),
            "memory_mb": round(memory / 1e6),
            "checkpoint_mb": round(_checkpoint_bytes(folders.checkpoints) / 1e6, 1),
            "cores": round((_cpu(job) - first[2]) / took, 2),
        },
    }


def _cpu(job: Job) -> float:
    return cpu_seconds(family([job.process.pid])).total()


class Totals:
    """Adds up the rows that the job has written so far.

    Args:
        folder: the job's output.
    """

    def __init__(self, folder: Path) -> None:
        self._folders = [folder / f"MetricType={metric}" for metric in TOTALS]
        self._read: set[Path] = set()
        self._newest: dict[tuple[str, int, str], int] = {}
        self.total = 0
        self.at = 0.0  # when the newest row left the job, epoch seconds

    def read(self) -> None:
        """Read the files that were finished since the last call."""
        files = {file for folder in self._folders for file in folder.glob("part-*")}
        for file in sorted(files - self._read):
            self._read.add(file)
            changes = map(json.loads, file.read_bytes().splitlines())
            for row in (change["after"] for change in changes if change["op"] != "d"):
                key = file.parent.name, row["EventTimestamp"], row["MetricItem"]
                self._newest[key] = max(row["Samples"], self._newest.get(key, 0))
                self.at = max(self.at, row["EmittedAt"] / 1000)
        self.total = sum(self._newest.values())


def _checkpoint_bytes(folder: Path) -> int:
    """Return the size of the newest checkpoint, with the earlier files that it refers to."""
    metadata = max(folder.glob("*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
    text = metadata.read_bytes()
    shared = set(re.findall(rb"/shared/([0-9a-f-]{36})", text))
    files = [metadata.parent.parent / "shared" / name.decode() for name in shared]
    files += list(metadata.parent.iterdir())
    return sum(file.stat().st_size for file in files if file.exists())
