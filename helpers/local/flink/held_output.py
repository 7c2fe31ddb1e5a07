"""Holds back the rows of a restored job until its own checkpoints may be restored (checkpoints.py).

If it is killed before that, the next job starts from the same checkpoint and computes the same
buckets again. A final value may then be another one, as it depends on what has arrived: so none of
the rows of the killed job may have been sent, and they are deleted.
"""

import time
from pathlib import Path

from helpers.core.paths import read_json, write_json
from helpers.flink.properties import Folders

from .pump_out import finished_files


def begin(folders: Folders, restored: Path | None) -> int | None:
    """Delete the rows of a job whose start is repeated; note when the next one starts.

    Files are distinguished by the time of their last row: it stays when a restored job publishes
    what the former one had finished.

    Args:
        folders: of the application, whose former job has ended.
        restored: the checkpoint from which the next job starts.

    Returns:
        The moment (nanoseconds since 1970) whose earlier rows may be sent; None: all.
    """
    noted = read_json(folders.held, {})
    job, now = restored and restored.parent.name, time.time_ns()
    if restored and noted.get("job") == job:
        for file in finished_files(folders.metrics):
            if file.stat().st_mtime_ns >= noted["since"]:
                file.unlink()
        now = noted["since"]
    write_json(folders.held, {"job": job, "since": now})
    return now if restored else None
