"""All stages of the pipeline, filled by hand for the tests of the ledger."""

import dataclasses
import io
import json
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime

import pytest

from assets.agent import access_log
from assets.agent.user_agent import described
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
from tests.unit.stores.written import put_object, put_rows

NOW = int(time.time()) // 60 * 60
START = NOW - 1200  # so long ago that no beacon can be on its way
PLAIN = Beacon(b"click", b"one", b"/cart", b"Firefox", b"https://example.com/")
BOT = dataclasses.replace(
    PLAIN, agent=b"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://a.example)"
)
HOSTILE = Beacon(b"<b>", None, b"/<script>alert('x')</script>$1$", None, None)
BAD = dataclasses.replace(
    PLAIN,
    kind="malformed",
    expect="unparsable",
    extra=((b"custom_metric_name", b"x"), (b"custom_metric_int_value", b"banana")),
)


class World:
    """All stages of the pipeline under a prefix of its own, filled by hand, without a running job.

    A Counter counts in place of Flink; the functions are the real ones.
    """

    def __init__(self, cloud):
        self.cloud, self.offset = cloud, 0
        self.flink_remembers = 3 * 3600  # seconds after a beacon's last copy
        self.clicks, self.archive, self.counts = [], [], Counter()
        for stream in ("clicks", "metrics"):
            cloud.client("kinesis").create_stream(StreamName=cloud.name(stream), ShardCount=1)
        cloud.client("s3").create_bucket(Bucket=cloud.bucket("archive"))
        for metric in ("referral_count", "bot_count", "rejected_count", "duplicate_count"):
            put_catalog(cloud, metric, MaxItems=2)

    def with_the_rest(self):
        """Create the resources that the ledger describes to find a cause."""
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
        record = self._record("server", beacon, sent, sent)
        if journaled:
            note(self.cloud, entry(beacon, sent, status))
        if logged:
            for shipped in (0.2, *range(1, copies + 1)):
                self.ship(record, sent + shipped)
        return record["beacon_id"]

    def send_late(self, at, seconds):
        """Put a record that is so late at START + `at`, as a server without a network does."""
        expect, sent = "too_late" if seconds > 3600 else "accepted", START + at
        beacon = dataclasses.replace(PLAIN, kind="late", expect=expect)
        record = self._record("cut-off-server", beacon, sent - seconds, sent)
        keys = {name: record[name] for name in ("beacon_id", "requested_at")}
        note(self.cloud, entry(beacon, sent, 200, **keys))
        self.ship(record, sent)

    def _record(self, server, beacon, requested, sent):
        line = log_line(beacon, requested, "192.0.2.1")
        name = access_log.beacon_id(server, 1, self.offset, line)
        self.offset += len(line) + 1
        return described(access_log.click_record(line, name, int(sent * 1000)))

    def repeat(self, at):
        """Put the last record again, as the generator's duplicates."""
        record, _ = self.archive[-1]
        copy = dataclasses.replace(PLAIN, kind="duplicate", expect="duplicate")
        more = {name: record[name] for name in ("beacon_id", "requested_at")}
        note(self.cloud, entry(copy, START + at, 200, **more))
        self.ship({k: v for k, v in record.items() if k != "shipped_at"}, START + at)

    def ship_again(self, name, at):
        """Ship a record again at START + `at`, as an agent that lost its state does."""
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
            elif record["bot"]:
                self.counts["bot_count", int(asked) // 10 * 10, record["bot"]] += 1
            else:
                referrer = record["referrer"] or "(direct)"
                self.counts["referral_count", int(asked) // 10 * 10, referrer] += 1

    def flow(self, without=()):
        """Fill all stages with the records so far; Flink does not write cells in `without`."""
        for number, (record, at) in enumerate(self.archive):
            data = access_log.encode(record, record["shipped_at"])
            self.cloud.client("kinesis").put_record(
                StreamName=self.cloud.name("clicks"), Data=data, PartitionKey="1"
            )
            put_object(self.cloud, data, hour=at, name=f"{number:06d}")
        rows = [
            row(n, item, bucket, metric)
            for (metric, bucket, item), n in self.counts.items()
            if (metric, bucket, item) not in without
        ]
        for newest in rows:
            # An older version of the row, its newest version, and a deletion by Flink.
            older = newest | {"Samples": 0, "UnitValueInt": 0}
            for before, after, op in ((None, older, "c"), (None, newest, "u"), (newest, None, "d")):
                change = {"before": before, "after": after, "op": op}
                put_rows(self.cloud, json.dumps(change).encode())
        put_rows(self.cloud, b'"no row"')
        container("process_metrics").run(kinesis_event(rows), None)
        container("publish_metrics").run({"Records": changes(self.cloud)}, None)
        return self

    def account(self, **more):
        return ledger(self.cloud, datetime.fromtimestamp(START - 60, UTC), **more)


@pytest.fixture
def world(emulator, own_home, monkeypatch):
    # The stream is created now, and beacons have earlier times, so that none can be on its way.
    monkeypatch.setattr(accounts, "_made", lambda cloud: START - 3600)
    return World(own_tables(emulator, monkeypatch))


@pytest.fixture
def full(world):
    """Beacons with every outcome, in four buckets, at every stage."""
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
