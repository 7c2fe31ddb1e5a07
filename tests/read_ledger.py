"""What a ledger says, in short."""

import pandas as pd


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
