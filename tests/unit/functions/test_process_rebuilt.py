"""process_metrics with rebuilt rows: they replace wrong rows, and not what came meanwhile."""

import itertools
import random

import pytest

from tests.unit.functions.lambdas import container, kinesis_event, row, stored

KEY = ("top_pages", "0000001795500000#/cart")
# A wrong job counted each beacon twice until it was updated at 25. The first rebuild reads an
# archive that is complete until 40. The second one begins when the rows of the first are stored.
WRONG = [row(8, EmittedAt=10), row(12, EmittedAt=20)]
RIGHT = [row(7, EmittedAt=30), row(8, EmittedAt=50), row(9, EmittedAt=70)]
FIRST = row(7, EmittedAt=45, ArchivedUntil=40)
SECOND = row(8, EmittedAt=65, ArchivedUntil=60)


@pytest.fixture
def run(cloud):
    """Send batches of rows to an empty key; return the item."""
    function = container("process_metrics")

    def sent(*batches):
        cloud.client("dynamodb").delete_item(
            TableName=cloud.name("MetricDetails"),
            Key={"MetricType": {"S": KEY[0]}, "Bucket": {"S": KEY[1]}},
        )
        for batch in batches:
            answer = function.run(kinesis_event(list(batch)), None)
            assert answer == {"batchItemFailures": []}
        return stored(cloud)[KEY]

    return sent


def test_a_rebuilt_row_replaces_a_wrong_one_with_more_samples(run):
    item = run(WRONG, [FIRST])
    assert (item["UnitValueInt"], item["Samples"]) == (7, 7)
    assert (item["EmittedAt"], item["ArchivedUntil"]) == (40, 40)


@pytest.mark.parametrize("order", list(list(itertools.permutations([*WRONG, RIGHT[0], FIRST]))))
def test_no_former_row_returns(run, order):
    assert run(*[[each] for each in order])["UnitValueInt"] == 7
    assert run(order, WRONG, [FIRST])["UnitValueInt"] == 7


@pytest.mark.parametrize("order", list(list(itertools.permutations([*RIGHT[1:], FIRST]))))
def test_what_the_job_counts_meanwhile_is_kept(run, order):
    item = run(*[[each] for each in order])
    assert (item["UnitValueInt"], item["ArchivedUntil"]) == (9, 40)
    assert run(order)["UnitValueInt"] == 9


def test_a_row_of_the_job_that_is_behind_does_not_replace_a_rebuilt_one(run):
    behind = row(6, EmittedAt=50)
    assert run([FIRST], [behind])["UnitValueInt"] == 7
    assert run([behind], [FIRST])["UnitValueInt"] == 7


def orders(chance, number):
    """Return orders of all rows, each twice, that a rebuild and its repetition can cause.

    When the first rebuild's rows are stored, the second one has not begun: no row that Flink emits
    after 60, when the archive is read again, is stored before them.
    """
    late = [SECOND, RIGHT[-1]]
    for _ in range(number):
        early = [*WRONG, *RIGHT[:-1]] * 2
        chance.shuffle(early)
        cut = chance.randint(0, len(early))
        rest = [*early[cut:], FIRST, *late, *late]
        chance.shuffle(rest)
        yield [*early[:cut], FIRST, *rest]


def test_every_order_and_repetition_ends_with_the_right_value(run):
    chance = random.Random(1)
    for order in orders(chance, 300):
        size = chance.randint(1, len(order))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        item = run(*batches)
        assert (item["UnitValueInt"], item["Samples"]) == (9, 9), batches
        assert item["ArchivedUntil"] == 60


def test_an_amendment_that_was_stored_between_wrong_rows_needs_the_second_rebuild(run):
    """The row of 50 loses against the wrong one of 20, and the first rebuild does not know it."""
    early = [WRONG[1], RIGHT[1], FIRST]
    assert run(*[[each] for each in early])["UnitValueInt"] == 7
    assert run(*[[each] for each in early], [SECOND])["UnitValueInt"] == 8


def visits(value, emitted_at, **fields):
    return row(value, Samples=None, EmittedAt=emitted_at, **fields)


@pytest.mark.parametrize(
    "order", itertools.permutations([visits(9, 10), visits(2, 45, ArchivedUntil=40), visits(3, 50)])
)
def test_of_values_that_may_fall_the_latest_is_kept(run, order):
    """A rebuilt one is as old as the archive from which it was counted."""
    item = run(*[[each] for each in order])
    assert (item["UnitValueInt"], item["EmittedAt"]) == (3, 50)
    assert run(order)["UnitValueInt"] == 3
    without = [each for each in order if each["EmittedAt"] != 50]
    item = run(*[[each] for each in without])
    assert (item["UnitValueInt"], item["EmittedAt"]) == (2, 40)
