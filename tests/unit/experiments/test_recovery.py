"""Waiting until beacons are counted again: what passes by itself, and what does not."""

import time

import pandas as pd
import pytest

from helpers.core.errors import NotDeployed, TargetStopped, TemporaryFailure, WorkshopError
from helpers.experiments import recovery
from helpers.experiments.recovery import newest_counted, until_counted


def answering(monkeypatch, *answers):
    """Let each reading of the table return the next of these times, or raise it."""
    left = iter(answers)

    def read(cloud, metric, minutes):
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return pd.DataFrame({"NewestBeacon": pd.to_datetime([answer], unit="s", utc=True)})

    monkeypatch.setattr(recovery, "metric_values", read)
    monkeypatch.setattr(recovery, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize(
    "error",
    [
        NotDeployed("The table", "2-analyze"),
        TargetStopped("It has ended.", "Connect again."),
        TemporaryFailure("Throttled.", "Wait."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_by_itself_is_waited_for(monkeypatch, error):
    since, reports = time.time(), []
    answering(monkeypatch, error, None, since - 5, since + 1)
    assert 0 <= until_counted(None, since, 60, reports.append) < 60
    assert len(reports) == 3


def test_it_ends_without_a_count_when_the_time_is_over(monkeypatch):
    answering(monkeypatch, None)
    assert until_counted(None, time.time() - 61, 60, lambda waited: None) is None


def test_another_error_is_raised(monkeypatch):
    answering(monkeypatch, WorkshopError("There is no such metric.", "Choose one."))
    with pytest.raises(WorkshopError, match="no such metric"):
        newest_counted(None)
