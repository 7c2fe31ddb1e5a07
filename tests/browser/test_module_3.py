"""Module 3 in JupyterLab, with a hand on its slider."""

import re

from playwright.sync_api import expect

from tests.browser.lab import SECONDS


def total(sentence: str) -> int:
    """The number in `event_count: 1,204 in the last minute, ...`."""
    return int(re.search(r": ([\d,]+) in", sentence)[1].replace(",", ""))


def test_the_slider_moves_the_live_chart_while_all_cells_run(target_home, open_module):
    notebook = open_module("3-visualize.ipynb")
    notebook.run_all()
    said = notebook.output(notebook.cell("live_chart(")).get_by_role("status")
    expect(said).to_contain_text("in the last minute")

    before = said.inner_text()
    controls = notebook.output(notebook.cell("traffic.controls()"))
    slider = controls.get_by_role("slider", name="Beacons per second")
    for _ in range(4):
        slider.press("PageUp")
    notebook.page.wait_for_function(
        """([words, least]) => [...document.querySelectorAll('[role=status]')].some(element => {
            const found = element.textContent.match(words);
            return found && Number(found[1].replaceAll(',', '')) > least; })""",
        arg=[r"event_count: ([\d,]+) in the last", 2 * total(before) + 60],
        timeout=SECONDS * 1000,
    )
    notebook.screenshot("module-3-live")

    board = notebook.output(notebook.cell("live_dashboard("))
    tile = board.get_by_role("group", name="Events a second").locator(".rwa-big")
    expect(tile).to_have_text(re.compile(r"\d+\.\d"))
    expect(board.get_by_role("group", name="Latency")).to_contain_text(
        "median, click to CloudWatch"
    )
    expect(board.get_by_role("group", name="Alarms")).to_contain_text(
        re.compile("3 alarms, none in ALARM|click-anomaly")
    )
    expect(board.get_by_role("status")).to_contain_text("most visited")
    board.scroll_into_view_if_needed()
    notebook.screenshot("module-3-board")
    for key in ("Home", *["ArrowRight"] * 4):
        slider.press(key)
    expect(tile).to_have_text(re.compile(r"^[12]\d\.\d$"))

    notebook.finish()
    expect(notebook.output(notebook.cell("check."))).to_contain_text("✓ event_count")
    for shown in ("dashboard(cloud)", "check."):
        notebook.output(notebook.cell(shown)).scroll_into_view_if_needed()
        notebook.screenshot(f"module-3-{shown.strip('.').split('(')[0]}")
    assert notebook.serious_findings() == []
