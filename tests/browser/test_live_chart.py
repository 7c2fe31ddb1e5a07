"""The live chart in a real JupyterLab, looked at by a real browser."""

import re

import pytest
from playwright.sync_api import expect

CHART = """
import time, threading
import ipywidgets, numpy, pandas
from helpers.plotting.live_view import LiveChart
from helpers.plotting.metric_figure import Metric, draw_metric
HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script> $x^$"
rate = ipywidgets.IntSlider(value=5, min=0, max=50, step=5, description="Requests/s",
                            continuous_update=False)
def draw(picture):
    if rate.value == 0:
        raise ValueError("no <b>rate</b>")
    times = pandas.to_datetime(numpy.arange(-300, 0, 10) + time.time(), unit="s", utc=True)
    items = ["pageview", "click", HOSTILE, "\\u202e\\u05e9\\u05dc\\u05d5\\u05dd"]
    rows = [(t, item, rate.value * (4 - n)) for n, item in enumerate(items) for t in times]
    frame = pandas.DataFrame(rows, columns=["Time", "Item", "Value"])
    sentence = draw_metric(picture, frame, Metric("top_pages", "Most visited pages"), minutes=5)
    return f"slider {rate.value} {HOSTILE} {sentence}"
rate
"""
SHOW = 'chart = LiveChart(draw, name="rate", period=0.2).start(); chart'
THREADS = 'print("THREADS", [t.name for t in threading.enumerate() if t.name.startswith("live-")])'
LIGHT_LETTERS = re.compile(r"rgba?\((?:(?:1[5-9]|2\d)\d(?:, |\b)){3}")
BUSY = """
before = chart.frames
until = time.time() + 20
while time.time() < until and (rate.value != 35 or chart.frames - before < 5):
    time.sleep(0.05)
print("FRAMES", chart.frames - before, "SLIDER", rate.value)
"""


@pytest.fixture(scope="module")
def opened(open_notebook):
    return open_notebook(CHART, SHOW, BUSY, THREADS)


@pytest.fixture
def notebook(opened):
    """The notebook with a new slider at 5, and a new chart that has drawn it."""
    opened.run(0)
    opened.run(1)
    expect(status(opened)).to_contain_text("slider 5 ")
    return opened


def status(notebook):
    return notebook.output(1).get_by_role("status")


def test_the_chart_follows_the_slider_while_a_cell_is_busy(notebook):
    image = notebook.output(1).locator("img")
    notebook.screenshot("live-chart-light")
    before = image.get_attribute("src")

    slider = notebook.page.get_by_role("slider").first
    slider.press("ArrowRight")  # the first message makes JupyterLab open the widgets' channel
    expect(status(notebook)).to_contain_text("slider 10")
    notebook.run(2, wait=False)
    for _ in range(5):
        slider.press("ArrowRight")
    expect(status(notebook)).to_contain_text("slider 35")
    expect(notebook.output(2)).to_contain_text("SLIDER 35")
    frames = int(notebook.output(2).inner_text().split("FRAMES ")[1].split()[0])

    assert frames >= 5
    assert image.get_attribute("src") != before


def test_markup_from_a_visitor_is_shown_as_text(notebook):
    expect(status(notebook)).to_contain_text("<script>window.hacked=1</script> $x^$")
    assert notebook.page.evaluate("window.hacked") is None
    assert status(notebook).locator("img, script, b").count() == 0


def test_an_error_is_shown_under_the_chart_until_it_is_over(notebook):
    slider = notebook.page.get_by_role("slider").first
    slider.press("Home")
    expect(status(notebook)).to_contain_text("ValueError: no <b>rate</b>")
    expect(status(notebook)).to_contain_text("Trying again")
    notebook.screenshot("live-chart-error")
    slider.press("End")
    expect(status(notebook)).to_contain_text("slider 50")


def test_running_the_cell_again_starts_no_second_thread(notebook):
    notebook.run(1)
    notebook.run(1)
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("THREADS ['live-rate']")
    expect(status(notebook)).to_contain_text("slider 5")


def test_the_stop_button_leaves_a_picture_that_is_saved(notebook):
    notebook.output(1).get_by_role("button", name="Stop").click()
    caption = notebook.output(1).locator("figcaption")
    expect(caption).to_contain_text("Stopped at")
    expect(caption).to_contain_text("<script>window.hacked=1</script> $x^$")
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("THREADS []")
    notebook.screenshot("live-chart-stopped")

    assert "data:image/png;base64," in notebook.saved_html(1)
    assert notebook.page.evaluate("window.hacked") is None


def test_the_chart_is_readable_in_the_dark_theme(notebook):
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    expect(status(notebook)).to_contain_text("slider 5")
    notebook.screenshot("live-chart-dark")
    expect(status(notebook)).to_have_css("color", LIGHT_LETTERS)
    notebook.command("apputils:change-theme", theme="JupyterLab Light")


def test_the_first_click_on_stop_works_while_a_cell_is_busy(notebook):
    notebook.run(2, wait=False)
    expect(notebook.output(2)).not_to_contain_text("FRAMES")  # of an earlier run
    notebook.output(1).get_by_role("button", name="Stop").click()
    expect(notebook.output(1).locator("figcaption")).to_contain_text("Stopped at", timeout=15_000)
    assert "FRAMES" not in notebook.output(2).inner_text(), "the cell was busy all the while"
    expect(notebook.output(2)).to_contain_text("FRAMES")
