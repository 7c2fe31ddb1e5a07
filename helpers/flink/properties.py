"""An application's property groups on this machine: folders in the place of streams.

What a plan holds is the same for each run, and for each folder: its own folders are relative to the
one in which the job runs. All else is an option of a run (`cluster_options`).
"""

import shutil
import sys
from pathlib import Path

from .groups import Groups
from .keystore import ensure_keystore, tls_options

MONITOR_INTERVAL = "100 ms"

# Options of a job's plan that override the application's own properties.
JOB_OPTIONS = {
    "parallelism.default": "1",
    # run.py triggers checkpoints (see checkpointing.py); Flink does only after this interval.
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.num-retained": "3",
    # As on AWS: state on disk, of which a checkpoint copies only what is new. Measured with
    # 600,000 beacon_ids in memory: 497 MB resident and 9% of a core, a checkpoint 0.2 MB; on
    # the heap 700 MB, 48% and 49 MB, twice a second.
    "state.backend.type": "rocksdb",
    "execution.checkpointing.incremental": "true",
    # Two checkpoints a second make many small files, and each new beacon_id would be searched in
    # all of them. A filter excludes files that can't contain it. It is read in parts: as one block
    # it exceeds its share of the cache, and is read again for each record. Measured on 5 million
    # records: 37,000/s; without parts, from the 820,000th record on, 4,000/s (with 320 MB of
    # managed memory from the 2,600,000th on).
    "state.backend.rocksdb.use-bloom-filter": "true",
    "state.backend.rocksdb.memory.partitioned-index-filters": "true",
    # Each checkpoint makes a small file, and with RocksDB's default (LEVEL) every four of them are
    # merged with all files of the first level, up to 256 MB. UNIVERSAL merges files of like size.
    # Measured on 4.5 million records: 66 microseconds of CPU a record, with LEVEL 81 (its merges
    # took two thirds of a core).
    "state.backend.rocksdb.compaction.style": "UNIVERSAL",
    # The job ends by a signal; what it leaves is what it goes on from.
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    # _metadata contains small state, where checkpoints.covered searches for file names.
    "execution.checkpointing.data-inline-threshold": "100 kb",
    # For so long records may wait in a buffer that is not full. The checkpoints flush them all, so
    # it need not be short: a thread for each of 16 outputs wakes up whenever it has passed.
    "execution.buffer-timeout.interval": "100 ms",
    # Flink restarts a failed job by itself; when that does not help, we restart it all.
    "restart-strategy.type": "failure-rate",
    "restart-strategy.failure-rate.max-failures-per-interval": "3",
    "restart-strategy.failure-rate.failure-rate-interval": "1 min",
    "restart-strategy.failure-rate.delay": "1 s",
    "taskmanager.memory.network.min": "32 mb",
    "taskmanager.memory.network.max": "32 mb",
    "taskmanager.memory.managed.size": "96 mb",
    # The Python stage runs inside the JVM. As a process of its own it would take 60 MB
    # more, and the JVM would listen for it on every network interface.
    "python.execution-mode": "thread",
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
}
# A job whose input ends makes no checkpoints: it is started again from the beginning.
_WITHOUT_CHECKPOINTS = {
    name: value
    for name, value in JOB_OPTIONS.items()
    if not name.startswith("execution.checkpointing.")
}
# Nothing of the job listens anywhere but on this machine.
_LOOPBACK = {
    "jobmanager.rpc.address": "127.0.0.1",
    "jobmanager.bind-host": "127.0.0.1",
    "taskmanager.host": "127.0.0.1",
    "taskmanager.bind-host": "127.0.0.1",
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "rest.port": "0",
    "rest.bind-port": "0",
    "web.submit.enable": "false",
    "web.cancel.enable": "false",
}


class Folders:
    """Where an application's job keeps its files.

    Args:
        root: the folder of all of them.

    Attributes:
        clicks: files of click records for the job to read.
        metrics: files of metric rows that the job has written.
        checkpoints: the job's checkpoints.
        temporary: what the job needs only while it runs.
        keystore: the key that opens the job's own ports.
        positions: how far the clicks stream has been read.
        counted: until when all that arrived has been counted, and its values sent.
        finals: the newest bucket whose final values were sent.
        held: since when rows are held back while a restored job catches up.
        memory: which version of the application ran last, and what its replay leaves out.
    """

    # As a plan names them: relative to the root.
    CLICKS, METRICS = "in", "out"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clicks, self.metrics = root / self.CLICKS, root / self.METRICS
        self.checkpoints, self.temporary = root / "checkpoints", root / "tmp"
        self.keystore = root / "keystore.p12"
        self.positions, self.counted = root / "positions.json", root / "counted.json"
        self.finals, self.held = root / "finals.json", root / "held.json"
        self.memory = root / "application.json"

    def create(self) -> None:
        """Create those that the job needs, and empty the temporary one; make the keystore."""
        for folder in (self.clicks, self.metrics, self.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(mode=0o700)
        ensure_keystore(self.keystore, self.temporary)


def local_groups(groups: Groups, ends: bool = False) -> list[dict]:
    """Return the property groups with which an application is planned here, as main.py reads them.

    Args:
        groups: the application's own. `clicks` and `metrics` keep their format and its options;
            their other properties are for Kinesis only.
        ends: the job reads the files that are in its folder, and ends.

    Example:
        >>> [group["PropertyGroupId"] for group in local_groups({})]
        ['clicks', 'metrics', 'flink']
    """
    local = {name: group for name, group in groups.items() if not name.startswith("kinesis.")}
    local["clicks"] = _format(groups.get("clicks", {})) | {
        "connector": "filesystem",
        "path": Folders.CLICKS,
    }
    if not ends:
        local["clicks"]["source.monitor-interval"] = MONITOR_INTERVAL
    local["metrics"] = _format(groups.get("metrics", {})) | {
        "connector": "filesystem",
        "path": Folders.METRICS,
        # plan.py closes the files at each checkpoint; without that, this would.
        "sink.rolling-policy.rollover-interval": "1 s",
        "sink.rolling-policy.check-interval": "1 s",
    }
    local["flink"] = groups.get("flink", {}) | (_WITHOUT_CHECKPOINTS if ends else JOB_OPTIONS)
    return [{"PropertyGroupId": name, "PropertyMap": map_} for name, map_ in local.items()]


def _format(group: dict[str, str]) -> dict[str, str]:
    name = group.get("format", "json")
    options = {key: value for key, value in group.items() if key.startswith(f"{name}.")}
    return {"format": name} | options


def cluster_options(folders: Folders) -> dict[str, str]:
    """Return Flink's options for one run of a planned job.

    Args:
        folders: where it reads and writes.

    Example:
        >>> cluster_options(Folders(Path("/x")))["execution.checkpointing.dir"]
        'file:///x/checkpoints'
    """
    options = {
        # Flink takes the path as it is: of `%20` it would make a folder of that name.
        "execution.checkpointing.dir": f"file://{folders.checkpoints}",
        "io.tmp.dirs": str(folders.temporary),
    }
    return options | _LOOPBACK | tls_options(folders.keystore)
