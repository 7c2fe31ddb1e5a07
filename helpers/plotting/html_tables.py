"""How a notebook shows a DataFrame: times to the second, text as text, never as a formula."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the kernel starts without pandas: a second less
    import pandas as pd

_TIMES = ("datetime", "Measured")  # columns of texts that are times
_LETTERS = 160  # of a text; pandas shows 50, and an alarm's reason ends before it names the value


def show_tables(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Let IPython show each DataFrame as `table_html` writes it.

    Args:
        shell: IPython's.

    Example:
        `show_tables(get_ipython())`
    """
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type_by_name("pandas.core.frame", "DataFrame", table_html)


def table_html(frame: "pd.DataFrame") -> str | None:
    """Return what a notebook shows of a table; what the table holds stays as it is.

    Times stand on one line, a text that is absent is a dash, and up to 160 letters are shown.

    JupyterLab takes what is between two `$` of an HTML output for a formula, unless a class
    forbids it. pandas' own option `display.html.use_mathjax` sets the class of MathJax 2, which
    JupyterLab's MathJax 3 ignores.

    Args:
        frame: any.

    Example:
        `table_html(metric_values(cloud, "event_count"))`
    """
    import pandas as pd

    # A learner's own setting is left alone.
    letters = pd.get_option("display.max_colwidth")
    with pd.option_context("display.max_colwidth", _LETTERS if letters == 50 else letters):
        written = to_the_second(frame).apply(_dashed)._repr_html_()
    if not written:
        return None
    times = [
        place
        for place, name in enumerate(frame.columns)
        if name in _TIMES or _is_moment(frame.iloc[:, place])
    ]
    if not times:
        return f'<div class="mathjax_ignore">{written}</div>'
    cells = [frame.index.nlevels + place + 1 for place in times]
    name = f"rwa-times-{'-'.join(map(str, cells))}"
    where = ", ".join(f".{name} td:nth-child({cell})" for cell in cells)
    style = f"<style>{where} {{white-space: nowrap}}</style>"
    return f'{style}<div class="mathjax_ignore {name}">{written}</div>'


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
    """Return a column in which what is absent is a dash, not None here, <NA> there, NaT elsewhere.

    Floats that are all whole are shown as the counts that they are.
    """
    import pandas as pd

    if pd.api.types.is_float_dtype(column):
        present = column.dropna()
        if present.empty or not (present == present.round()).all() or present.abs().max() >= 2**53:
            return column  # as objects they would lose the common number of their digits
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "–") if column.isna().any() else column
