"""The reason for a failed start, from lines as Managed Flink writes them into CloudWatch."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from helpers.core.cloud import Cloud
from helpers.deployment import flink_log
from helpers.deployment.flink_log import GROUP, failure, notes

DRIVER = "org.apache.flink.client.python.PythonDriver"
STARTED = {"messageType": "INFO", "logger": DRIVER, "message": "--- Python Process Started ---"}
EXITED = STARTED | {"message": "--- Python Process Exited ---"}
CRASH = {
    "messageType": "ERROR",
    "logger": "org.apache.flink.client.cli.CliFrontend",
    "message": "Fatal error",
    "throwableInformation": [
        "org.apache.flink.client.program.ProgramInvocationException: The main method failed.",
        "\tat org.apache.flink.client.ClientUtils.executeProgram(ClientUtils.java:105)",
        "Caused by: java.lang.RuntimeException: no slots",
        "\t... 12 more",
    ],
}


def said(text: str) -> dict:
    return STARTED | {"message": text}


@pytest.fixture
def application(emulator, monkeypatch):
    """Return a function that writes lines into the log of an application, and its Cloud."""
    monkeypatch.setattr(flink_log, "_WAIT_SECONDS", 0)
    cloud = Cloud(emulator.session, emulator.account, "logged", emulator.endpoint)
    logs, group = cloud.client("logs"), GROUP.format("logged-analytics")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="flink")

    def write(*lines: dict | str, ago: float = 0) -> Cloud:
        now = int((time.time() - ago) * 1000)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        events = [{"timestamp": now + n, "message": text} for n, text in enumerate(texts)]
        logs.put_log_events(logGroupName=group, logStreamName="flink", logEvents=events)
        return cloud

    yield write
    logs.delete_log_group(logGroupName=group)


def test_the_reason_is_the_last_line_that_main_py_printed(application):
    cloud = application(
        *(STARTED, said("a warning"), said("17_mine.sql: Column 'colour' not found "), EXITED),
        CRASH,
    )
    assert failure(cloud, time.time() - 60) == "17_mine.sql: Column 'colour' not found"


def test_only_the_last_run_counts_and_nothing_older_than_the_start(application):
    application(STARTED, said("an old reason"), EXITED, ago=300)
    cloud = application(STARTED, said("not any more"), EXITED, STARTED, said("this one"), EXITED)
    assert failure(cloud, time.time() - 60) == "this one"
    assert failure(cloud, time.time() + 60) == ""


def test_without_words_of_main_py_the_reason_is_the_innermost_exception(application):
    cloud = application(STARTED, said("Note: x"), said("The job has started."), EXITED, CRASH)
    assert failure(cloud, time.time() - 60) == "java.lang.RuntimeException: no slots"
    assert notes(cloud, time.time() - 60) == ["x"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            CRASH | {"throwableInformation": "java.io.IOException: full"},
            "java.io.IOException: full",
        ),
        ({"messageType": "ERROR", "message": "the zip is missing"}, "the zip is missing"),
        ("the service's own words, which are no JSON", ""),
        ("[1]", ""),
    ],
)
def test_lines_of_other_forms(application, line, reason):
    assert failure(application(line), time.time() - 60) == reason


def test_a_reason_can_be_no_markup_for_the_terminal_and_is_short(application):
    cloud = application(STARTED, said("\x1b[31mred\u202e" + "x" * 5000), EXITED)
    found = failure(cloud, time.time() - 60)
    assert found.startswith("□[31mred□xxx") and len(found) == flink_log._LONGEST


def test_a_log_that_cant_be_read_hides_no_failure(emulator, monkeypatch):
    monkeypatch.setattr(flink_log, "_WAIT_SECONDS", 0)
    cloud = Cloud(emulator.session, emulator.account, "unlogged", emulator.endpoint)
    with pytest.raises(ClientError):
        cloud.client("logs").filter_log_events(logGroupName=GROUP.format("unlogged-analytics"))
    assert failure(cloud, 0) == "" and notes(cloud, 0) == []
