"""The running chain's ledger and its CloudWatch: they balance, and say so where they do not."""

import gzip
import json
import time
from datetime import timedelta

from helpers import reconciling
from helpers.accounts import STAGES, ledger
from helpers.balance import bucket_edge, settled
from helpers.by_hand import send_beacon
from helpers.data import cloudwatch_values, metric_values
from helpers.faults import fault
from helpers.reconciling import MISSING, TWICE, reconcile
from helpers.stage_times import latency
from helpers.traffic import Traffic
from tests.read_ledger import broken, named, numbers
from tests.unit.lambdas import put_datum

SECONDS = 300  # longer than it takes on any busy machine


def test_a_beacon_sent_by_hand_is_in_the_journal_as_the_archive_has_it(chain):
    start = bucket_edge()
    send_beacon(chain, "click", " /café ", "me", Referer="https://example.com/", page_name="x")
    send_beacon(chain, "click", "/", "me", custom_metric_int_value="banana")
    account = settled(lambda: ledger(chain, start), lambda found: found.balances, "it", SECONDS)
    assert account.balances and numbers(account, "sent", "not_in_journal") == [2, 0]
    assert account.frame.loc["cloudwatch", ["Accepted", "unparsable"]].tolist() == [1, 1]


def test_the_real_chain_balances_after_late_twice_and_nonsense(chain):
    start = bucket_edge()
    traffic = Traffic(chain)
    traffic.start(
        rate=80, late_percent=5, late_seconds=5, duplicates_percent=5, garbage_percent=5, seconds=15
    )
    while traffic.status()["state"] == "running":
        time.sleep(0.2)
    totals = traffic.stop()
    start -= timedelta(seconds=10)  # a late one may count in the bucket before the first
    account = settled(lambda: ledger(chain, start), lambda found: found.balances, "it", SECONDS)
    assert account.balances, account
    assert set(numbers(account, *STAGES)) == {totals.sent} == {totals.answered}
    for stage in STAGES:
        assert account.frame.loc[stage, "Accepted"] == totals.expect["accepted"]
        assert account.frame.loc[stage, "Duplicates"] == totals.duplicates
    assert totals.duplicates > 10 and totals.garbage > 10 and totals.late > 10

    # What each stage stamped on its way.
    times = latency(chain, minutes=5).frame
    assert (times["Count"] > 5).all()
    assert times["Count"].loc["agent"] >= totals.sent - totals.duplicates, "a copy is not timed"
    ordered = times[["p50", "p90", "p99"]]
    assert (ordered.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert times.loc["end to end", "p99"] >= times.loc["Flink", "p50"] > 0

    # A datum too many.
    cell = metric_values(chain, "referral_count", start=start).iloc[0]
    at = cell["Time"].to_pydatetime()

    def put(value):
        put_datum(chain, "referral_count", cell["Item"], at, Value=float(value))

    put(3)
    account = ledger(chain, start)
    assert broken(account) == {"cloudwatch": (0, 3)} and len(account.missing)
    put(-3)

    # An object that is gone.
    s3, bucket = chain.client("s3"), chain.bucket("archive")
    objects = s3.list_objects_v2(Bucket=bucket, Prefix="beacons/")["Contents"]
    key = max(objects, key=lambda one: one["LastModified"])["Key"]
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    lost = ledger(chain, start)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    gone = [json.loads(line)["beacon_id"] for line in gzip.decompress(body).splitlines()]
    assert lost.frame.loc["archived", "Missing"] == len(gone)
    assert named(lost, "archived") <= set(gone)
    assert ledger(chain, start).balances


def test_lost_answers_of_the_real_chain_are_found_and_repaired(chain, monkeypatch):
    start, traffic = bucket_edge(), Traffic(chain)

    def is_put_twice(account):
        return account.frame.loc["cloudwatch", "Double"] > 0

    # On a busy machine few calls carry it all, and chance may spare each of them.
    with fault(chain, "cloudwatch", lost_answer=0.5):
        traffic.start(rate=50, seconds=120)
        settled(lambda: ledger(chain, start), is_put_twice, "an answer is lost", 110)
        sent = traffic.stop().sent

    def nothing_missing(account):
        return not account.frame["Missing"].sum()

    account = settled(lambda: ledger(chain, start), nothing_missing, "all is counted", SECONDS)
    assert nothing_missing(account), account
    assert account.frame.loc["dynamodb", "Beacons"] == sent
    assert is_put_twice(account), account
    assert "reconcile" in account.frame.loc["cloudwatch", "Cause"]

    monkeypatch.setattr(reconciling, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(reconciling, "PAUSE_SECONDS", 0)
    # The buckets of visitor_count are minutes: the first of them began before this test.
    minute = start.replace(second=0)
    found = reconcile(chain, minute)
    assert TWICE in set(found["Verdict"]) and "referral_count" in set(found["Metric"])

    def repaired():
        # A batch may still be sent once more after the first repair.
        reconcile(chain, minute, repair=True)
        return reconcile(chain, minute)["Verdict"].isin([TWICE, MISSING]).sum() == 0

    assert settled(repaired, bool, "no difference is left", SECONDS)
    assert settled(
        lambda: ledger(chain, start), lambda found: found.balances, "it", SECONDS
    ).balances
    stored = metric_values(chain, "event_count", start=start)["Value"].sum()
    assert cloudwatch_values(chain, "event_count", start=start)["Value"].sum() == stored == sent
