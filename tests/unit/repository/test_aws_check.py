"""`make aws-check` with small notebooks; tests/e2e/test_aws_check.py runs the real ones."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from bench import aws_check, notebook_steps
from bench.aws_check_report import Report, text
from bench.notebook_steps import steps
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from tests.running_notebooks import notebook_of

FAILS = 'from helpers import WorkshopError\nraise WorkshopError("No | stream.", "Run `x`.")'


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """Return a function that writes a notebook of these cells."""
    monkeypatch.setattr(notebook_steps, "FOLDER", tmp_path)

    def write(name: str, *cells: str, tags: tuple[str, ...] = ()) -> None:
        notebook = json.loads(notebook_of(*cells))
        notebook["cells"][-1]["metadata"] = {"tags": list(tags)} if tags else {}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")

    return write


def test_each_cell_is_a_step_and_connects_where_the_check_does(notebooks):
    notebooks(
        "1-one",
        'import os\n\n# A word.\nprint("✓ one\\ntwo")\n7',
        "# %load solutions/none.py",
        'connect = print\ncloud = connect("local")',
    )
    one, two = steps("1-one", 'connect("aws", "ann")')
    assert one.call == 'print("✓ one\\ntwo")' and one.outputs == ["✓ one\ntwo\n", "7"]
    assert one.checks == ["✓ one"] and not one.has_failed
    assert two.outputs == ["aws ann\n"]


def test_a_cell_that_fails_has_its_error_and_one_that_should_fail_has_not_failed(notebooks):
    notebooks("1-one", "1", FAILS, tags=("raises-exception",))
    notebooks("2-two", FAILS)
    notebooks("3-three", "1", "2", tags=("raises-exception",))
    first, expected = steps("1-one", "")
    (failed,) = steps("2-two", "")
    *_, missing = steps("3-three", "")
    assert not first.has_failed and not expected.has_failed
    assert failed.has_failed and failed.error == "WorkshopError: No | stream. → Run `x`."
    assert missing.has_failed and missing.error == ""


@pytest.fixture
def on_emulator(emulator, monkeypatch):
    """Make the check connect to this run's emulator, on which nothing is deployed."""
    monkeypatch.setattr(aws_check, "connect", lambda target, prefix: emulator)
    monkeypatch.setattr(aws_check, "NOTEBOOKS", ("1-one", "2-two", "3-three"))
    return emulator


def test_after_a_failure_the_others_are_left_out_and_everything_is_deleted(notebooks, on_emulator):
    notebooks("1-one", 'print("✓ held")  # check.one', 'print("✓ is up to date")')
    notebooks("2-two", FAILS, "1")
    notebooks("3-three", "1")
    notebooks("9-clean-up", 'print("✓ Nothing of rwa is left.")')
    report = aws_check.check("local")
    assert [step.notebook for step in report.steps] == ["1-one", "1-one", "2-two", "9-clean-up"]
    assert report.is_clean and not report.has_held
    page = text(report)
    assert "1 of 4 steps failed (2-two: `raise WorkshopError" in page
    assert "| **failed**: WorkshopError: No \\| stream. → Run 'x'. |" in page
    assert "- 1-one: ✓ held" in page and "is up to date" not in page.split("## Latency")[0]
    assert "Nothing is left." in page


COUNTING = """
from types import SimpleNamespace
from helpers.core.call_meter import Reading
call = Reading("2-two.cell", "cloudwatch", "GetMetricData", 3, {"million metrics read": 1.0})
cloud = SimpleNamespace(counted_calls=lambda: (0, [call]))
"""


def test_on_aws_each_notebook_counts_its_own_calls(notebooks, on_emulator, monkeypatch):
    monkeypatch.setattr(aws_check, "NOTEBOOKS", ("2-two",))
    notebooks("2-two", COUNTING)
    notebooks("9-clean-up", "1")
    report = aws_check.check("aws")
    assert report.has_held and len(report.steps) == 2
    (call,) = report.calls
    assert (call.caller, call.calls) == ("2-two.cell", 3)
    assert "the calls of the notebooks" in text(report) and "| 2-two.cell | 3 |" in text(report)


def test_a_clean_up_that_fails_is_reported(notebooks, on_emulator):
    for name in aws_check.NOTEBOOKS:
        notebooks(name, "1")
    notebooks("9-clean-up", FAILS)
    report = aws_check.check("local")
    assert not report.has_held and "Something may be left." in text(report)


def test_what_exists_already_is_neither_used_nor_deleted(notebooks, on_emulator):
    streams = on_emulator.client("kinesis")
    streams.create_stream(StreamName="rwa-mine", ShardCount=1)
    try:
        with pytest.raises(WorkshopError, match="stream rwa-mine"):
            aws_check.check("local")
        assert "rwa-mine" in streams.list_streams()["StreamNames"]
    finally:
        streams.delete_stream(StreamName="rwa-mine")


# A shell that is not interactive starts its background jobs with SIGINT ignored, and all that they
# start inherits this: a whole run of the tests, too.
INTERRUPTED = """
import signal, sys, types
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from bench import aws_check, notebook_steps

notebook_steps.FOLDER = Path(sys.argv.pop())
aws_check.NOTEBOOKS = ("1-one",)
place = types.SimpleNamespace(prefix="rwa", region="us-east-1", counted_calls=lambda: (0, []))
aws_check.connect = lambda *_: place
aws_check.remaining, aws_check.cost = lambda _: [], lambda _: None
sys.exit(aws_check.main())
"""


def test_after_ctrl_c_everything_is_deleted_all_the_same(notebooks, tmp_path):
    begun, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    notebooks("1-one", f"import time\nopen({str(begun)!r}, 'x').close()\ntime.sleep(600)")
    notebooks("9-clean-up", f"open({str(cleaned)!r}, 'x').close()")
    command = [sys.executable, "-c", INTERRUPTED, "--target", "local", str(tmp_path)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert cleaned.exists()


# The first message of the kernel has Ctrl + C arrive while an object is deleted: Python ignores an
# exception there, so a KeyboardInterrupt would be lost.
IN_A_DESTRUCTOR = """
import nbclient, signal

class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def process_message(self, *arguments):
    nbclient.NotebookClient.process_message = original
    Deleted()
    return original(self, *arguments)

original, nbclient.NotebookClient.process_message = (
    nbclient.NotebookClient.process_message, process_message
)
"""
# A kernel that never reacts: it is ended with the notebook.
NEVER = """
from bench import notebook_steps
from jupyter_client import AsyncKernelManager

notebook_steps.INTERRUPTED_AGAIN_AFTER = 0.1
interrupt = AsyncKernelManager.interrupt_kernel

async def interrupt_kernel(self):
    pass

AsyncKernelManager.interrupt_kernel = interrupt_kernel
"""
# The kernel ignores an interrupt that arrives after its message that it is busy, and before the
# cell's first line: here, always the first one.
BEFORE_THE_FIRST_LINE = f"""{NEVER}
async def interrupt_once(self):
    AsyncKernelManager.interrupt_kernel = interrupt

AsyncKernelManager.interrupt_kernel = interrupt_once
"""


@pytest.mark.parametrize(
    "circumstance",
    [
        IN_A_DESTRUCTOR,
        IN_A_DESTRUCTOR + BEFORE_THE_FIRST_LINE,
        IN_A_DESTRUCTOR + NEVER,
    ],
    ids=["in a destructor", "before the first line", "never"],
)
def test_ctrl_c_is_not_lost(notebooks, tmp_path, circumstance):
    cleaned = tmp_path / "cleaned"
    notebooks("1-one", "import time; time.sleep(600)")
    notebooks("9-clean-up", f"open({str(cleaned)!r}, 'x').close()")
    command = [sys.executable, "-c", circumstance + INTERRUPTED, "--target", "local"]
    ended = subprocess.run([*command, str(tmp_path)], cwd=REPOSITORY, timeout=120)
    assert ended.returncode == 130
    assert cleaned.exists()


def test_the_page_of_an_empty_run_has_a_sentence_for_all_it_lacks():
    page = text(Report("aws", "us-east-1", datetime.now(UTC)))
    assert page.count("It was not measured.") == 2 and "No check was reached." in page
