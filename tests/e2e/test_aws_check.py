"""`make aws-check`, whole: notebooks 1 to 4 and 9 on a target that takes AWS's times.

No cell may show an empty table, a chart without values or a failed check. The other notebooks, in
the same way: `make test TESTS=tests/rerun`.
"""

import re

import pytest

from bench import aws_check
from bench.aws_check_report import Report, text
from tests.notebooks_in_aws_pace import all_text, faults, target_in_aws_pace


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Report:
    with target_in_aws_pace(tmp_path_factory.mktemp("pace") / "workshop"):
        return aws_check.check("local")


def cells_of(report: Report, notebook: str) -> list:
    return [step.cell for step in report.steps if step.notebook == notebook]


def test_every_step_holds_and_nothing_is_left(report):
    assert report.has_held, text(report)
    assert "✓ Nothing of rwa is left." in all_text(cells_of(report, "9-clean-up"))


@pytest.mark.parametrize("notebook", [*aws_check.NOTEBOOKS, aws_check.CLEAN_UP])
def test_no_cell_shows_less_than_it_names(report, notebook):
    cells = cells_of(report, notebook)
    assert cells and faults(cells) == []


def test_module_1_waits_for_its_beacon_and_its_servers(report):
    shown = all_text(cells_of(report, "1-capture"))
    assert "/cart" in shown and "in 3 items" in shown and "beacons sent since" in shown


def test_module_3_waits_for_new_metrics_and_finds_those_that_are_not_listed(report):
    shown = all_text(cells_of(report, "3-visualize"))
    assert "'Sum': 107.0" in shown and re.search(r"/late-lab +107", shown)
    assert "rwa-dashboard, read at" in shown and shown.count(" in CloudWatch.") == 20


def test_the_page_has_the_latency_the_cost_and_the_calls_of_each_part(report):
    page = text(report)
    assert re.search(r"\| end to end \| .* \| \d+\.\d\d \| \d+\.\d\d \| [\d,]+ \|", page)
    assert re.search(r"\| Total \| +\| \d\.\d{3} \| \d\.\d{3} \|", page)
    callers = {call.caller for call in report.calls}
    assert {"rwa-publish-metrics", "3-visualize.live_chart", "2-analyze.deploy"} <= callers
    assert "| rwa-publish-metrics |" in page and "alarms" not in callers
