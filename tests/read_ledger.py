"""A ledger's numbers in short forms, and two comparisons of all metrics."""

import pandas as pd

from helpers.audit.recount import compare, metric_totals
from tests.settling import settled


def numbers(account, *names):
    return [None if pd.isna(n) else int(n) for n in account.frame.loc[list(names), "Beacons"]]


def broken(account):
    """The stages with a difference: how many beacons are missing there, and how many double."""
    frame = account.frame[["Missing", "Double"]].dropna().astype(int)
    return {row[0]: row[1:] for row in frame[frame.any(axis=1)].itertuples(name=None)}


def named(account, stage, kind="missing"):
    rows = account.missing
    return set(rows[(rows["Stage"] == stage) & (rows["Kind"] == kind)]["beacon_id"])


def assert_recount_agrees(cloud, since):
    """Assert that every value equals the recount, as soon as nothing changes."""
    wrong = settled(lambda: compare(cloud, since), lambda wrong: wrong.empty, pd.DataFrame.to_csv)
    assert wrong.empty, wrong


def assert_sums_agree(cloud, since):
    """Assert that CloudWatch and DynamoDB have equal sums, as soon as nothing changes."""

    def agree(totals):
        return totals["DynamoDB"].equals(totals["CloudWatch"])

    totals = settled(lambda: metric_totals(cloud, since), agree, pd.DataFrame.to_csv)
    assert agree(totals), totals
