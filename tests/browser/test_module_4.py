"""Module 4 with its solutions; modules 6 and 7; and module 9 twice, which takes it all down."""

import json
import re
import time

from playwright.sync_api import expect

from bench.notebook_steps import solution
from docs.stored_notebooks import stored
from helpers.core.waiting import wait_until
from helpers.stores.dynamodb import metric_values
from helpers.traffic.traffic import Traffic
from tests.running_notebooks import FOLDER, run


def with_solutions(text: str) -> tuple[str, list[str]]:
    """Return a notebook whose solutions are loaded, as `%load` does, and what names each."""
    notebook, names = json.loads(text), []
    for cell in notebook["cells"]:
        code = "".join(cell["source"])
        if path := solution(code):
            cell["source"] = f"{code}\n{path.read_text(encoding='utf-8')}"
            names.append(code)
    return json.dumps(notebook), names


def test_run_all_with_the_solutions(target_home, open_module):
    name = "4-extend.ipynb"
    text, loads = with_solutions(stored(FOLDER / name))
    notebook = open_module(name, height=3000, text=text)
    notebook.run_all()
    notebook.finish()
    expect(notebook.output(notebook.cell("check.extended"))).to_contain_text("✓ avg_pg_ld")
    assert len(loads) == len(list(FOLDER.glob("solutions/4-*.py")))
    for load in loads:
        shown = notebook.output(notebook.cell(load)).inner_text()
        assert "✗" not in shown and "o rows yet" not in shown
        # The message of the alarm, bars of more than one page or step, or corrected values.
        found = re.search(r"Set by hand|Samples_corrected| in ([3-9]|\d\d) items", shown)
        assert found, shown
    corrected = notebook.output(notebook.cell("< 2000"))
    expect(corrected).to_contain_text(re.compile(r"page_load_time\s+\d+\s+[1-9]"))
    notebook.screenshot("module-4")
    assert notebook.serious_findings() == []


def test_module_6_all_of_it_then_its_planner_by_hand(target_home, open_module):
    notebook = open_module("6-scale-and-cost.ipynb", height=3000)
    notebook.run_all()
    notebook.finish()
    checked = notebook.output(notebook.cell("check.scaled"))
    expect(checked).to_contain_text("beacons of the crowd at every stage")
    planner = notebook.output(notebook.cell("scale_planner("))
    number = planner.get_by_label("Events a day", exact=True)
    number.fill("116000000")
    number.press("Enter")
    said = planner.get_by_role("status")
    expect(said).to_contain_text("116 million events a day need")
    expect(said).to_contain_text("Your own run: 200 beacons a second")
    planner.get_by_role("slider").press("PageUp")
    expect(said).not_to_contain_text("116 million events a day need")
    notebook.screenshot("module-6")
    assert notebook.serious_findings() == []


def put_visits_of_yesterday(cloud, count):
    """Send a row of yesterday to process_metrics, as the job sent it; wait until it is stored."""
    at = int(time.time()) // 60 * 60 - 24 * 3600
    row = {"MetricType": "visit_count", "EventTimestamp": at, "MetricItem": "All Visits"}
    row |= {"UnitValueInt": count, "EmittedAt": at * 1000, "NewestBeacon": at * 1000}
    data = json.dumps({"before": None, "after": row, "op": "c"})
    cloud.client("kinesis").put_record(
        StreamName=cloud.name("metrics"), Data=data.encode(), PartitionKey="visit_count"
    )
    assert wait_until(lambda: len(metric_values(cloud, "visit_count", minutes=1500)), 900)


def test_module_7_with_other_traffic_running_and_visits_of_yesterday(chain, open_module):
    put_visits_of_yesterday(chain, 12)
    Traffic(chain).start(rate=70)
    notebook = open_module("7-visits.ipynb", height=3000)
    notebook.run_all()
    notebook.finish()

    def shown(words: str, number: int = 0):
        cells = [each for each in range(len(sources)) if words in sources[each]]
        return notebook.output(cells[number])

    cells = json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells]
    expect(shown("ben.timeline(")).to_contain_text("1 visit, 0 bounces (DynamoDB: 1 visit)")
    expect(shown("ben.timeline(")).to_contain_text(": 2 visits, 2 bounces")
    pictures = [(2, 2), (1, 0), (3, 3), (1, 0)]  # two views; a late one; a gap of 10; of 30 again
    for number, (visits, bounces) in enumerate(pictures):
        sentence = rf": {visits} visits?, {bounces} bounces \(DynamoDB: {visits} visits?\)"
        expect(shown("cem.timeline(", number)).to_contain_text(re.compile(sentence))
    smallest = shown("cem.cloudwatch(").locator("tbody tr").last.locator("td").last
    expect(smallest).to_have_text("-1")
    rows = shown("visit_changes(cloud").locator("tbody tr")
    assert rows.nth(0).locator("td").all_inner_texts()[1:] == ["12", "12", "0"]
    assert int(rows.nth(1).locator("td").last.inner_text()) >= 2
    expect(shown("live_funnel(")).to_contain_text("are no bounces")
    expect(shown("check.visits(")).to_contain_text("the table and pandas' recount")
    assert notebook.serious_findings() == []
    for name, words in (("funnel", "live_funnel("), ("clock-hour", "ben.timeline(")):
        shown(words).scroll_into_view_if_needed()
        notebook.screenshot(f"module-7-{name}")


def test_the_last_one_takes_everything_down_and_may_run_again(target_home, open_module):
    assert "Nothing of rwa is left" in "".join(run("9-clean-up.ipynb"))
    notebook = open_module("9-clean-up.ipynb")
    notebook.run_all()
    notebook.finish()
    assert "✗" not in notebook.page.locator(".jp-Notebook").inner_text()
