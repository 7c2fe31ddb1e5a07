"""Tables as a notebook shows them."""

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

from helpers.tables import show_tables, table_html, to_the_second

TIMES = pd.to_datetime(["2026-11-25T10:00:00.123456Z", None])
FRAME = pd.DataFrame({"Time": TIMES, "Page": ["$x$", "$y$"], "Count": [1, 2]})


def test_times_are_shown_to_the_second_and_kept_as_they_are():
    text = table_html(FRAME)
    assert "2026-11-25 10:00:00+00:00" in text and ".123456" not in text and "NaT" in text
    assert FRAME["Time"][0].microsecond == 123456
    assert ".123456" not in table_html(FRAME.set_index("Time"))


def test_two_columns_of_one_name_and_a_table_without_rows_or_times_are_shown():
    twice = pd.DataFrame([[TIMES[0], 1, TIMES[0]]], columns=["a", "b", "a"])
    assert to_the_second(twice).iloc[0].tolist() == [TIMES[0].floor("s"), 1, TIMES[0].floor("s")]
    assert "<table" in table_html(FRAME[:0])
    assert to_the_second(FRAME[["Count"]]).equals(FRAME[["Count"]])


def test_a_notebook_shows_every_table_so():
    shell = InteractiveShell()
    show_tables(shell)
    shown = shell.display_formatter.format(FRAME)[0]["text/html"]
    assert shown == table_html(FRAME)
    assert shown.startswith('<div class="mathjax_ignore">')
