"""(d) How many lines per second does the agent ship, and how many do other programs read?

Agent and boto3 are the real ones; the stream is a program (sink.py) that answers PutRecords and
stores nothing. `apachelogs` (PyPI) and GoAccess (Debian) only read the file.
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
from bench.needs import NeedsError, output, program
from bench.sink import Sink
from helpers.core.paths import REPOSITORY

AGENT = REPOSITORY / "assets" / "agent" / "agent.py"
GOACCESS_FORMAT = '%h %^ %^ [%d:%t %^] "%r" %s %b "%R" "%u" %^'


def measure(lines: int = 200_000) -> dict:
    """Return lines per second of a core: `agent_lines_per_second_per_core`,
    `apachelogs_lines_per_second` and `goaccess_lines_per_second`.

    `needs` has the missing programs, `agent_lines_per_second` is by the clock, `record_bytes` and
    `request_bytes` are the sizes of a beacon.

    Args:
        lines: number of lines in the log.
    """
    with tempfile.TemporaryDirectory(prefix="bench-agents-") as folder:
        log = Path(folder) / "access.log"
        write_log(log, lines)
        figures: dict = {**_agent(log, lines), **sizes(), "needs": {}}
        for name, run in (("apachelogs", _apachelogs), ("goaccess", _goaccess)):
            try:
                figures[f"{name}_lines_per_second"] = round(lines / run(log, lines))
            except NeedsError as error:
                figures["needs"][f"{name}_lines_per_second"] = str(error)
    return figures


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
    """Return the LogFormat of assets/fleet/httpd.conf, without its escapes."""
    text = (REPOSITORY / "assets" / "fleet" / "httpd.conf").read_text(encoding="utf-8")
    (form,) = re.findall(r'^LogFormat "(.*)" beacon$', text, re.MULTILINE)
    return form.replace(r"\"", '"')


def _apachelogs(log: Path, lines: int) -> float:
    script = str(REPOSITORY / "bench" / "apachelogs_loop.py")
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--isolated", "--no-project"]
    uv += ["--python", sys.executable, "--with", "apachelogs"]
    try:
        output([*uv, "python", "-c", "import apachelogs"])
    except RuntimeError:  # no network
        raise NeedsError("`apachelogs` (PyPI), which could not be downloaded") from None
    command = [*uv, "python", script, str(log), log_format()]
    counted, seconds = output(command, timeout=120).split()
    if int(counted) != lines:
        raise RuntimeError(f"apachelogs read {counted} of {lines} lines")
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
        raise RuntimeError(f"goaccess read {valid and valid[1]} of {lines} lines as requests")
    return usage.ru_utime + usage.ru_stime
