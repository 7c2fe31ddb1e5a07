"""A table in a real JupyterLab: what a visitor sent is text there, whatever it contains."""

from playwright.sync_api import expect

TABLE = """
import pandas
times = pandas.to_datetime(["2026-11-25T10:00:00.123456Z", "2026-11-25T10:00:01.9Z"])
pandas.DataFrame({"Time": times, "Page": ["/$x$", "/$y^2$ and $z$"]}, index=["$a$", "$b$"])
"""
SQL = "from helpers import show_sql; show_sql('event_count')"
FORMULA = 'from IPython.display import Markdown; Markdown("This is one: $x^2$.")'


def test_texts_are_no_formulas_and_times_have_no_fractions(open_notebook):
    notebook = open_notebook(TABLE, FORMULA)
    notebook.run(1)  # JupyterLab loads what draws formulas when it first needs it
    expect(notebook.output(1).locator("mjx-container")).to_have_count(1)
    notebook.run(0)
    table = notebook.output(0).locator("table")
    expect(table).to_contain_text("/$y^2$ and $z$")
    expect(table).to_contain_text("2026-11-25 10:00:01+00:00")
    expect(table).not_to_contain_text("10:00:00.")
    notebook.screenshot("table")
    notebook.run(1)  # the queue of formulas is empty now
    expect(notebook.output(1).locator("mjx-container")).to_have_count(1)
    assert len(notebook.formulas()) == 1


def test_the_longest_line_of_sql_stays_on_one_line(open_notebook):
    notebook = open_notebook(SQL)
    notebook.run(0)
    shown = notebook.output(0).locator("pre")
    expect(shown).to_contain_text("GROUP BY bucket, event")
    lines = shown.inner_text().rstrip("\n").count("\n") + 1
    height = shown.evaluate(
        "pre => pre.clientHeight / parseFloat(getComputedStyle(pre).lineHeight)"
    )
    assert height < lines + 1
