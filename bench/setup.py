"""(h) How long do set-up and start take, and how much disk and memory do they use?"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench.chain import chain
from bench.needs import NeedsError, output, program
from bench.processes import cpu_seconds, family, memory_mb, of_home
from helpers.core.paths import REPOSITORY, home
from helpers.local.ports import answers, free_port
from tests.browser.lab import chromium_of_its_own, jupyter_environment

# The Python of which .venv was made: a learner's.
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
SCRATCH = REPOSITORY / "build" / "bench-setup"
# The notebook shows its cells, and its kernel is idle.
USABLE = """() => document.querySelector('.jp-Notebook .jp-Cell') && document.querySelector(
    '.jp-Notebook-ExecutionIndicator[data-status="idle"]')"""
IDLE_SECONDS = 10


def measure(cold: bool = True) -> dict:
    """Return `setup`.

    cold_s: `make setup` of a new copy that downloads all packages; disk_gb: its .venv;
    warm_lab_s: from `make lab` to a notebook with an idle kernel, in a real browser;
    target_s: `connect`, all stacks and Flink, from a stopped target;
    idle_memory_mb and idle_memory_by_process_mb: resident, the whole target without traffic;
    lab_memory_mb: JupyterLab and one kernel; idle_cores: CPU seconds per second of the target;
    notes: the steps that failed, with the reason. `needs` has the missing programs.

    Args:
        cold: also set up a copy.
    """
    figures, needs = _without_target(cold)
    began = time.monotonic()
    chain(restart=True, warm=False)
    figures["target_s"] = round(time.monotonic() - began, 1)
    time.sleep(IDLE_SECONDS)  # until the start has no after-effects
    processes = of_home(str(home()))
    memory = memory_mb(processes)
    cpu, since = cpu_seconds(processes).total(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    figures["idle_cores"] = round(
        (cpu_seconds(processes).total() - cpu) / (time.monotonic() - since), 2
    )
    figures["idle_memory_mb"] = round(sum(memory.values()))
    figures["idle_memory_by_process_mb"] = {name: round(mb) for name, mb in sorted(memory.items())}
    return {"setup": figures, "needs": needs}


def _without_target(cold: bool) -> tuple[dict, dict[str, str]]:
    figures: dict = {"notes": []}
    needs = {} if cold else {"setup.cold_s": "a run without SHORT"}
    try:
        figures["disk_gb"] = _size(Path(sys.prefix))
    except NeedsError as error:
        needs["setup.disk_gb"] = str(error)
    for step, names in STEPS if cold else STEPS[1:]:
        try:
            figures |= step()
        except NeedsError as error:
            needs |= {f"setup.{figure}": str(error) for figure in names}
        except Exception as error:  # the other steps go on
            words = " ".join(str(error).split())[:200]
            figures["notes"].append(f"{step.__name__[1:]} could not be measured: {words}")
    return figures, needs


def _cold() -> dict:
    copy = SCRATCH / "copy"
    program("make", "make")
    files = output([program("git", "git"), "ls-files", "-z"], cwd=REPOSITORY)
    for name in filter(None, files.split("\0")):
        if (REPOSITORY / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name)
    # Without the packages that an earlier set-up has downloaded.
    environment = _clean() | {"UV_CACHE_DIR": str(SCRATCH / "uv"), "PIP_NO_CACHE_DIR": "1"}
    began = time.monotonic()
    try:
        ended = subprocess.run(["make", "setup", f"PYTHON={BASE_PYTHON}"], cwd=copy,
                               env=environment, capture_output=True,
                               encoding="utf-8", errors="replace")  # fmt: skip
        if "could not be downloaded" in ended.stderr:
            raise NeedsError("a package index that answers")
        if ended.returncode:
            raise RuntimeError(f"make setup: {(ended.stderr or ended.stdout).strip()[-300:]}")
        return {"cold_s": round(time.monotonic() - began), "disk_gb": _size(copy / ".venv")}
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def _clean() -> dict[str, str]:
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _size(folder: Path) -> float:
    # `du` counts a file with several names once.
    sizes = output([program("du", "coreutils"), "-skL", str(folder)])
    return round(int(sizes.split()[0]) * 1024 / 1e9, 2)


def _lab() -> dict:
    program("make", "make")
    program("chromium", "chromium")
    port, token, folder = free_port(), secrets.token_hex(16), SCRATCH / "jupyter"
    settings = {"port": port, "port_retries": 0, "open_browser": False, "ip": "127.0.0.1"}
    (folder / "config").mkdir(parents=True, exist_ok=True)
    configuration = folder / "config" / "jupyter_server_config.json"
    configuration.write_text(json.dumps({"ServerApp": settings}), encoding="utf-8")
    environment = _clean() | jupyter_environment(folder, token)
    with chromium_of_its_own() as browser:
        page = browser.new_page()
        began = time.monotonic()
        with (folder / "log").open("wb") as log:
            lab = subprocess.Popen(["make", "lab"], cwd=REPOSITORY, env=environment, stdout=log,
                                   stderr=log, start_new_session=True)  # fmt: skip
        try:
            _wait_for_server(port, lab, folder / "log")
            name = "0-start-here.ipynb"
            page.goto(f"http://127.0.0.1:{port}/lab/tree/{name}?reset&token={token}")
            page.wait_for_function(USABLE, timeout=90_000)
            took = time.monotonic() - began
            memory = sum(memory_mb(family([lab.pid])).values())
        finally:
            _end(family([lab.pid]))
    return {"warm_lab_s": round(took, 1), "lab_memory_mb": round(memory)}


def _end(processes: list[psutil.Process]) -> None:
    for process in reversed(processes):  # kernels first
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=10)[1]:
        process.kill()


def _wait_for_server(port: int, lab: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while not answers(f"http://127.0.0.1:{port}/api"):
        if lab.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"make lab: {log.read_text(encoding='utf-8')[-300:]}")
        time.sleep(0.05)


# The steps without the target, in order, and the figures of each.
STEPS = ((_cold, ("cold_s",)), (_lab, ("warm_lab_s", "lab_memory_mb")))
