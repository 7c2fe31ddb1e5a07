"""All stages of a journey, filled by hand for the ledger to account for."""

import dataclasses
import gzip
import io
import json
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest

from assets.agent import access_log
from helpers.audit import ledger as accounts
from helpers.audit.ledger import ledger
from helpers.generator.beacon import Beacon
from helpers.generator.delayed_delivery import log_line
from helpers.generator.journal import entry
from helpers.traffic.send_beacon import note
from tests.unit.functions.lambdas import (
    changes,
    container,
    kinesis_event,
    own_tables,
    put_catalog,
    put_datum,
    row,
)

NOW = int(time.time()) // 60 * 60
START = NOW - 1200  # long enough ago that nothing can be on its way
PLAIN = Beacon(b"click", b"one", b"/cart", b"Firefox", b"https://example.com/")
HOSTILE = Beacon(b"<b>", None, b"/<script>alert('x')</script>$1$", None, None)
BAD = dataclasses.replace(
    PLAIN,
    kind="malformed",
    expect="unparsable",
    extra=((b"custom_metric_name", b"x"), (b"custom_metric_int_value", b"banana")),
)


class World:
    """All stages of a journey under a prefix of its own, filled by hand: nothing runs in it.

    What Flink would count is counted here with a Counter; the functions are the real ones.
    """

    def __init__(self, cloud):
        self.cloud, self.offset = cloud, 0
        self.flink_remembers = 3 * 3600  # seconds: what nobody touches is forgotten
        self.clicks, self.archive, self.counts = [], [], Counter()
        client = cloud.client
        client("kinesis").create_stream(StreamName=cloud.name("clicks"), ShardCount=1)
        client("kinesis").create_stream(StreamName=cloud.name("metrics"), ShardCount=1)
        client("s3").create_bucket(Bucket=cloud.bucket("archive"))
        for metric in ("referral_count", "rejected_count", "duplicate_count"):
            put_catalog(cloud, metric, MaxItems=2)

    def with_the_rest(self):
        """What the ledger asks when it looks for a reason."""
        cloud = self.cloud
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as file:
            file.writestr("handler.py", "def handler(event, context): pass")
        role = f"arn:aws:iam::{cloud.account}:role/any"
        cloud.client("lambda").create_function(
            FunctionName=cloud.name("publish-metrics"),
            Runtime="python3.12",
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": code.getvalue()},
        )
        cloud.client("kinesisanalyticsv2").create_application(
            ApplicationName=cloud.name("analytics"),
            RuntimeEnvironment="FLINK-2_2",
            ServiceExecutionRole=role,
        )
        cloud.client("firehose").create_delivery_stream(
            DeliveryStreamName=cloud.name("archive"),
            ExtendedS3DestinationConfiguration={
                "BucketARN": f"arn:aws:s3:::{cloud.bucket('archive')}",
                "RoleARN": role,
                "BufferingHints": {"IntervalInSeconds": 10},
            },
        )
        return self

    def send(self, beacon=PLAIN, at=0, *, status=200, journaled=True, logged=True, copies=0):
        """Send a beacon at START + `at` seconds; return its beacon_id."""
        sent = START + at
        line = log_line(beacon, sent, "192.0.2.1")
        name = access_log.beacon_id("server", 1, self.offset, line)
        self.offset += len(line) + 1
        if journaled:
            note(self.cloud, entry(beacon, sent, status))
        if logged:
            self.ship(access_log.click_record(line, name, int(sent * 1000)), sent + 0.2)
            for number in range(copies):
                self.ship(access_log.click_record(line, name, int(sent * 1000)), sent + number + 1)
        return name

    def send_late(self, at, seconds):
        """Put a record that is so late at START + `at`, as a server that was cut off."""
        beacon, sent = dataclasses.replace(PLAIN, kind="late", expect="accepted"), START + at
        if seconds > 3600:
            beacon.expect = "too_late"
        line = log_line(beacon, sent - seconds, "192.0.2.2")
        name = access_log.beacon_id("cut-off-server", 1, self.offset, line)
        self.offset += len(line) + 1
        record = access_log.click_record(line, name, int(sent * 1000))
        note(
            self.cloud,
            entry(beacon, sent, 200, beacon_id=name, requested_at=record["requested_at"]),
        )
        self.ship(record, sent)

    def repeat(self, at):
        """Put the last record once more, as the generator's duplicates are."""
        record, _ = self.archive[-1]
        copy = dataclasses.replace(PLAIN, kind="duplicate", expect="duplicate")
        more = {name: record[name] for name in ("beacon_id", "requested_at")}
        note(self.cloud, entry(copy, START + at, 200, **more))
        self.ship({k: v for k, v in record.items() if k != "shipped_at"}, START + at)

    def ship_again(self, name, at):
        """Ship a record once more at START + `at`, as an agent that lost its state does."""
        record = next(each for each, _ in self.archive if each["beacon_id"] == name)
        self.ship(record, START + at)

    def ship(self, record, at):
        last = max((t for each, t in self.archive if each["beacon_id"] == record["beacon_id"]),
                   default=0)  # fmt: skip
        record = record | {"shipped_at": int(at * 1000)}
        self.archive.append((record, at))
        arrival = int(at) // 10 * 10
        if at - last < self.flink_remembers:
            self.counts["duplicate_count", arrival, "All Beacons"] += 1
        elif "rejected" in record:
            self.counts["rejected_count", arrival, record["rejected"]] += 1
        else:
            asked = record["requested_at"] / 1000
            if at - asked > 3600:
                self.counts["rejected_count", arrival, "too_late"] += 1
            else:
                referrer = record["referrer"] or "(direct)"
                self.counts["referral_count", int(asked) // 10 * 10, referrer] += 1

    def flow(self, without=()):
        """Let everything flow through all stages; cells in `without` never leave Flink."""
        for number, (record, at) in enumerate(self.archive):
            data = access_log.encode(record, record["shipped_at"])
            self.cloud.client("kinesis").put_record(
                StreamName=self.cloud.name("clicks"), Data=data, PartitionKey="1"
            )
            self.cloud.client("s3").put_object(
                Bucket=self.cloud.bucket("archive"),
                Key=f"{datetime.fromtimestamp(at, UTC):beacons/year=%Y/month=%m/day=%d/hour=%H/}"
                f"{number:06d}.gz",
                Body=gzip.compress(data),
            )
        rows = [
            row(n, item, bucket, metric)
            for (metric, bucket, item), n in self.counts.items()
            if (metric, bucket, item) not in without
        ]
        for one in rows:
            # An older row, that a newer one amends, and one that Flink took back.
            for after, op in ((one | {"Samples": 0, "UnitValueInt": 0}, "c"), (one, "u")):
                self._metric({"before": None, "after": after, "op": op})
            self._metric({"before": one, "after": None, "op": "d"})
        self._metric("no row")
        container("process_metrics").run(kinesis_event(rows), None)
        container("publish_metrics").run({"Records": changes(self.cloud)}, None)
        return self

    def _metric(self, row):
        self.cloud.client("kinesis").put_record(
            StreamName=self.cloud.name("metrics"), Data=json.dumps(row), PartitionKey="1"
        )

    def account(self, **more):
        return ledger(self.cloud, datetime.fromtimestamp(START - 60, UTC), **more)


@pytest.fixture
def world(emulator, own_home, monkeypatch):
    # Its stream is made now, and what is sent is dated back, so that nothing can be on its way.
    monkeypatch.setattr(accounts, "_made", lambda cloud: START - 3600)
    return World(own_tables(emulator, monkeypatch))


@pytest.fixture
def full(world):
    """Some of everything, in four buckets, at every stage."""
    world.with_the_rest()
    for at in range(0, 40, 2):
        world.send(PLAIN, at, copies=at == 10)
        world.send(dataclasses.replace(PLAIN, referrer=b"https://b.example/"), at)
    world.repeat(43)
    world.send(HOSTILE, 5)
    world.send(BAD, 12)
    world.send_late(20, seconds=45)
    world.send_late(30, seconds=4000)
    world.send(PLAIN, 32, status=None)
    world.send(PLAIN, 33, status=None, logged=False)
    world.send(PLAIN, 34, status=503, logged=False)
    world.send(PLAIN, 35, status=0, logged=False)
    world.send(dataclasses.replace(PLAIN, clientid=b"somebody"), 36, journaled=False)
    return world.flow()


def delete(cloud, metric, bucket, item):
    cloud.client("dynamodb").delete_item(
        TableName=cloud.name("MetricDetails"),
        Key={"MetricType": {"S": metric}, "Bucket": {"S": f"{bucket:016d}#{item}"}},
    )


def put(cloud, metric, item, at, value):
    put_datum(cloud, metric, item, at.to_pydatetime(), Value=float(value))
