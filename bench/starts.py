"""How long does a learner wait for Flink: start, recovery, a change of SQL, the first chart?"""

import io
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from bench.chain import chain, end_chain
from bench.needs import output
from helpers.core.paths import REPOSITORY, home
from helpers.core.target_files import job_status
from helpers.deployment.flink_application import start_analytics, stop_analytics, update_analytics
from helpers.experiments.process_kill import kill, recovered

SETTLE_SECONDS = 5  # between two measurements, until the first has no after-effects
STEP = re.compile(r"^step (\w+) ([\d.]+)$", re.MULTILINE)
PHASE = re.compile(r"^ *([\d.]+) s: (.+)$", re.MULTILINE)


def measure() -> dict:
    """Return `starts`: seconds.

    first_chart_s: from the start of a notebook's Python, without a running target, to the first
    value of a chart (`first_chart`: by step); start_s: start_analytics; recovery_s: from
    kill("flink") to a running job; update_s: update_analytics with one more statement; phases: of
    the last start of the job's process, each from its beginning.
    """
    end_chain()
    steps = _first_chart()
    cloud = chain(warm=False)
    seconds: dict = {"first_chart_s": steps["first_chart"], "first_chart": steps}
    with redirect_stdout(io.StringIO()):
        stop_analytics(cloud)
        name = cloud.name("analytics")
        while job_status(name).get("state") != "stopped":
            time.sleep(0.1)
        seconds["start_s"] = _timed(lambda: start_analytics(cloud))
        time.sleep(SETTLE_SECONDS)
        killed = kill(cloud, "flink")
        seconds["recovery_s"] = _timed(lambda: recovered(cloud, "flink", killed))
        seconds["phases"] = _phases(name)
        time.sleep(SETTLE_SECONDS)
        with tempfile.TemporaryDirectory(prefix="bench-starts-") as folder:
            _statement(Path(folder))
            seconds["update_s"] = _timed(lambda: update_analytics(cloud, Path(folder)))
    end_chain()
    return {"starts": seconds}


def _first_chart() -> dict[str, float]:
    command = [sys.executable, "-m", "bench.first_chart", str(time.time())]
    steps = STEP.findall(output(command, cwd=REPOSITORY))
    return {step: float(seconds) for step, seconds in steps}


def _statement(folder: Path) -> None:
    # A new name each time, so that no plan of an earlier run exists.
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
