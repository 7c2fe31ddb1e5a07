"""Random rows and changes for both functions: an invalid one does not block the others."""

import json
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import fuzzed
from tests.unit.functions.lambdas import (
    container,
    image,
    kinesis_event,
    own_tables,
    put_catalog,
    row,
    stored,
)

BUCKET = 1_795_500_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
ITEMS = st.text(max_size=30) | st.sampled_from(["", " ", "\ud800", "x" * 2000, "é" * 600, "\x00"])
GOOD_ROWS = st.builds(
    lambda item, samples: row(samples=samples, item=item, bucket=BUCKET),
    st.text("abc/", min_size=1, max_size=4),
    st.integers(0, 10**6),
)
ODD_ROWS = st.tuples(GOOD_ROWS, st.sampled_from(sorted(row())), JSON | ITEMS).map(
    lambda t: t[0] | {"MetricType": "odd"} | {t[1]: t[2]}
)
RAW = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())


@pytest.fixture(scope="module")
def cloud(emulator):
    with pytest.MonkeyPatch.context() as patch:
        cloud = own_tables(emulator, patch)
        put_catalog(cloud, MaxItems=1000)
        yield cloud


@pytest.fixture(scope="module")
def process(cloud):
    return container("process_metrics")


@pytest.fixture(scope="module")
def publish(cloud):
    return container("publish_metrics")


@fuzzed(60)
@given(st.lists(GOOD_ROWS, max_size=6), st.lists(ODD_ROWS | RAW, max_size=6), st.randoms())
def test_no_row_blocks_the_others_in_process_metrics(cloud, process, good, other, chance):
    batch = good + other
    chance.shuffle(batch)
    before = {key: item["Samples"] for key, item in stored(cloud).items() if key[0] != "odd"}
    assert process.run(kinesis_event(batch), None) == {"batchItemFailures": []}
    expected = Counter(before)
    for each in good:
        key = each["MetricType"], f"{each['EventTimestamp']:016d}#{each['MetricItem']}"
        expected[key] = max(expected[key], each["Samples"])
    after = stored(cloud)
    kept = {key: item["Samples"] for key, item in after.items() if key in expected}
    assert kept == dict(expected)
    for (_, key), item in after.items():
        assert len(key.encode()) <= 1024 and item["ExpireTime"] < 10**11


ATTRIBUTES = (
    st.sampled_from([{"N": "7"}, {"N": "-1"}, {"N": "1E+125"}, {"N": "x"}, {"S": ""}, {}, None])
    | ITEMS.map(lambda text: {"S": text})
    | st.just({"NULL": True})
)


def broken(image: dict, field: str, value: object) -> dict:
    """Return an image with one field missing or of another type."""
    others = {name: image[name] for name in image if name != field}
    return others | ({} if value is None else {field: value})


@fuzzed(60)
@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=5),
    st.lists(
        st.tuples(
            st.sampled_from(["INSERT", "MODIFY", "REMOVE", "", "insert"]),
            st.sampled_from(["MetricItem", "EventTimestamp", "UnitValueInt", "Samples"]),
            ATTRIBUTES,
            st.sampled_from(["new", "old", "neither"]),
            # A key of the table, which in DynamoDB is a non-empty text.
            st.sampled_from(["odd", "é", "x" * 300, ":", "a b", "\x00"]),
        ),
        max_size=5,
    ),
    st.randoms(),
)
def test_no_change_blocks_the_others_in_publish_metrics(cloud, publish, values, odd, chance):
    bucket = int(time.time()) // 10 * 10  # CloudWatch refuses times that are much older or newer
    item = "/page"
    before = [total(cloud, f"{item}-{n}", bucket) for n in range(len(values))]
    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": image(f"{item}-{n}", value, bucket)}}
        for n, value in enumerate(values)
    ]
    for name, field, value, where, metric in odd:
        odd_metric = {"MetricType": {"S": metric}}
        images = {
            "NewImage": image("odd", 7, bucket, **odd_metric),
            "OldImage": image("odd", 5, bucket, **odd_metric),
        }
        if where != "neither":
            which = "NewImage" if where == "new" else "OldImage"
            images[which] = broken(images[which], field, value)
        records.append({"eventName": name, "dynamodb": images})
    chance.shuffle(records)
    for record in records:
        record["dynamodb"]["SequenceNumber"] = str(next(NUMBERS))
    assert publish.run({"Records": records}, None) == {"batchItemFailures": []}
    for n, value in enumerate(values):
        assert total(cloud, f"{item}-{n}", bucket) == before[n] + value


NUMBERS = iter(range(10**20, 10**21))  # growing, like a stream's sequence numbers


def total(cloud, item: str, bucket: int) -> float:
    """Return CloudWatch's sum for an item in a bucket."""
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="RealtimeWebAnalytics",
        MetricName="top_pages",
        Dimensions=[{"Name": "Stack", "Value": cloud.prefix}, {"Name": "Item", "Value": item}],
        StartTime=bucket,
        EndTime=bucket + 10,
        Period=10,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])
