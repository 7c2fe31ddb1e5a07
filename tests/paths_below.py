"""All files and folders below a folder in which a job creates and deletes others meanwhile."""

import os
from pathlib import Path


def paths_below(folder: Path) -> list[Path]:
    """Return them; a folder that is deleted meanwhile is left out (Path.rglob would raise)."""
    below = os.walk(folder)
    return [Path(at, name) for at, folders, files in below for name in (*folders, *files)]
