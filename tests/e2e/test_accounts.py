"""The running chain's ledger and its CloudWatch: they balance, or report the difference."""

import gzip
import json
from collections import Counter
from datetime import timedelta

import pandas as pd

from helpers.audit.ledger import STAGES, ledger
from helpers.audit.record_outcomes import archived_outcomes
from helpers.core.waiting import bucket_edge, poll_until
from helpers.stores.dynamodb import metric_values
from helpers.timing.stage_latency import latency
from helpers.traffic.send_beacon import send_beacon
from helpers.traffic.traffic import Traffic
from tests.catcher import sent_all
from tests.read_ledger import assert_recount_agrees, assert_sums_agree, broken, named, numbers
from tests.unit.functions.lambdas import put_datum

SECONDS = 900  # longer than it takes on any busy machine


def test_late_twice_and_nonsense_each_count_as_what_they_are_at_every_stage(chain):
    start = bucket_edge()
    traffic = Traffic(chain)
    kinds = ("late_percent", "duplicates_percent", "malformed_percent", "bots_percent")
    shares = dict.fromkeys(kinds, 10)
    totals = sent_all(traffic, rate=80, late_seconds=5, seconds=20, **shares)
    start -= timedelta(seconds=10)  # a late one may count in the bucket before the first
    account = poll_until(lambda: ledger(chain, start), lambda found: found.balances, "it", SECONDS)
    assert account.balances, account
    assert set(numbers(account, *STAGES)) == {totals.sent} == {totals.answered}
    for stage in STAGES:
        assert account.frame.loc[stage, "Accepted"] == totals.expect["accepted"]
        assert account.frame.loc[stage, "Bots"] == totals.expect["bot"] > 20
        assert account.frame.loc[stage, "Duplicates"] == totals.duplicates
    assert totals.failed == 0 and min(totals.late, totals.duplicates, totals.malformed) > 20
    assert_outcomes(archived_outcomes(chain, start), totals)
    assert_recount_agrees(chain, start)
    assert_sums_agree(chain, start)

    # The time that each stage added.
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


def assert_outcomes(outcomes: pd.DataFrame, totals) -> None:
    """Each record of the archive is what the generator sent it as."""
    rejected = Counter(outcomes[outcomes["outcome"] == "rejected"]["rejected"])
    expected = Counter(totals.expect)
    assert (outcomes["outcome"] == "accepted").sum() == expected["accepted"]
    assert (outcomes["outcome"] == "bot").sum() == expected["bot"]
    for reason in ("unparsable", "too_long"):
        assert rejected[reason] == expected[reason]
    assert (outcomes["outcome"] == "duplicate").sum() == totals.duplicates
    late = outcomes[outcomes["datetime"].notna() & outcomes["beacon_id"].str.startswith("cut-off")]
    assert len(late[late["outcome"] != "duplicate"]) == totals.late


def test_a_beacon_sent_by_hand_is_in_the_journal_as_the_archive_has_it(chain):
    start = bucket_edge()
    send_beacon(chain, "click", " /café ", "me", Referer="https://example.com/", page_name="x")
    send_beacon(chain, "click", "/", "me", custom_metric_int_value="banana")
    account = poll_until(lambda: ledger(chain, start), lambda found: found.balances, "it", SECONDS)
    assert account.balances and numbers(account, "sent", "not_in_journal") == [2, 0]
    assert account.frame.loc["cloudwatch", ["Accepted", "unparsable"]].tolist() == [1, 1]
