"""(d) How many lines a second does the agent ship, and what do others make of the same file?

The agent is the real program with the real boto3: it tails, parses, encodes, puts and remembers.
The stream that it puts to is a program here that answers PutRecords and keeps nothing.
`apachelogs` (PyPI) and GoAccess (Debian) only read the file.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.made_up import sizes, write_log
from bench.needs import NeedsError, program
from bench.sink import Sink
from helpers.core.paths import REPOSITORY

AGENT = REPOSITORY / "assets" / "agent" / "agent.py"
GOACCESS_FORMAT = '%h %^ %^ [%d:%t %^] "%r" %s %b "%R" "%u" %^'


def measure(lines: int = 200_000) -> dict:
    """Return lines per second of a core: `agent_lines_per_second_per_core`, and the others'.

    Keys of the others: `apachelogs_lines_per_second`, `goaccess_lines_per_second`; where one can't
    be had, `needs` says what it takes. `agent_lines_per_second` is by the clock. `record_bytes` and
    `request_bytes` are of a beacon.

    Args:
        lines: of the log.
    """
    with tempfile.TemporaryDirectory(prefix="bench-agents-") as folder:
        log = Path(folder) / "access.log"
        write_log(log, lines)
        found: dict = {**_agent(log, lines), **sizes(), "needs": {}}
        for name, run in (("apachelogs", _apachelogs), ("goaccess", _goaccess)):
            try:
                found[f"{name}_lines_per_second"] = round(lines / run(log, lines))
            except NeedsError as error:
                found["needs"][f"{name}_lines_per_second"] = str(error)
    return found


def _agent(log: Path, lines: int) -> dict:
    with Sink() as sink:
        environment = os.environ | {
            "AWS_ENDPOINT_URL": sink.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        command = [sys.executable, str(AGENT), "--log", str(log), "--stream", "s", "--server", "b"]
        child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            process, deadline = psutil.Process(child.pid), time.monotonic() + 120
            while not sink.records:
                _check(child, deadline)
            first, began, cpu = sink.records, time.monotonic(), sum(process.cpu_times()[:2])
            while sink.records < lines:
                _check(child, deadline)
            took, cpu = time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu
        finally:
            child.terminate()
            child.wait(20)
    shipped = lines - first
    return {
        "agent_lines_per_second": round(shipped / took),
        "agent_lines_per_second_per_core": round(shipped / cpu),
    }


def _check(child: subprocess.Popen, deadline: float) -> None:
    if child.poll() is not None or time.monotonic() > deadline:
        raise RuntimeError("the agent did not ship the whole log")
    time.sleep(0.01)


def log_format() -> str:
    """Return the LogFormat of assets/fleet/httpd.conf, as Apache has it."""
    text = (REPOSITORY / "assets" / "fleet" / "httpd.conf").read_text(encoding="utf-8")
    return re.search(r'^LogFormat "(.*)" beacon$', text, re.MULTILINE)[1].replace(r"\"", '"')


def _apachelogs(log: Path, lines: int) -> float:
    script = str(REPOSITORY / "bench" / "apachelogs_loop.py")
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--isolated", "--no-project"]
    uv += ["--python", sys.executable, "--with", "apachelogs"]
    # The download alone first: without a network that is what fails.
    got = subprocess.run([*uv, "python", "-c", "import apachelogs"], capture_output=True)
    if got.returncode:
        raise NeedsError("`apachelogs` (PyPI), which could not be downloaded")
    said = subprocess.run([*uv, "python", script, str(log), log_format()],
                          capture_output=True, timeout=120,
                          encoding="utf-8", errors="replace")  # fmt: skip
    if said.returncode:
        raise RuntimeError(said.stderr.strip().splitlines()[-1])
    counted, seconds = said.stdout.split()
    if int(counted) != lines:
        raise RuntimeError(f"it read {counted} of {lines} lines")
    return float(seconds)


def _goaccess(log: Path, lines: int) -> float:
    goaccess = program("goaccess", "goaccess")
    report = log.with_name("goaccess.json")
    command = [goaccess, str(log), "--no-global-config", "--no-progress", "-o", str(report)]
    command += [f"--log-format={GOACCESS_FORMAT}", "--date-format=%d/%b/%Y", "--time-format=%T"]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"goaccess ended with {status}: {child.stderr.read()[-200:]!r}")
    valid = re.search(r'"valid_requests": *(\d+)', report.read_text(encoding="utf-8"))
    if not valid or int(valid[1]) != lines:
        raise RuntimeError(f"it took {valid and valid[1]} of {lines} lines as requests")
    return usage.ru_utime + usage.ru_stime
