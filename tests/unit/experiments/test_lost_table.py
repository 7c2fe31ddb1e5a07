"""`delete_rows` empties the table of metrics, on this machine only."""

import pytest

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import write_json
from helpers.core.target_files import description_file
from helpers.experiments.lost_table import delete_rows
from tests.unit.functions.lambdas import container, kinesis_event, own_tables, row, stored

BUCKET = 1_800_000_000


def test_an_aws_account_is_refused_before_the_first_call(own_home):
    class NoClient(Cloud):
        def client(self, name):
            raise AssertionError("no call is made")

    with pytest.raises(WorkshopError, match="on this machine only"):
        delete_rows(NoClient(None, "123456789012", "rwa"))


def test_all_rows_are_deleted_but_the_scores(emulator, monkeypatch, own_home, capsys):
    cloud = own_tables(emulator, monkeypatch)
    write_json(description_file(), {"endpoint": cloud.endpoint})
    rows = [row(1, f"/{number}", BUCKET) for number in range(60)]
    score = row(3, "click", BUCKET, "event_anomaly", UnitValueFloat=1.5)
    container("process_metrics").run(kinesis_event([*rows, score]), None)
    delete_rows(cloud)
    assert [key[0] for key in stored(cloud)] == ["event_anomaly"]
    assert f"✓ 60 rows of {cloud.name('MetricDetails')} are deleted." in capsys.readouterr().out
    delete_rows(cloud)
    assert "✓ 0 rows of" in capsys.readouterr().out
