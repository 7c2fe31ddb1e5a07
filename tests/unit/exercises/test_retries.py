"""Module 5's exercise about PutRecords: the right work, common wrong ones, and none."""

import pytest

from helpers.exercises.exercise import NotYet, run_check
from helpers.exercises.retries import EXERCISES

(PUT,) = EXERCISES


def put_all(put, records, most=500):
    while records:
        part, records = records[:most], records[most:]
        answers = put(part)["Records"]
        pairs = zip(part, answers, strict=True)
        records = [record for record, answer in pairs if "ErrorCode" in answer] + records


def once(put, records):
    for start in range(0, len(records), 500):
        put(records[start : start + 500])


def whole_batch_again(put, records):
    for start in range(0, len(records), 500):
        for _ in range(100):
            if put(records[start : start + 500])["FailedRecordCount"] == 0:
                break


def second_try_only(put, records):
    for start in range(0, len(records), 500):
        part = records[start : start + 500]
        answers = put(part)["Records"]
        again = [r for r, a in zip(part, answers, strict=True) if "ErrorCode" in a]
        if again:
            put(again)


def for_ever(put, records):
    while True:
        put(records[:500])


@pytest.mark.parametrize("most", [500, 7])
def test_the_right_function_passes(most):
    assert "once" in run_check(PUT, lambda put, records: put_all(put, records, most=most))


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (once, "were rejected, and are lost"),
        (whole_batch_again, "on the stream twice"),
        (second_try_only, "lost, although some were put again"),
        (for_ever, "calls put more than 2,000 times"),
        (lambda put, records: put_all(put, records, most=2000), "1 to 500 records, not 1200"),
        (lambda put, records: put(records), "are lost"),
        (lambda put: put([]), "raises TypeError"),
        (7, "no function"),
        (None, "no work yet"),
    ],
)
def test_wrong_work_has_a_sentence_of_its_own(work, sentence):
    with pytest.raises(NotYet, match=sentence):
        run_check(PUT, work)
