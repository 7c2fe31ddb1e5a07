"""Tables as a notebook shows them."""

import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

from helpers.plotting.html_tables import show_tables, table_html, to_the_second

TIMES = pd.to_datetime(["2026-11-25T10:00:00.123456Z", None])
FRAME = pd.DataFrame({"Time": TIMES, "Page": ["$x$", "$y$"], "Count": [1, 2]})


def test_times_are_shown_to_the_second_and_kept_as_they_are():
    text = table_html(FRAME)
    assert "2026-11-25 10:00:00+00:00" in text and ".123456" not in text and "NaT" not in text
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
    assert '<div class="mathjax_ignore' in shown


def test_times_stand_on_one_line_and_what_is_absent_is_a_dash():
    frame = pd.DataFrame(
        {"page": ["/", None], "datetime": ["25/Nov/2026:10:00:00 +0000", None], "bytes": [2, pd.NA]}
    ).astype({"bytes": "Int64"})
    text = table_html(frame)
    assert "td:nth-child(3) {white-space: nowrap}" in text and "nth-child(2)" not in text
    assert text.count("<td>–</td>") == 3 and "None" not in text and "NA" not in text
    assert "<td>2</td>" in text  # not 2.0
    assert "td:nth-child(2) {white-space" in table_html(FRAME)


def test_floats_that_are_all_whole_are_counts_and_others_keep_their_digits():
    frame = pd.DataFrame({"a": [304.0, None], "b": [1.0, 0.909], "c": [float("inf"), 1.0]})
    text = table_html(frame)
    assert "<td>304</td>" in text and "<td>–</td>" in text
    assert "<td>1.000</td>" in text and "<td>inf</td>" in text


def test_an_alarms_reason_is_shown_whole():
    reason = (
        "Threshold Crossed: 1 out of the last 1 datapoints [4.4] was greater than the threshold"
    )
    assert reason in table_html(pd.DataFrame({"Reason": [reason]}))
    with pd.option_context("display.max_colwidth", 20):  # a learner's own setting
        assert reason not in table_html(pd.DataFrame({"Reason": [reason]}))
