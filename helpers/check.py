"""The check cell of each module: waits until the numbers have settled, then says what agrees.

A check that fails raises a WorkshopError, which says what to do.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd

from .audit.ledger import ledger
from .audit.record_outcomes import LATENESS_HORIZON
from .audit.recount import compare, metric_totals
from .audit.snapshots import changed_since, differing, load_time_means
from .core.cloud import Cloud
from .core.errors import WorkshopError
from .core.module_progress import note_passed
from .core.waiting import poll_until
from .experiments.flash_crowd import CrowdRun
from .traffic.traffic import Traffic

SETTLE_SECONDS = 60


def connected(cloud: Cloud) -> None:
    """Check that the cloud answers.

    Example:
        `check.connected(cloud)` prints `✓ us-east-1 answers, and knows you as account 0000...`
    """
    account = cloud.client("sts").get_caller_identity()["Account"]
    print(f"✓ {cloud.region} answers, and knows you as account {account}.")
    note_passed(cloud, "0-start-here")


# What the archive holds besides the beacons that the generator sent, by the ledger's rows.
_OTHERS = {
    "not_in_journal": "from elsewhere, such as your own visit to the shop",
    "unanswered_but_logged": "that a server logged and did not answer",
    "sent_again": "that an agent sent a second time; they share a beacon_id",
}


def captured(cloud: Cloud, traffic: Traffic) -> None:
    """Check that each beacon of the latest traffic is in the archive, once it has been flushed.

    Raises:
        WorkshopError: traffic flows still, there was none, or beacons are missing.

    Example:
        `check.captured(cloud, traffic)` prints `✓ 412 beacons sent since ..., 412 archived.`
    """
    since = _with_the_late(traffic)
    account = poll_until(
        lambda: ledger(cloud, since),
        lambda account: (
            "archived" not in account.unread and not account.frame.loc["archived", "Missing"]
        ),
        "Firehose delivers the last objects",
        SETTLE_SECONDS,
    )
    if "archived" in account.unread:
        raise WorkshopError(f"✗ {account.sentence}", "Run this cell again in a minute.")
    frame = account.frame
    archived = frame.loc["archived"]
    sent, missing, double = (
        frame.loc["answered", "Beacons"],
        archived["Missing"],
        archived["Double"],
    )
    if missing or double:
        raise WorkshopError(
            f"✗ {sent:,} beacons sent, {missing:,} not archived, {double:,} archived twice: "
            f"{archived['Cause']}.",
            "Run this cell again in a minute; then ledger(cloud).missing names them.",
        )
    others = {words: int(frame.loc[row, "Beacons"]) for row, words in _OTHERS.items()}
    ours = archived["Beacons"] - sum(others.values())
    print(f"✓ {sent:,} beacons sent since {since:%H:%M:%S} UTC, by hand too; {ours:,} archived.")
    for words, count in others.items():
        if count:
            print(f"  Archived besides: {count:,} {words}.")
    note_passed(cloud, "1-capture")


def analyzed(cloud: Cloud, traffic: Traffic) -> None:
    """Check that every value in the table equals the archive's recount, since the latest start.

    Raises:
        WorkshopError: traffic flows still, there was none, or values differ.

    Example:
        `check.analyzed(cloud, traffic)` prints `✓ Every value of eight metrics equals ...`
    """
    since = _latest_minute(traffic)
    _refuse_any(
        lambda: compare(cloud, since),
        "the last beacons are counted",
        lambda wrong: f"{len(wrong)} values differ from the archive's recount",
        ("Stored", "Recounted"),
        "Run this cell again in a minute; then compare(cloud, since) shows them all.",
    )
    print("✓ Every value of eight metrics equals pandas' recount of the archive.")
    note_passed(cloud, "2-analyze")


def visualized(cloud: Cloud, traffic: Traffic) -> None:
    """Check that the archive's recount, the table and CloudWatch agree, since the latest start.

    Raises:
        WorkshopError: traffic flows still, there was none, or values differ.

    Example:
        `check.visualized(cloud, traffic)` prints `✓ event_count: 1,204 in DynamoDB, ...`
    """
    # First the table against what was archived: two stages that both saw nothing agree, too.
    analyzed(cloud, traffic)
    since = _latest_minute(traffic)
    totals = poll_until(
        lambda: metric_totals(cloud, since),
        lambda frame: frame["DynamoDB"].equals(frame["CloudWatch"]),
        "the last differences are published",
        SETTLE_SECONDS,
    )
    wrong = totals[totals["DynamoDB"] != totals["CloudWatch"]]
    for metric, row in totals.drop(wrong.index).iterrows():
        print(f"✓ {metric}: {row['DynamoDB']:,} in DynamoDB, {row['CloudWatch']:,} in CloudWatch.")
    if not wrong.empty:
        metric, row = wrong.index[0], wrong.iloc[0]
        raise WorkshopError(
            f"✗ {metric}: {row['DynamoDB']:,} in DynamoDB, {row['CloudWatch']:,} in CloudWatch.",
            "Run this cell again in a minute.",
        )
    note_passed(cloud, "3-visualize")


def unchanged(cloud: Cloud, before: pd.DataFrame) -> None:
    """Check that the values of an earlier snapshot are still in the table, as they were.

    Args:
        cloud: where the table is.
        before: what `snapshot(cloud)` returned then.

    Raises:
        WorkshopError: a value is missing or another one now.

    Example:
        `check.unchanged(cloud, before)` prints `✓ 412 earlier values of 8 metrics are as they ...`
    """
    _refuse_any(
        lambda: changed_since(cloud, before),
        "the replay catches up",
        lambda wrong: f"{len(wrong)} of {len(before)} earlier values have changed",
        ("Value_now", "Value"),
        "Were there late beacons? They may amend. Else take a new snapshot and update again.",
    )
    print(
        f"✓ {len(before):,} earlier values of {before['Metric'].nunique()} metrics are as they "
        "were."
    )


def extended(cloud: Cloud, traffic: Traffic) -> None:
    """Check that each mean load time equals pandas' in DynamoDB and CloudWatch, since the start.

    Raises:
        WorkshopError: traffic flows still, there was none, or means differ.

    Example:
        `check.extended(cloud, traffic)` prints `✓ avg_pg_ld: 31 means of 580 beacons ...`
    """
    since = _latest_minute(traffic)
    means = poll_until(
        lambda: load_time_means(cloud, since),
        lambda frame: not frame.empty and differing(frame).empty,
        "the last load times are counted",
        SETTLE_SECONDS,
    )
    wrong = differing(means)
    if means.empty or not wrong.empty:
        what = f"{len(wrong)} of {len(means)} means differ"
        if not wrong.empty:
            first = wrong.iloc[0]
            what += (
                f", the first of them at {first['Time']:%H:%M:%S}: {first['Recounted']} in the "
                f"archive, {first['DynamoDB']} in DynamoDB, {first['CloudWatch']} in CloudWatch"
            )
        raise WorkshopError(
            f"✗ avg_pg_ld: {what}.",
            "Is the statement in its file, and was the catalog's row there before the update? "
            "Start traffic again, stop it, then run this cell.",
        )
    print(
        f"✓ avg_pg_ld: {len(means)} means of {int(means['Samples'].sum()):,} beacons are the same "
        "in DynamoDB, CloudWatch and the archive."
    )
    note_passed(cloud, "4-extend")


def unbroken(cloud: Cloud, traffic: Traffic) -> None:
    """Check that the ledger balances at every stage, since the latest start.

    Raises:
        WorkshopError: traffic flows still, there was none, or a stage lacks or doubles beacons.

    Example:
        `check.unbroken(cloud, traffic)` prints `✓ 3,412 beacons sent, 0 missing, 0 double ...`
    """
    since = _with_the_late(traffic)
    account = poll_until(
        lambda: ledger(cloud, since), lambda account: account.balances, "all stages agree", 120
    )
    if not account.balances:
        raise WorkshopError(
            f"✗ {account.sentence}", "Look at ledger(cloud): it names beacons and likely causes."
        )
    sent = int(account.frame.loc["answered", "Beacons"])
    print(f"✓ {sent:,} beacons sent, 0 missing and 0 double at each of the four stages after it.")
    note_passed(cloud, "5-break-it")


def scaled(cloud: Cloud, crowd: CrowdRun) -> None:
    """Check that everything a small flash crowd sent was counted.

    Args:
        cloud: where it came to.
        crowd: as `run_flash_crowd` returned it.

    Raises:
        WorkshopError: beacons are missing at a stage.

    Example:
        `check.scaled(cloud, crowd)` prints `✓ 2,400 beacons of the crowd at every stage ...`
    """
    last = crowd.real.iloc[-1]
    if not crowd.all_counted:
        stages = ", ".join(f"{name} {count:,.0f}" for name, count in last.items())
        raise WorkshopError(
            f"✗ The stages do not agree: {stages}.", "Run the cell with run_flash_crowd once more."
        )
    print(
        f"✓ {last.iloc[0]:,.0f} beacons of the crowd at every stage, the median one a datapoint "
        f"after {crowd.run.lag:.1f} s."
    )
    note_passed(cloud, "6-scale-and-cost")


def _latest_run(traffic: Traffic) -> datetime:
    status = traffic.status()
    if status["state"] == "running":
        raise WorkshopError("Traffic is still flowing.", "Run traffic.stop(), then this cell.")
    if status["started"] is None:
        raise WorkshopError(
            "There was no traffic yet.",
            "Run the cell with traffic.start(rate=20), wait half a minute, then this notebook's "
            "cells from traffic.stop() on.",
        )
    return datetime.fromtimestamp(status["started"], UTC)


def _with_the_late(traffic: Traffic) -> datetime:
    # A late beacon counts when it was requested: before the run began, perhaps.
    late = min(timedelta(seconds=traffic.settings()["late_seconds"]), LATENESS_HORIZON)
    return _latest_run(traffic) - late


def _latest_minute(traffic: Traffic) -> datetime:
    return _latest_run(traffic).replace(second=0, microsecond=0)


def _refuse_any(
    read: Callable[[], pd.DataFrame],
    what: str,
    problem: Callable[[pd.DataFrame], str],
    columns: tuple[str, str],
    remedy: str,
) -> None:
    """Wait until no value is wrong; raise an error that describes the first one that stays so.

    Args:
        read: returns the wrong values: Metric, Item, Time, and what is and what should be.
        what: what is waited for.
        problem: returns what is wrong, in words.
        columns: of the value that is and of the one that should be.
        remedy: what to do.
    """
    wrong = poll_until(read, lambda frame: frame.empty, what, SETTLE_SECONDS)
    if not wrong.empty:
        first = wrong.iloc[0]
        raise WorkshopError(
            f"✗ {problem(wrong)}, the first of them {first['Metric']} {first['Item']!r} at "
            f"{first['Time']:%H:%M:%S}: {first[columns[0]]} instead of {first[columns[1]]}.",
            remedy,
        )
