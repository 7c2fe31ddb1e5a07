"""publish_metrics never counts twice, with any numbers of visitors and answers of CloudWatch."""

import json
import math
from collections import defaultdict
from types import SimpleNamespace

import pytest

from tests.unit.functions.faulty_aws import CUT_OFF, FaultyAws
from tests.unit.functions.lambdas import (
    container,
    image,
    kinesis_event,
    printed,
    put_catalog,
    row,
)
from tests.unit.functions.metric_chain import HOUR, Chain

METRIC = "avg_float"


class CloudWatch(FaultyAws):
    """Adds up all data, and refuses whole calls, as AWS documents it.

    Args:
        faults: by number of the call (from 0): `lost` (not counted, no answer), `refused`, or
            `late` (counted, no answer).
    """

    def __init__(self):
        self.faults, self.calls, self.refuses = {}, [], lambda datum: False
        self.sums = defaultdict(lambda: (0, 0))
        super().__init__(self._take)

    def _take(self, body):
        data = json.loads(body)["MetricData"]
        fault = self.faults.pop(len(self.calls), None)
        invalid = fault == "refused" or any(not valid(each) or self.refuses(each) for each in data)
        self.calls.append("refused" if invalid else fault)
        if fault == "lost":
            return CUT_OFF
        if invalid:
            return 400, "InvalidParameterValueException"
        for datum in data:
            key = datum["MetricName"], datum["Dimensions"][1]["Value"]
            added = datum.get("StatisticValues") or {"SampleCount": 1, "Sum": datum.get("Value", 0)}
            count, total = self.sums[key]
            self.sums[key] = count + added["SampleCount"], total + added["Sum"]
        return CUT_OFF if fault == "late" else (200, None)

    def counted(self):
        """Return samples and sum of each item of the metric."""
        return {item: both for (metric, item), both in self.sums.items() if metric == METRIC}


def valid(datum):
    """Return whether a datum is within both ranges that AWS has documented."""
    numbers = [datum[name] for name in ("Value",) if name in datum]
    numbers += [*datum.get("StatisticValues", {}).values(), *datum.get("Values", [])]
    in_range = all(n == 0 or 8.515920e-109 <= abs(n) <= 1.174271e108 for n in numbers)
    return in_range and datum.get("StatisticValues", {}).get("SampleCount", 1) > 0


@pytest.fixture
def aws(cloud, monkeypatch):
    put_catalog(cloud, METRIC, Statistic="Average", Unit="None")
    server = CloudWatch()
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", server.url)
    yield Chain(cloud), server
    server.close()


def float_row(item, value, samples=1):
    return row(samples, item, HOUR, METRIC, UnitValueFloat=value)


def float_image(item, value, samples=1, metric=METRIC):
    """Return the image of a row that was put by hand."""
    return image(item, samples, HOUR, MetricType={"S": metric}, UnitValueFloat={"N": value})


def change(new, old=None):
    images = {"NewImage": new} | ({"OldImage": old} if old else {})
    return {"eventName": "MODIFY" if old else "INSERT", "dynamodb": images}


def numbered(*changes):
    for number, each in enumerate(changes):
        each["dynamodb"] |= {"SequenceNumber": str(1000 + number), "Keys": {}}
    return {"Records": list(changes)}


def until_done(publish, batch):
    """Send a batch until all of it is published, as Lambda does."""
    records = batch["Records"]
    while records:
        try:
            again = publish.run({"Records": records}, None)["batchItemFailures"]
        except Exception:
            continue
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        records = records[numbers.index(again[0]["itemIdentifier"]) :] if again else []


GOOD = {f"/{n}": float(n) for n in range(1, 8)}
ONE_EACH = {item: (1, value) for item, value in GOOD.items()}


@pytest.mark.parametrize(
    ("bad", "failing"),
    [*((1e120, n) for n in range(4)), (-1.7e308, 1), (1e101, 0), (1e-200, 1), (-5e-324, 0)],
)
def test_a_visitors_number_beyond_the_range_causes_no_double_count(aws, bad, failing):
    chain, server = aws
    server.faults = {failing: "lost"}
    rows = [float_row("/bad", bad), *(float_row(*one) for one in GOOD.items())]
    chain.process.run(kinesis_event(rows[1:4] + rows[:1] + rows[4:]), None)
    until_done(chain.publish, chain.new_changes())
    small = {"/bad": (1, 0)} if abs(bad) < 1 else {}
    assert server.counted() == ONE_EACH | small
    assert "refused" not in server.calls


@pytest.mark.parametrize(
    ("bad", "failing"),
    [
        ("1E+120", 0),
        ("1E+120", 1),
        ("-1.2E+108", 1),
        ("NaN", 0),
        ("sNaN", 1),
        ("Infinity", 2),
        ("9E+99", 1),
    ],
)
def test_a_row_beyond_the_range_is_logged_and_not_published(aws, bad, failing, capsys):
    chain, server = aws
    server.faults = {failing: "lost"}
    changes = [change(float_image(item, repr(value))) for item, value in GOOD.items()]
    changes.insert(3, change(float_image("/bad", bad, samples=20)))
    until_done(chain.publish, numbered(*changes))
    assert server.counted() == ONE_EACH
    assert "refused" not in server.calls
    lines = printed(capsys)
    assert lines[-1]["bad"] == 1 and any("bad_record" in line for line in lines)


def test_a_row_that_is_beyond_the_range_for_a_while_is_not_counted_twice(aws):
    chain, server = aws
    fifty, huge, sixty = (
        float_image("/", "50"),
        float_image("/", "1E+120", 2),
        float_image("/", "60", 3),
    )
    chain.publish.run(numbered(change(fifty), change(huge, fifty), change(sixty, huge)), None)
    assert server.counted() == {"/": (1, 50)}, "reconcile() puts the rest"


def test_an_invalid_name_is_logged_and_not_put(aws, capsys):
    chain, server = aws
    names = ["é", "x" * 256, " ", ":a", "a\x00"]
    changes = [change(float_image("/", "1", metric=name)) for name in names]
    changes += [change(float_image(item, repr(value))) for item, value in GOOD.items()]
    assert chain.publish.run(numbered(*changes), None) == {"batchItemFailures": []}
    assert server.counted() == ONE_EACH and server.calls == [None]
    lines = printed(capsys)
    logged = [line["bad_datum"]["MetricName"] for line in lines if "bad_datum" in line]
    assert sorted(logged) == sorted(names) and lines[-1]["invalid"] == len(names)


@pytest.mark.parametrize("failing", [0, 1, 2, 4, 7, 8])
def test_changes_of_a_refused_call_are_put_one_by_one(aws, failing, capsys):
    chain, server = aws
    server.refuses = lambda datum: datum["Dimensions"][1]["Value"] == "/4"
    server.faults = {failing: "lost"}
    chain.process.run(kinesis_event([float_row(*one) for one in GOOD.items()]), None)
    until_done(chain.publish, chain.new_changes())
    assert server.counted() == {item: one for item, one in ONE_EACH.items() if item != "/4"}
    lines = printed(capsys)
    refused = [line["bad_datum"] for line in lines if "bad_datum" in line]
    assert {one["NewImage"]["MetricItem"]["S"] for one in refused} == {"/4"}


@pytest.mark.parametrize("failing", [1, 4, 6])
def test_of_single_changes_only_one_with_a_lost_answer_may_be_counted_twice(aws, failing):
    chain, server = aws
    server.faults = {0: "refused", failing: "late"}
    chain.process.run(kinesis_event([float_row(*one) for one in GOOD.items()]), None)
    batch = chain.new_changes()
    until_done(chain.publish, batch)
    twice = {item for item, one in server.counted().items() if one != ONE_EACH[item]}
    names = [one["dynamodb"]["NewImage"]["MetricItem"]["S"] for one in batch["Records"]]
    assert twice == {names[failing - 1]}


def test_single_changes_stop_before_lambda_ends_the_function(aws):
    chain, server = aws
    server.faults = {0: "refused"}
    chain.process.run(kinesis_event([float_row(*one) for one in GOOD.items()]), None)
    batch = chain.new_changes()
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000 / len(server.calls))
    (again,) = chain.publish.run(batch, context)["batchItemFailures"]
    done = [one["dynamodb"]["SequenceNumber"] for one in batch["Records"]].index(
        again["itemIdentifier"]
    )
    assert 0 < done < len(GOOD) and len(server.calls) == 1 + done == 1 + len(server.counted())
    # Also if Lambda sends the whole batch again.
    until_done(chain.publish, batch)
    assert server.counted() == ONE_EACH


def test_invalid_times_of_beacons_do_not_make_the_call_invalid(aws):
    chain, server = aws
    put_catalog(chain.cloud, "event_count")
    now = HOUR * 1000
    changes = [
        change(
            float_image(f"/{n}", "1", metric="event_count")
            | {"NewestBeacon": {"N": str(now + 10**7)}, "UpdatedAt": {"N": str(-(10**9) * n)}}
        )
        for n in range(400)
    ]
    assert chain.publish.run(numbered(*changes), None) == {"batchItemFailures": []}
    assert server.calls == [None]


def test_the_largest_call_is_within_cloudwatchs_limits(aws):
    chain, server = aws
    name = "m" * 255
    put_catalog(chain.cloud, name, MaxItems=1000)
    seen = []
    taken = server.answer
    server.answer = lambda body: (seen.append(body), taken(body))[1]
    size = chain.publish.handler.CHANGES_A_CALL
    changes = [
        change(float_image(f"{n}" + "x" * 300, "0.123456789", metric=name)) for n in range(size)
    ]
    assert chain.publish.run(numbered(*changes), None) == {"batchItemFailures": []}
    (body,) = seen
    assert len(json.loads(body)["MetricData"]) == size
    assert len(body) < 1_000_000 * 0.8


def test_both_functions_have_the_same_limit_of_a_row(cloud):
    process, publish = container("process_metrics"), container("publish_metrics")
    assert process.rows.LARGEST_NUMBER == publish.limits.LARGEST_OF_A_ROW
    most = publish.limits.LARGEST_OF_A_ROW * 2 * publish.handler.CHANGES_A_CALL
    assert most < publish.limits.LARGEST < 2.0**360
    assert math.log2(publish.limits.SMALLEST) > -360
