"""Holds back the rows of a restored job until its own checkpoints may be restored (checkpoints.py).

If it is killed before that, the next job starts from the same checkpoint and computes the same
buckets again. A final value may then be another one, as it depends on what has arrived: so none of
the rows of the killed job may have been sent, and they are deleted.
"""

from pathlib import Path

from helpers.core.paths import read_json, write_json
from helpers.flink.properties import Folders

from .pump_out import finished_files


def begin(folders: Folders, restored: Path | None) -> set[Path] | None:
    """Note which finished files are of former jobs; delete those of one whose start is repeated.

    Args:
        folders: of the application.
        restored: the checkpoint from which the next job starts.

    Returns:
        The files that may be sent; None: all.
    """
    noted = read_json(folders.held, {})
    finished = finished_files(folders.metrics)
    if restored and noted.get("job") == restored.parent.name:
        former = {folders.metrics / name for name in noted["files"]}
        for file in set(finished) - former:
            file.unlink()
        finished = [file for file in finished if file in former]
    names = [str(file.relative_to(folders.metrics)) for file in finished]
    write_json(folders.held, {"job": restored and restored.parent.name, "files": names})
    return set(finished) if restored else None
