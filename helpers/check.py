"""The check cell of each module: waits until the last beacons are counted, then compares.

A check that fails raises a WorkshopError with the next step.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from .audit.ledger import ledger
from .audit.record_outcomes import LATENESS_HORIZON
from .audit.recount import compare, metric_totals
from .audit.recounted_visits import METRICS as VISIT_METRICS
from .audit.snapshots import changed_since, differing, load_time_means
from .core.cloud import Cloud
from .core.errors import WorkshopError
from .core.waiting import poll_until
from .exercises.all_exercises import exercise_of
from .exercises.exercise import NotYet, NoWork, run_check
from .experiments.flash_crowd import CrowdRun
from .sharing.steps import note_exercise, note_passed
from .stores.dynamodb import FINAL, metric_values
from .traffic.traffic import Traffic

SETTLE_SECONDS = 90
REPLAY_SECONDS = 300  # an updated job reads the last hours again
VISITS_SINCE = LATENESS_HORIZON  # no late beacon has changed an older minute since
CLOUDWATCH_SECONDS = 180  # a new metric is read after up to two minutes (see cloudwatch_values)


def connected(cloud: Cloud) -> None:
    """Check that the cloud answers.

    Example:
        `check.connected(cloud)` prints `✓ us-east-1 responds; your account is 0000...`
    """
    account = cloud.client("sts").get_caller_identity()["Account"]
    print(f"✓ {cloud.region} responds; your account is {account}.")
    note_passed(cloud, "0-start-here")


# The ledger's row -> its beacons, which the archive contains besides those of the generator.
_OTHERS = {
    "not_in_journal": "from elsewhere, such as your own visit to the shop",
    "unanswered_but_logged": "that a server logged but did not answer",
    "sent_again": "that an agent sent twice; both copies have the same beacon_id",
}


def captured(cloud: Cloud, traffic: Traffic) -> None:
    """Check that each beacon of the latest traffic is in the archive, once it has been flushed.

    Raises:
        WorkshopError: traffic is running, there was none, or beacons are missing.

    Example:
        `check.captured(cloud, traffic)` prints `✓ 412 beacons sent since ..., 412 archived.`
    """
    since = _earliest_request(traffic)
    account = poll_until(
        lambda: ledger(cloud, since),
        lambda account: (
            "archived" not in account.unread and not account.frame.loc["archived", "Missing"]
        ),
        "Firehose delivers the last objects",
        SETTLE_SECONDS,
        lambda account: account.sentence,
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
    print(f"✓ {sent:,} beacons sent since {since:%H:%M:%S} UTC, also by hand; {ours:,} archived.")
    for words, count in others.items():
        if count:
            print(f"  Also archived: {count:,} {words}.")
    note_passed(cloud, "1-capture")


def analyzed(cloud: Cloud, traffic: Traffic) -> None:
    """Check that every value in the table equals the archive's recount, since the latest start.

    Raises:
        WorkshopError: traffic is running, there was none, or values differ.

    Example:
        `check.analyzed(cloud, traffic)` prints `✓ Every value of twenty metrics equals ...`
    """
    since = _latest_minute(traffic)
    _refuse_any(
        lambda: compare(cloud, since),
        "the last beacons are counted",
        lambda wrong: f"{len(wrong)} values differ from the archive's recount",
        ("Stored", "Recounted"),
        "Run this cell again in a minute; then compare(cloud, since) shows them all.",
    )
    print("✓ Every value of twenty metrics equals pandas' recount of the archive.")
    note_passed(cloud, "2-analyze")


def visualized(cloud: Cloud, traffic: Traffic) -> None:
    """Check that the archive's recount, the table and CloudWatch agree, since the latest start.

    Raises:
        WorkshopError: traffic is running, there was none, or values differ.

    Example:
        `check.visualized(cloud, traffic)` prints `✓ event_count: 1,204 in DynamoDB, ...`
    """
    # First the table against the archive: DynamoDB and CloudWatch also agree if both are empty.
    analyzed(cloud, traffic)
    since = _latest_minute(traffic)
    totals, wrong = _totals(cloud, since)
    for metric, row in totals.drop(wrong.index).iterrows():
        print(f"✓ {metric}: {row['DynamoDB']:,} in DynamoDB, {row['CloudWatch']:,} in CloudWatch.")
    if not wrong.empty:
        raise _differs(wrong, "Run this cell again in a minute.")
    note_passed(cloud, "3-visualize")


def unchanged(cloud: Cloud, before: pd.DataFrame) -> None:
    """Check that the values of an earlier snapshot are unchanged in the table.

    Args:
        cloud: the account with the table.
        before: the earlier result of `snapshot(cloud)`.

    Raises:
        WorkshopError: a value is missing or has changed.

    Example:
        `check.unchanged(cloud, before)` prints `✓ 412 earlier values of 8 metrics are unchanged.`
    """
    _refuse_any(
        lambda: changed_since(cloud, before),
        "the replay catches up",
        lambda wrong: f"{len(wrong)} of {len(before)} earlier values have changed",
        ("Value_now", "Value"),
        "Late beacons may change values. Without any, take a new snapshot and update again.",
    )
    metrics = before["Metric"].nunique()
    print(f"✓ {len(before):,} earlier values of {metrics} metrics are unchanged.")


def extended(cloud: Cloud, traffic: Traffic) -> None:
    """Check that each mean load time equals pandas' in DynamoDB and CloudWatch, since the start.

    Raises:
        WorkshopError: traffic is running, there was none, or means differ.

    Example:
        `check.extended(cloud, traffic)` prints `✓ avg_pg_ld: 31 means of 580 beacons ...`
    """
    since = _latest_minute(traffic)
    means = poll_until(
        lambda: load_time_means(cloud, since),
        lambda frame: not frame.empty and differing(frame).empty,
        "the last load times are counted, and CloudWatch shows new metrics",
        CLOUDWATCH_SECONDS,
        pd.DataFrame.to_csv,
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
        WorkshopError: traffic is running, there was none, or beacons are missing or counted twice.

    Example:
        `check.unbroken(cloud, traffic)` prints `✓ 3,412 beacons sent, 0 missing, 0 double ...`
    """
    since = _earliest_request(traffic)
    account = poll_until(
        lambda: ledger(cloud, since),
        lambda account: account.balances,
        "all stages agree",
        CLOUDWATCH_SECONDS,
        lambda account: account.sentence,
    )
    if not account.balances:
        raise WorkshopError(
            f"✗ {account.sentence}", "Look at ledger(cloud): it names beacons and likely causes."
        )
    sent = int(account.frame.loc["answered", "Beacons"])
    print(f"✓ {sent:,} beacons sent, 0 missing and 0 double at each of the four stages after it.")
    note_passed(cloud, "5-break-it")


def rebuilt(cloud: Cloud, before: pd.DataFrame) -> None:
    """Check that the table has the values of an earlier snapshot again, and CloudWatch the same.

    Anomaly scores are left out: they are not rebuilt.

    Args:
        cloud: the account with the table.
        before: the result of `snapshot(cloud)`, from before the rows were lost.

    Raises:
        WorkshopError: a value is missing or has changed, or CloudWatch has another sum.

    Example:
        `check.rebuilt(cloud, before)` prints `✓ 412 values of 20 metrics are in ...`
    """
    values = before[before["Metric"] != FINAL]
    _refuse_any(
        lambda: changed_since(cloud, values),
        "the rebuilt rows are stored",
        lambda wrong: f"{len(wrong)} of {len(values)} values are not as before",
        ("Value_now", "Value"),
        "Run the cell with rebuild(cloud) again, then this one.",
    )
    _, wrong = _totals(cloud, values["Time"].min().to_pydatetime())
    if not wrong.empty:
        raise _differs(
            wrong, "Run reconcile(cloud, repair=True), wait a minute, then run this cell again."
        )
    print(
        f"✓ {len(values):,} values of {values['Metric'].nunique()} metrics are in the table again, "
        "as they were, and CloudWatch has the same sums."
    )


def scaled(cloud: Cloud, crowd: CrowdRun) -> None:
    """Check that every beacon of a small flash crowd was counted.

    Args:
        cloud: the account.
        crowd: the result of `run_flash_crowd`.

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


def visits(cloud: Cloud, traffic: Traffic) -> None:
    """Check that each value of the visits of the last hour equals the archive's recount.

    Raises:
        WorkshopError: traffic is running, there was none, there were no visits, or values differ.

    Example:
        `check.visits(cloud, traffic)` prints `✓ 812 visits began since ..., 340 of them ...`
    """
    _latest_run(traffic)
    since = datetime.now(UTC).replace(second=0, microsecond=0) - VISITS_SINCE
    _refuse_any(
        lambda: compare(cloud, since, VISIT_METRICS),
        "the last beacons are counted",
        lambda wrong: f"{len(wrong)} values of visits differ from the archive's recount",
        ("Stored", "Recounted"),
        "Run this cell again in a minute. If you have changed the gap, delete the file "
        "07_visit_beacons.sql from sql_folder(), run update_analytics(cloud), and then this cell.",
        REPLAY_SECONDS,
    )
    count, bounces, conversions = (
        int(metric_values(cloud, metric, start=since)["Value"].sum())
        for metric in ("visit_count", "bounce_count", "conversion_count")
    )
    if not count:
        raise WorkshopError(
            "✗ No visit began in the last hour.",
            "Run traffic.start(rate=20), wait half a minute, run traffic.stop(), then this cell.",
        )
    print(
        f"✓ {count:,} visits began since {since:%H:%M} UTC, {bounces:,} of them bounces and "
        f"{conversions:,} with a conversion: the table and pandas' recount of the archive agree, "
        "in all eleven metrics of visits."
    )
    note_passed(cloud, "7-visits")


def exercise(cloud: Cloud, number: str, work: Any = None) -> None:  # noqa: ANN401 - a learner's
    """Run a learner's work on an exercise; print what is right, or what is not yet.

    Work that is missing or wrong raises no error, so that *Run All* continues.

    Args:
        cloud: the account, region and prefix whose progress notes it.
        number: the exercise's, e.g. `"1-1"`.
        work: a value, or a function that the check calls.

    Raises:
        WorkshopError: there is no such exercise.

    Example:
        `check.exercise(cloud, "1-1", shard_of)` prints `✓ 1-1 Which shard?` and a sentence.
    """
    task = exercise_of(number)
    try:
        right = run_check(task, work, cloud)
    except NotYet as error:
        print(f"{'…' if isinstance(error, NoWork) else '✗'} {number} {task.title}\n{error}")
        return
    print(f"✓ {number} {task.title}\n{right[0].upper()}{right[1:]}.")
    note_exercise(cloud, number)


def _latest_run(traffic: Traffic) -> datetime:
    status = traffic.status()
    if status["state"] == "running":
        raise WorkshopError("Traffic is still running.", "Run traffic.stop(), then this cell.")
    if status["started"] is None:
        raise WorkshopError(
            "There has been no traffic yet.",
            "Run the cell with traffic.start(rate=20), wait half a minute, then this notebook's "
            "cells from traffic.stop() on.",
        )
    return datetime.fromtimestamp(status["started"], UTC)


def _earliest_request(traffic: Traffic) -> datetime:
    # A late beacon is counted at the time of its request, which may be before the run began.
    late = min(timedelta(seconds=traffic.settings()["late_seconds"]), LATENESS_HORIZON)
    return _latest_run(traffic) - late


def _latest_minute(traffic: Traffic) -> datetime:
    return _latest_run(traffic).replace(second=0, microsecond=0)


def _totals(cloud: Cloud, since: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return each metric's totals, and those that still differ when the time is over."""
    totals = poll_until(
        lambda: metric_totals(cloud, since),
        lambda frame: frame["DynamoDB"].equals(frame["CloudWatch"]),
        "the last differences are published, and CloudWatch shows new metrics",
        CLOUDWATCH_SECONDS,
        pd.DataFrame.to_csv,
    )
    return totals, totals[totals["DynamoDB"] != totals["CloudWatch"]]


def _differs(totals: pd.DataFrame, remedy: str) -> WorkshopError:
    metric, row = totals.index[0], totals.iloc[0]
    return WorkshopError(
        f"✗ {metric}: {row['DynamoDB']:,} in DynamoDB, {row['CloudWatch']:,} in CloudWatch.", remedy
    )


def _refuse_any(
    read: Callable[[], pd.DataFrame],
    what: str,
    problem: Callable[[pd.DataFrame], str],
    columns: tuple[str, str],
    remedy: str,
    seconds: float | None = None,
) -> None:
    """Wait until no value is wrong; raise an error that describes the first that remains wrong.

    Args:
        read: returns the wrong values with Metric, Item, Time, and the two `columns`.
        what: the condition, as `poll_until` shows it.
        problem: returns the error's first words.
        columns: the names of the actual and of the expected value.
        remedy: the error's next step.
        seconds: the longest wait without a change; SETTLE_SECONDS by default.
    """
    limit = SETTLE_SECONDS if seconds is None else seconds
    wrong = poll_until(read, lambda frame: frame.empty, what, limit, pd.DataFrame.to_csv)
    if not wrong.empty:
        first = wrong.iloc[0]
        raise WorkshopError(
            f"✗ {problem(wrong)}, the first of them {first['Metric']} {first['Item']!r} at "
            f"{first['Time']:%H:%M:%S}: {first[columns[0]]} instead of {first[columns[1]]}.",
            remedy,
        )
