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
        written = _dashed(to_the_second(frame))._repr_html_()
    if not written:
        return None
    times = [place for place in range(frame.shape[1]) if _is_time(frame, place)]
    if not times:
        return f'<div class="mathjax_ignore">{written}</div>'
    cells = [frame.index.nlevels + place + 1 for place in times]
    name = f"rwa-times-{'-'.join(map(str, cells))}"
    where = ", ".join(f".{name} td:nth-child({cell})" for cell in cells)
    style = f"<style>{where} {{white-space: nowrap}}</style>"
    return f'{style}<div class="mathjax_ignore {name}">{written}</div>'


def _is_time(frame: "pd.DataFrame", place: int) -> bool:
    """Return whether a column holds times: pandas' own, a log line's, or days."""
    import pandas as pd

    column = frame.iloc[:, place]
    return pd.api.types.is_datetime64_any_dtype(column) or frame.columns[place] in _TIMES


def _dashed(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a copy in which what is absent is a dash, not None here, <NA> there, NaT elsewhere.

    Floats that are all whole are shown as the counts that they are.
    """
    import pandas as pd

    shown = frame.copy()
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if pd.api.types.is_float_dtype(column):
            present = column.dropna()
            if (
                present.empty
                or not (present == present.round()).all()
                or present.abs().max() >= 2**53
            ):
                continue  # as objects they would lose the common number of their digits
            column = column.astype("Int64")
        if column.isna().any() or column.dtype != frame.dtypes.iloc[place]:
            shown.isetitem(place, column.astype(object).where(column.notna(), "–"))
    return shown


def to_the_second(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a copy of a table whose times have no fractions of a second.

    Args:
        frame: any.

    Example:
        `to_the_second(catalog(cloud))`
    """
    import pandas as pd

    def floor(column: "pd.Series") -> "pd.Series":
        is_time = pd.api.types.is_datetime64_any_dtype(column)
        return column.dt.floor("s") if is_time else column

    shown = frame.copy()
    for place in range(frame.shape[1]):  # by place: two columns may have one name
        shown.isetitem(place, floor(frame.iloc[:, place]))
    if isinstance(frame.index, pd.DatetimeIndex):
        shown.index = frame.index.floor("s")
    return shown
