"""Notebooks 1, 3 and 9 on a target that takes AWS's times. All: tests/rerun.

Left out of module 3 are the detectors' comparison, which only computes, and the burst's alarm.
"""

import re

import pytest

from tests.notebooks_in_aws_pace import all_text, faults, run, target_in_aws_pace


@pytest.fixture(scope="module", autouse=True)
def target(tmp_path_factory):
    with target_in_aws_pace(tmp_path_factory.mktemp("pace") / "workshop"):
        yield


def test_module_1_waits_for_its_beacon_and_its_servers():
    cells = run("1-capture.ipynb")
    assert faults(cells) == []
    text = all_text(cells)
    assert "/cart" in text and "in 3 items" in text and "beacons sent since" in text


def test_module_3_waits_for_new_metrics_and_finds_those_that_are_not_listed():
    cells = run(
        "3-visualize.ipynb", without=r"(detector_chart|score_detectors|burst)\(|alarm_mess.*head"
    )
    assert faults(cells) == []
    text = all_text(cells)
    assert "'Sum': 107.0" in text and re.search(r"/late-lab +107", text)
    assert "rwa-dashboard, read at" in text
    assert text.count(" in CloudWatch.") == 8


def test_module_9_reports_nothing_that_is_only_still_listed():
    cells = run("9-clean-up.ipynb")
    assert faults(cells) == [] and "✓ Nothing of rwa is left." in all_text(cells)
