"""(i) How fast does a rebuild read the archive, and count it again?

The records are those of a day of ten million, 116 a second, in objects of 5,000 in the emulator's
S3. The parts of `rebuild` run one after the other, but for the sending of rows, whose rate is that
of process_metrics. Three lengths show whether the time grows with the number of records.
"""

import gzip
import os
import threading
import time
from datetime import UTC, datetime

from bench.chain import chain
from bench.made_up import click_files
from bench.processes import family, resident_bytes
from helpers.backfill.archive_file import HOUR, write_archive_file
from helpers.backfill.counted_rows import divide_rows, rows_of_hour
from helpers.backfill.counting import INPUT, count, rebuild_folders
from helpers.core.cloud import Cloud
from helpers.deployment.flink_application import stop_analytics
from helpers.deployment.flink_sql import application_code, check_code
from helpers.flink.groups import DEFAULT_GROUPS
from helpers.stores.dynamodb import catalog

A_DAY = 10_000_000
RATE = A_DAY / 86_400
AN_OBJECT = 5_000
AGO_SECONDS = 6 * HOUR  # before the chain's own records


def measure(records: int = 1_000_000) -> dict:
    """Return `backfill`.

    It has read_per_second and counted_per_second (without the job's start, from the shortest and
    the longest run), start_s, a_day_s (computed for ten million records), memory_mb (of Python and
    Java, the maximum) and `runs`: records, read_s, count_s, divide_s, rows and memory_mb of each.

    Args:
        records: of the longest of three runs.
    """
    cloud = chain(warm=False)
    stop_analytics(cloud)
    metrics = list(catalog(cloud)["MetricType"])
    ends = (time.time() - AGO_SECONDS) // HOUR * HOUR
    for number, data in enumerate(click_files(records, AN_OBJECT, RATE, ends)):
        last = ends - (records - (number + 1) * AN_OBJECT) / RATE
        at = datetime.fromtimestamp(last, UTC)
        name = f"beacons/year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}/{at:%H-%M-%S}.gz"
        body = gzip.compress(data, 6)
        cloud.client("s3").put_object(Bucket=cloud.bucket("archive"), Key=name, Body=body)
    with application_code() as code:
        check_code(code, DEFAULT_GROUPS, ends=True)  # creates the plan, which is kept
    runs = [_run(cloud, metrics, ends, records * part // 4) for part in (1, 2, 4)]
    first, last_ = runs[0], runs[-1]
    more = last_["records"] - first["records"]
    each = (last_["count_s"] - first["count_s"]) / more
    read = sum(run["records"] for run in runs) / sum(run["read_s"] for run in runs)
    start = first["count_s"] - each * first["records"]
    divide = last_["divide_s"] / last_["records"]
    return {
        "backfill": {
            "read_per_second": round(read),
            "counted_per_second": round(1 / each),
            "start_s": round(start, 1),
            "a_day_s": round(start + A_DAY * (1 / read + each + divide)),
            "memory_mb": max(run["memory_mb"] for run in runs),
            "runs": runs,
        }
    }


def _run(cloud: Cloud, metrics: list[str], ends: float, records: int) -> dict:
    begins = ends - records / RATE
    took: dict[str, float] = {}
    with rebuild_folders() as folders, Memory() as memory:
        began = time.monotonic()
        # The two hours before the range are read, too; here they are in the range.
        first = begins + 2 * HOUR
        read = write_archive_file(cloud, first, ends, folders.clicks / INPUT)
        took["read_s"] = time.monotonic() - began
        began = time.monotonic()
        count(DEFAULT_GROUPS, folders, read)
        took["count_s"] = time.monotonic() - began
        began = time.monotonic()
        hours = folders.root / "hours"
        hours.mkdir()
        divide_rows(folders.metrics, hours, begins, ends, metrics)
        starts = range(int(begins) // HOUR * HOUR, int(ends), HOUR)
        rows = sum(len(rows_of_hour(hours, name, hour)) for name in metrics for hour in starts)
        took["divide_s"] = time.monotonic() - began
    seconds = {name: round(value, 1) for name, value in took.items()}
    return {"records": read, **seconds, "rows": rows, "memory_mb": memory.most // 2**20}


class Memory:
    """Measures the most resident bytes of this process and of those that it started."""

    def __init__(self) -> None:
        self.most, self._ends = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory", daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(0.5):
            self.most = max(self.most, sum(map(resident_bytes, family([os.getpid()]))))
