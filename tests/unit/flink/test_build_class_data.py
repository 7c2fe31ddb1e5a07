"""If Java's classes can't be archived, a sentence has the reason, and no process is left."""

import subprocess

import pytest

from helpers.flink import build_class_data, class_data, plans


@pytest.fixture
def planning(tmp_path, monkeypatch):
    """Return a function that has this code run in the place of the planning process."""
    monkeypatch.setattr(class_data, "folder", lambda: tmp_path)
    started = []
    start = plans.start_python

    def keep(*arguments):
        started.append(start(*arguments))
        return started[-1]

    monkeypatch.setattr(plans, "start_python", keep)

    def replace(code: str) -> list[subprocess.Popen]:
        monkeypatch.setattr(plans, "command", lambda *_: ["-c", code])
        return started

    return replace


def test_a_plan_that_fails_is_reported_with_its_reason(planning):
    planning("import sys; print('no memory'); sys.exit(1)")
    with pytest.raises(SystemExit, match="(?s)could not be made: .*no memory.*starts more slowly"):
        build_class_data.main()


def test_a_plan_that_does_not_end_is_killed(planning, monkeypatch):
    monkeypatch.setattr(build_class_data, "SECONDS", 0.1)
    started = planning("import time; time.sleep(900)")
    with pytest.raises(SystemExit, match="did not end within"):
        build_class_data.main()
    assert started[0].wait() < 0
