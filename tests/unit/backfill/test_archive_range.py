"""Which buckets are rebuilt: none of which the archive has only a part of the records."""

import time
from datetime import UTC, datetime

import pytest

from helpers.backfill import archive_range
from helpers.backfill.archive_file import BEFORE_SECONDS, LATEST_SECONDS
from helpers.core.errors import NotDeployed, WorkshopError

NOW = time.time() // 60 * 60 + 30
DAY = 86_400


@pytest.fixture
def archived(emulator, monkeypatch, capsys):
    """Ask for a range of an archive; return the range and what was printed."""

    def asked(begins, ends=None, age=100 * DAY, days=7):
        parameters = [{"ParameterKey": "ArchiveDays", "ParameterValue": str(days)}]
        created = datetime.fromtimestamp(NOW - age, UTC)
        stack = {"CreationTime": created, "Parameters": parameters}
        monkeypatch.setattr(archive_range, "describe", lambda *_: stack)
        found = archive_range.archived_range(emulator, begins, ends, NOW - 20)
        return found, capsys.readouterr().out

    return asked


def test_a_range_is_of_whole_minutes(archived):
    assert archived(NOW - 3700, NOW - 3500) == ((NOW - 3750, NOW - 3450), "")


def test_without_an_end_it_is_the_archives(archived):
    assert archived(NOW - 600)[0] == (NOW - 630, NOW - 20)
    assert archived(NOW - 600, NOW + 600)[0] == (NOW - 630, NOW - 20)


def test_no_bucket_is_older_than_the_archive_but_for_late_beacons(archived):
    (begins, _), printed = archived(NOW - 7 * DAY, age=1800)
    assert begins == (NOW - 1800 - LATEST_SECONDS) // 60 * 60 and not printed


def test_what_the_archive_has_deleted_is_not_counted_again(archived, monkeypatch):
    monkeypatch.setattr(archive_range.time, "time", lambda: NOW)
    (begins, _), printed = archived(NOW - 30 * DAY)
    assert 0 <= begins - (NOW - 7 * DAY + BEFORE_SECONDS) < 60
    assert "The archive keeps 7 days: the rebuild begins at " in printed


def test_an_empty_range_and_a_missing_archive_are_errors(archived, emulator, monkeypatch):
    with pytest.raises(WorkshopError, match="does not have the records of this range"):
        archived(NOW + 40)
    monkeypatch.setattr(archive_range, "describe", lambda *_: None)
    with pytest.raises(NotDeployed, match="1-capture"):
        archive_range.archived_range(emulator, NOW - 600, None, NOW)
