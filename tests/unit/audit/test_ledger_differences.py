"""The ledger reports the stage, the beacons and the cause of each difference."""

import dataclasses
import re
import time
from datetime import UTC, datetime

import pandas as pd

from helpers.audit import stage_counts
from helpers.audit.ledger import differences
from helpers.audit.reconcile import reconcile
from helpers.stores.dynamodb import metric_values
from tests.read_ledger import broken, named, numbers
from tests.unit.audit.ledger_world import BAD, PLAIN, START, delete, put

BEGIN = datetime.fromtimestamp(START, UTC)


def test_beacons_of_a_row_deleted_from_dynamodb_are_missing_there(full):
    bucket = START // 10 * 10
    lost = {
        record["beacon_id"]
        for record, at in full.archive
        if record.get("referrer") == "https://example.com/" and START <= at < START + 10
    }
    delete(full.cloud, "referral_count", bucket, "https://example.com/")
    account = full.account()
    assert broken(account) == {"dynamodb": (5, 0), "cloudwatch": (0, 5)} and len(lost) == 5
    assert named(account, "dynamodb") == named(account, "cloudwatch", "double") == lost
    assert "deleted" in account.frame.loc["dynamodb", "Cause"]
    assert account.frame.loc["cloudwatch", "Cause"].startswith("not lost")


def test_a_beacon_of_a_deleted_object_is_missing_in_the_archive(full):
    s3, bucket = full.cloud.client("s3"), full.cloud.bucket("archive")
    key = s3.list_objects_v2(Bucket=bucket)["Contents"][4]["Key"]
    s3.delete_object(Bucket=bucket, Key=key)
    account = full.account()
    lost = full.archive[int(key[-9:-3])][0]["beacon_id"]
    assert broken(account) == {"archived": (1, 0), "flink": (0, 1)}
    assert named(account, "archived") == {lost}
    assert "shipped, but not in the archive" in account.frame.loc["archived", "Cause"]


def test_a_beacon_that_was_not_shipped_has_another_cause_than_one_that_firehose_lost(full):
    full.send(PLAIN, 50, logged=False)
    account = full.account()
    assert broken(account) == {"archived": (1, 0)} and named(account, "archived") == {None}
    assert "the agent has not shipped it (yet)" in account.frame.loc["archived", "Cause"]
    fields = account.missing.iloc[0][["event", "clientid", "page"]]
    assert fields.tolist() == ["click", "one", "/cart"]


def test_a_rejected_beacon_of_before_the_read_range_takes_no_later_ones_record(world):
    # The archive is read from ten minutes before the range; the journal has all of the traffic.
    world.with_the_rest()
    for at in range(-1200, 100, 20):
        world.send(BAD, at)
    assert world.flow().account().balances
    world.send(BAD, 50, logged=False)
    account = world.account()
    assert broken(account) == {"archived": (1, 0)}, account


def test_a_beacon_that_was_logged_twice_is_a_double(full):
    full.send(PLAIN, 20, journaled=False)
    account = full.flow().account()
    assert account.frame.loc["archived", "Missing"] == 0
    assert account.frame.loc["archived", "Double"] == 1


def test_beacons_that_flink_did_not_count_are_missing_there(world):
    world.with_the_rest()
    names = {world.send(PLAIN, at) for at in (0, 1, 2)}
    world.send(PLAIN, 15)
    account = world.flow(without={("referral_count", START // 10 * 10, "https://example.com/")})
    account = account.account()
    assert broken(account) == {"flink": (3, 0)} and named(account, "flink") == names
    assert "Flink is stopped (READY): start_analytics(cloud)" in account.sentence


def test_only_the_newest_beacons_of_a_stage_may_be_on_their_way(world):
    world.with_the_rest()
    now = time.time() - START
    world.send(PLAIN, now - 100)
    world.send(PLAIN, now - 60)  # newer than the beacons that DynamoDB has counted
    world.flow()
    bucket = max(bucket for _, bucket, _ in world.counts)
    delete(world.cloud, "referral_count", bucket, "https://example.com/")
    cause = world.account().frame.loc["dynamodb", "Cause"]
    assert re.fullmatch(r"still on its way: this stage is \d+ s behind", cause)
    world.send(dataclasses.replace(PLAIN, referrer=None), now - 40)
    world.flow()
    delete(world.cloud, "referral_count", bucket, "https://example.com/")
    assert "deleted" in world.account().frame.loc["dynamodb", "Cause"]


def test_a_sum_put_twice_into_cloudwatch_is_a_double_until_its_repair(full, monkeypatch):
    monkeypatch.setattr("helpers.audit.reconcile.SETTLED_SECONDS", 0)
    stored = metric_values(full.cloud, "referral_count", start=BEGIN)
    twice = stored[stored["Item"] == "https://example.com/"].iloc[1]
    put(full.cloud, "referral_count", twice["Item"], twice["Time"], twice["Value"])
    account = full.account()
    assert broken(account) == {"cloudwatch": (0, int(twice["Value"]))}
    assert "reconcile(cloud, repair=True)" in account.frame.loc["cloudwatch", "Cause"]
    assert list(reconcile(full.cloud, repair=True)["Verdict"]) == ["repaired"]
    assert full.account().balances


def test_a_missing_beacon_and_a_double_do_not_cancel_each_other_out(full):
    items = metric_values(full.cloud, "referral_count", start=BEGIN)
    items = items[items["Item"] == "https://example.com/"]
    for change, (_, stored) in zip((1, -1), items.tail(2).iterrows(), strict=True):
        put(full.cloud, "referral_count", stored["Item"], stored["Time"], change)
    account = full.account()
    assert numbers(account, "cloudwatch") == numbers(account, "dynamodb")
    assert broken(account) == {"cloudwatch": (1, 1)} and not account.balances


def test_dead_letters_are_counted_and_are_a_likely_cause(full):
    sqs, name = full.cloud.client("sqs"), full.cloud.name("process-metrics-failures")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    delete(full.cloud, "duplicate_count", START + 10, "All Beacons")
    account = full.account()
    assert numbers(account, "dead_letters") == [1]
    assert "dead-letter queue" in account.frame.loc["dynamodb", "Cause"]


def test_a_beacon_that_was_just_sent_is_on_its_way(world):
    world.with_the_rest().send(PLAIN, time.time() - START, logged=False)
    account = world.account()
    assert broken(account) == {"archived": (1, 0)}
    assert account.frame.loc["archived", "Cause"] == (
        "still on its way: the archive is written every 10 s"
    )


def test_a_copy_counted_in_its_first_ones_bucket_is_neither_missing_nor_double():
    def cells(*counts):
        keys = [("duplicate_count", START + 10 * n, "All Beacons") for n in range(len(counts))]
        keys.append(("referral_count", START, "/"))
        index = pd.MultiIndex.from_tuples(keys, names=stage_counts.CELL)
        return pd.Series([*counts, 7], index=index, name="Value")

    assert differences(cells(3, 1), cells(2, 2)).empty
    moved = differences(cells(3, 1), cells(2, 3))
    assert list(moved) == [-1, 2]
