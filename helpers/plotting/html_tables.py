"""How a notebook shows a DataFrame: times to the second, text as text, never as a formula."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the kernel starts without pandas: a second less
    import pandas as pd

_TIMES = ("datetime", "Measured")  # columns whose texts are times
_LETTERS = 160  # of a text; pandas shows 50, which cuts an alarm's reason before its value


def show_tables(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Let IPython show each DataFrame as HTML from `table_html`.

    Args:
        shell: IPython's.

    Example:
        `show_tables(get_ipython())`
    """
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type_by_name("pandas.core.frame", "DataFrame", table_html)


def table_html(frame: "pd.DataFrame") -> str | None:
    """Return the HTML that a notebook shows for a table; the table itself does not change.

    A time is on one line, a missing value is a dash, and a text has up to 160 letters.

    JupyterLab shows text between two `$` of an HTML output as a formula, unless a class prevents
    it. pandas' own option `display.html.use_mathjax` sets the class of MathJax 2, which
    JupyterLab's MathJax 3 ignores.

    Args:
        frame: any.

    Example:
        `table_html(metric_values(cloud, "event_count"))`
    """
    import pandas as pd

    # A learner's own setting is kept.
    letters = pd.get_option("display.max_colwidth")
    with pd.option_context("display.max_colwidth", _LETTERS if letters == 50 else letters):
        table = to_the_second(frame).apply(_dashed)._repr_html_()
    if not table:
        return None
    cells = [
        frame.index.nlevels + place + 1
        for place, name in enumerate(frame.columns)
        if name in _TIMES or _is_moment(frame.iloc[:, place])
    ]
    if not cells:
        return f'<div class="mathjax_ignore">{table}</div>'
    name = f"rwa-times-{'-'.join(map(str, cells))}"
    where = ", ".join(f".{name} td:nth-child({cell})" for cell in cells)
    style = f"<style>{where} {{white-space: nowrap}}</style>"
    return f'{style}<div class="mathjax_ignore {name}">{table}</div>'


def to_the_second(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a copy of a table whose times have no fractions of a second.

    Args:
        frame: any.

    Example:
        `to_the_second(catalog(cloud))`
    """
    import pandas as pd

    shown = frame.apply(lambda column: column.dt.floor("s") if _is_moment(column) else column)
    if isinstance(frame.index, pd.DatetimeIndex):
        shown.index = frame.index.floor("s")
    return shown


def _is_moment(column: "pd.Series") -> bool:
    import pandas as pd

    return pd.api.types.is_datetime64_any_dtype(column)


def _dashed(column: "pd.Series") -> "pd.Series":
    """Return a column whose missing values (None, <NA>, NaT) are dashes.

    Floats that are all whole are counts, and become integers.
    """
    import pandas as pd

    if pd.api.types.is_float_dtype(column):
        present = column.dropna()
        if present.empty or not (present == present.round()).all() or present.abs().max() >= 2**53:
            return column  # as objects they would lose their common number of decimals
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "–") if column.isna().any() else column
