"""How a notebook shows a DataFrame: times to the second, text as text, never as a formula."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the kernel starts without pandas: a second less
    import pandas as pd


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

    JupyterLab takes what is between two `$` of an HTML output for a formula, unless a class
    forbids it. pandas' own option `display.html.use_mathjax` sets the class of MathJax 2, which
    JupyterLab's MathJax 3 ignores.

    Args:
        frame: any.

    Example:
        `table_html(metric_values(cloud, "event_count"))`
    """
    written = to_the_second(frame)._repr_html_()
    return written and f'<div class="mathjax_ignore">{written}</div>'


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
