"""The Flink job's SQL, shown where it is talked about."""

from IPython.display import Code

from .errors import WorkshopError
from .home import REPOSITORY

FOLDER = REPOSITORY / "assets" / "flink" / "sql"


# A learner's window has room for some hundred letters of the size of code; of the size of prose, a
# line would break within its last word.
_STYLE = "<style>.rwa-sql pre {font-size: var(--jp-code-font-size, 13px) !important}</style>"


class Sql(Code):
    """SQL with colours, in letters of the size that code cells have."""

    def _repr_html_(self) -> str:
        return f'{_STYLE}<div class="rwa-sql mathjax_ignore">{super()._repr_html_()}</div>'


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
    return Sql(files[name].read_text(encoding="utf-8"), language="sql")
