"""What a ledger says, in short."""

import pandas as pd

from helpers.audit.recount import compare, metric_totals
from helpers.core.waiting import poll_until


def numbers(account, *names):
    return [None if pd.isna(n) else int(n) for n in account.frame.loc[list(names), "Beacons"]]


def broken(account):
    """The stages with a difference: how many are missing, how many too many."""
    frame = account.frame[["Missing", "Double"]].dropna()
    wrong = frame[(frame != 0).any(axis=1)]
    return {stage: (int(row["Missing"]), int(row["Double"])) for stage, row in wrong.iterrows()}


def named(account, stage, kind="missing"):
    rows = account.missing
    return set(rows[(rows["Stage"] == stage) & (rows["Kind"] == kind)]["beacon_id"])


def assert_recount_agrees(cloud, since, seconds):
    """Every value is the recount's; the archive, or a metric, may be a few seconds behind."""
    found = poll_until(
        lambda: compare(cloud, since), lambda wrong: wrong.empty, "all agree", seconds
    )
    assert found.empty, found


def assert_sums_agree(cloud, since, seconds):
    """Each metric has the same sum in CloudWatch as in DynamoDB; it may be seconds behind."""

    def agree(totals):
        return totals["DynamoDB"].equals(totals["CloudWatch"])

    totals = poll_until(lambda: metric_totals(cloud, since), agree, "all sums are shown", seconds)
    assert agree(totals), totals
