"""The Flink job's SQL, shown where it is talked about."""

from IPython.display import Code

from .errors import WorkshopError
from .home import REPOSITORY

FOLDER = REPOSITORY / "assets" / "flink" / "sql"


def show_sql(name: str) -> Code:
    """Return one of the job's statements, to be shown with colours.

    Args:
        name: the file's name without its number: `event_count`, `beacons`, ...

    Raises:
        WorkshopError: there is no such file.

    Example:
        `show_sql("event_count")`
    """
    files = {path.stem.split("_", 1)[1]: path for path in sorted(FOLDER.glob("*.sql"))}
    if name not in files:
        raise WorkshopError(
            f"The job has no statement called {name!r}.", f"Choose one of {', '.join(files)}."
        )
    return Code(files[name].read_text(encoding="utf-8"), language="sql")
