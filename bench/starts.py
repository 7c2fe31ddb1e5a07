"""How long does a learner wait for Flink: its start, its recovery, other SQL, the first chart?"""

import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from bench.chain import chain, end_chain
from helpers.core.paths import REPOSITORY, home
from helpers.core.target_files import job_status
from helpers.deployment.flink_application import start_analytics, stop_analytics, update_analytics
from helpers.experiments.process_kill import kill, recovered

SETTLE_SECONDS = 5  # between two, for what the first has left behind
STEP = re.compile(r"^step (\w+) ([\d.]+)$", re.MULTILINE)
PHASE = re.compile(r"^ *([\d.]+) s: (.+)$", re.MULTILINE)


def measure() -> dict:
    """Return `starts`: seconds.

    first_chart_s: from the start of a notebook's Python, with nothing running, to the first value
    of a chart, and `first_chart` by step; start_s: start_analytics; recovery_s: from kill("flink")
    to a job that runs; update_s: update_analytics with a statement more; phases: of the last start
    of the job's process, each from its begin.
    """
    end_chain()
    steps = _first_chart()
    cloud = chain(warm=False)
    found: dict = {"first_chart_s": steps["first_chart"], "first_chart": steps}
    with redirect_stdout(io.StringIO()):
        stop_analytics(cloud)
        name = cloud.name("analytics")
        while job_status(name).get("state") != "stopped":
            time.sleep(0.1)
        found["start_s"] = _timed(lambda: start_analytics(cloud))
        time.sleep(SETTLE_SECONDS)
        killed = kill(cloud, "flink")
        found["recovery_s"] = _timed(lambda: recovered(cloud, "flink", killed))
        found["phases"] = _phases(cloud.name("analytics"))
        time.sleep(SETTLE_SECONDS)
        with tempfile.TemporaryDirectory(prefix="bench-starts-") as folder:
            _statement(Path(folder))
            found["update_s"] = _timed(lambda: update_analytics(cloud, Path(folder)))
    end_chain()
    return {"starts": found}


def _first_chart() -> dict[str, float]:
    command = [sys.executable, "-m", "bench.first_chart", str(time.time())]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8")
    if said.returncode:
        raise RuntimeError(said.stderr.strip().splitlines()[-1])
    return {step: float(seconds) for step, seconds in STEP.findall(said.stdout)}


def _statement(folder: Path) -> None:
    # Another name each time: nothing of an earlier run has its plan.
    sql = (REPOSITORY / "assets" / "flink" / "extra" / "20_avg_pg_ld.sql").read_text("utf-8")
    name = f"bench_{time.time_ns()}"
    (folder / "30_bench.sql").write_text(sql.replace("avg_pg_ld", name), encoding="utf-8")


def _phases(name: str) -> dict[str, float]:
    log = (home() / "logs" / f"flink-{name}.log").read_text(encoding="utf-8")
    return {phase: float(seconds) for seconds, phase in PHASE.findall(log)[-4:]}


def _timed(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return round(time.monotonic() - began, 1)
