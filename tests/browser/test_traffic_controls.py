"""The traffic's sliders and buttons, and a board that follows them, in a real JupyterLab."""

import re

import pytest
from playwright.sync_api import expect

SET_UP = """
import os, tempfile
os.environ["WORKSHOP_HOME"] = tempfile.mkdtemp()
import boto3
from helpers.traffic import traffic as module
from helpers.core.cloud import Cloud
from tests.catcher import Catcher
catcher = Catcher().start()
module.beacon_url = lambda cloud: catcher.url
session = boto3.Session("test", "test", region_name="us-east-1")
traffic = module.Traffic(Cloud(session, "000000000000", endpoint="http://127.0.0.1:9"))
"""
CONTROLS = "traffic.controls()"
BUSY = """
import time
deadline = time.monotonic() + 250
while traffic.settings()["rate"] != 25 or not catcher.beacons:
    assert time.monotonic() < deadline
    time.sleep(0.1)
print("RECEIVED", traffic.settings()["rate"])
"""
REPLAY = """
from helpers.core.paths import REPOSITORY
totals = traffic.replay(REPOSITORY / "assets" / "sample" / "access.log.gz", rate=2000)
print("REPLAYED", totals.answered)
"""
BOARD = """
import time, numpy, pandas
from helpers.dashboards.site_board import SiteBoard
from helpers.dashboards.site_figures import TABS, Choice, Figure, SiteSnapshot
HOSTILE = "<img src=x onerror=window.hacked=1>$x^$" + "x" * 300
MIX = {"pageview": 60, "click": 20, "playvideo": 6, "login": 5, "logoff": 4, "conversion": 3,
       HOSTILE: 2}
ITEMS = {"page": [("/", 612), ("/products/espresso-machine", 441), (HOSTILE, 40), ("/caf%C3%A9", 9),
                  ("/%E8%B3%BC%E5%85%A5", 3)],
         "source": [("news.example.com", 9), ("(direct)", 7)],
         "browser": [("Firefox", 300), ("Mobile Safari", 120), ("Chrome", 90)]}
SITE = {"visits": Figure(420, 400, 500), "bounces": Figure(41.25, 41.25, 40),
        "seconds": Figure(93.4, 93.4, 101), "views": Figure(2.71, 2.71, 2.5),
        "conversion": Figure(3, 3, 2.5)}
def read(choice):
    now, rate = time.time(), traffic.settings()["rate"]
    start, column = choice.period.span(now).start, choice.period.column
    rows = [(at, item, int(rate * weight / 10)) for item, weight in MIX.items()
            for at in numpy.arange(start, now, column)]
    events = pandas.DataFrame(rows, columns=["Time", "Item", "Value"])
    events["Time"] = pandas.to_datetime(events["Time"], unit="s", utc=True)
    lists = tuple((title, by, ITEMS.get(by, [])) for title, _, by in TABS[choice.tab])
    visits = {"visits": Figure(61, 60, 80)} if choice.filters else {}
    return SiteSnapshot(at=now, choice=choice, visitors=Figure(196, 196, 180), rate=rate,
        visitors_note="in 13:04", figures=SITE | visits, lists=lists,
        to_table=1.2, latency=1.6, events=events, recounted=now if choice.filters else None,
        alarms=[("click-anomaly", "OK" if rate < 100 else "ALARM"), ("no-page-view", "OK")])
board = SiteBoard(read, Choice(), "board", period=0.3).start(); board
"""
STOP_BOARD = "board.stop()"
END = """
traffic.stop()
from helpers.traffic import controls
controls._registry["traffic-controls"].stop()
catcher.close()
print("ENDED")
"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook(SET_UP, CONTROLS, BUSY, REPLAY, BOARD, STOP_BOARD, END)
    notebook.run(0)
    notebook.run(1)
    yield notebook
    notebook.run(6)
    expect(notebook.output(6)).to_contain_text("ENDED")


def test_the_first_click_is_delivered_while_a_cell_is_busy(notebook):
    panel = notebook.output(1)
    expect(panel.get_by_role("status")).to_contain_text("No traffic. Press Start.")
    notebook.run(2, wait=False)
    # Each of these is the first message of its widget: the busy cell ends once both are delivered.
    panel.get_by_title("Send beacons with these settings").click()
    panel.get_by_role("slider", name="Beacons per second").press("ArrowRight")
    expect(notebook.output(2)).to_contain_text("RECEIVED 25")
    expect(panel.get_by_role("status")).to_contain_text("beacons/s")


@pytest.mark.parametrize("width", [1280, 900])
def test_every_description_can_be_read_in_full(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 1000})
    panel = notebook.output(1)
    if panel.get_by_text("pageview").is_hidden():
        panel.get_by_text("Event mix").click()
    expect(panel.get_by_text("pageview")).to_be_visible()
    notebook.screenshot(f"traffic-controls-{width}")
    labels = panel.locator(".widget-label, .jupyter-button, .widget-readout")
    assert labels.count() >= 13 + 4
    cut = "each => each.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    assert labels.evaluate_all(cut) == []


def test_a_replay_shows_a_bar_and_its_totals(notebook):
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("REPLAYED 2000")
    expect(notebook.output(3)).to_contain_text("100%")


def test_every_slider_has_a_name_of_its_own(notebook):
    panel = notebook.output(1)
    handles = panel.locator("[role=slider]")
    names = handles.evaluate_all("each => each.map(one => one.getAttribute('aria-label'))")
    assert len(set(names)) == 13 and "Late beacons, %" in names and "pageview" in names
    assert handles.count() == len(names)


def test_arrow_keys_on_a_slider_move_the_tiles_and_nothing_jumps(notebook):
    notebook.run(4)
    board, rate = notebook.output(4), notebook.output(1).get_by_role("slider", name="Beacons per")
    tile, said = board.get_by_role("group", name="Events a second"), board.get_by_role("status")
    rate.focus()
    notebook.page.keyboard.press("Home")
    for _ in range(8):
        notebook.page.keyboard.press("ArrowRight")
    expect(tile).to_contain_text("40.0")
    expect(said).to_contain_text("40.0 events a second")
    before = board.bounding_box()
    for _ in range(6):
        notebook.page.keyboard.press("PageUp")
    expect(board.get_by_role("group", name="Alarms")).to_contain_text("▲ ALARM")
    expect(said).to_contain_text("alarms: ALARM (click-anomaly)")
    assert board.bounding_box() == before
    assert notebook.page.evaluate("window.hacked") is None


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_serious_in_the_widgets(notebook, theme):
    notebook.run(4)
    board, page = notebook.output(4), notebook.page
    notebook.command("apputils:change-theme", theme=f"JupyterLab {theme}")
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-light", {"Light": "true", "Dark": "false"}[theme]
    )
    expect(board.get_by_role("button", name="/products/espresso")).to_be_visible()
    board.evaluate("each => each.scrollIntoView({block: 'center'})")
    found = notebook.serious_findings()
    for width, height in ((1280, 900), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        board.evaluate("each => each.scrollIntoView({block: 'center'})")
        notebook.screenshot(f"board-{theme.lower()}-{width}")
    wide = "each => each.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    assert board.locator(".rwa-big, .rwa-name").evaluate_all(wide) == []
    page.set_viewport_size({"width": 1280, "height": 1100})
    notebook.output(1).scroll_into_view_if_needed()
    notebook.screenshot(f"traffic-controls-{theme.lower()}")
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
    assert found == []


def test_the_keyboard_chooses_a_period_a_tab_and_a_filter_while_numbers_change(notebook):
    notebook.run(4)
    board, page = notebook.output(4), notebook.page
    visits, said = board.get_by_role("group", name="Visits"), board.get_by_role("status")
    item = board.get_by_role("button", name="/café").first
    item.focus()
    first = said.inner_text()
    expect(said).not_to_have_text(first)
    expect(item).to_be_focused()  # the reading that came meanwhile has not taken the focus
    page.keyboard.press("Enter")
    expect(visits).to_contain_text("61")
    expect(said).to_contain_text("recounted from the archive at")
    chip = board.get_by_role("button", name="page: /café")
    notebook.screenshot("board-filter")
    chip.focus()
    page.keyboard.press("Enter")
    expect(visits).to_contain_text("420")
    expect(chip).to_be_hidden()

    board.get_by_role("radio", name="hour").focus()
    page.keyboard.press("Space")
    expect(said).to_contain_text("420 visits in an hour")
    expect(board.get_by_role("img", name="per minute")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(said).to_contain_text("420 visits today (UTC)")
    board.get_by_role("tab", name="Pages").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(board.get_by_role("button", name="Mobile Safari")).to_be_visible()
    notebook.screenshot("board-devices")
    assert notebook.page.evaluate("window.hacked") is None


def test_a_stopped_board_stays_in_the_saved_notebook(notebook):
    notebook.run(4)
    notebook.run(5)
    board = notebook.output(4)
    expect(board).to_contain_text(re.compile("Stopped at"))
    expect(board.get_by_role("group", name="Visitors now")).to_contain_text("196")
    assert board.locator("svg rect").count() > 100
    notebook.screenshot("board-stopped")
    saved = notebook.saved_html(4)
    assert "Stopped at" in saved and "<img" not in saved
    assert notebook.page.evaluate("window.hacked") is None
