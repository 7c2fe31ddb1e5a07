"""Which of the rows in the metrics stream the ledger counts: the one that the table keeps."""

import itertools

import pytest

from helpers.audit.stage_counts import _newest_rows


def row(value, emitted=0, until=None):
    counted = {"Samples": value, "UnitValueInt": value, "EmittedAt": emitted}
    key = {"MetricType": "bot_count", "EventTimestamp": 10, "MetricItem": "curl"}
    return key | counted | ({"ArchivedUntil": until} if until else {})


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([row(7, 10), row(9, 20), row(8, 30)], 9),
        ([row(9, 10), row(7, 40, until=30)], 7),
        ([row(9, 10), row(7, 40, until=30), row(8, 50)], 8),
        ([row(9, 10), row(7, 40, until=30), row(6, 50)], 7),
        ([row(9, 10), row(8, 35), row(7, 40, until=30)], 8),
        ([row(9, 10), row(7, 40, until=30), row(6, 60, until=50), row(8, 45)], 6),
        ([row(9), row(7)], 9),
    ],
)
def test_in_every_order_the_row_counts_that_the_table_keeps(rows, value):
    for order in itertools.permutations(rows):
        assert list(_newest_rows(order).values()) == [value]
