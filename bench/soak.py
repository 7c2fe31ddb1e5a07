"""Sends traffic while processes are killed and AWS fails; then all stages must have equal counts.

    make soak [SECONDS=900] [RATE=500] [FAILURES=50] [SEED=1]

It runs twice: with clean traffic, and with 2% duplicates, 3% late and 1% malformed beacons.
"""

import argparse
import json
import math
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from helpers.audit.ledger import Ledger, ledger
from helpers.audit.reconcile import reconcile
from helpers.audit.record_outcomes import DUPLICATES
from helpers.audit.recount import compare
from helpers.connection.connect import connect, disconnect, is_running
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import bucket_edge, poll_until, waiting
from helpers.deployment.deploy import deploy
from helpers.deployment.fleet import beacon_url
from helpers.deployment.flink_application import start_analytics
from helpers.deployment.stacks import MODULES
from helpers.experiments.fault_injection import fault
from helpers.experiments.process_kill import kill
from helpers.experiments.recovery import newest_counted
from helpers.traffic.traffic import Traffic

KILLS = ("server", "agent", "flink", "pump", "function", "supervisor")
FAULTS = (
    ("kinesis", "throttle", 0.3),
    ("kinesis", "partial", 0.3),
    ("kinesis", "error", 0.3),
    ("kinesis", "lost_answer", 0.2),
    ("kinesis", "hang", 0.1),
    ("dynamodb", "throttle", 0.3),
    ("dynamodb", "error", 0.3),
    ("dynamodb", "lost_answer", 0.2),
    ("dynamodb", "hang", 0.1),
    ("cloudwatch", "throttle", 0.3),
    ("cloudwatch", "error", 0.3),
    ("cloudwatch", "lost_answer", 0.3),
    ("cloudwatch", "hang", 0.1),
)
DEGRADED_TRAFFIC = {"duplicates_percent": 2, "late_percent": 3, "malformed_percent": 1}
WARM_SECONDS, CALM_SECONDS = 10, 20  # no failures while Flink's Python starts, or at the end
LONGEST_FAULT = 10
SETTLE_SECONDS, STILL_SECONDS = 300, 65  # reconcile() skips the last minute


@dataclass
class InjectedFailure:
    """A kill of a process, or a fault of a service for a while.

    Args:
        at: seconds after the start of the traffic.
        name: the process, or the service and its fault.
        lasts: seconds; 0 for a kill.
        share: share of the service's calls that fail.
        ended: when it ended, epoch seconds.
        recovered: seconds from then until DynamoDB counted a later beacon.
    """

    at: float
    name: str
    lasts: float = 0.0
    share: float = 0.0
    ended: float | None = None
    recovered: float | None = None


@dataclass
class Freshness:
    """Records every half second the time of the newest beacon that DynamoDB has counted."""

    cloud: Cloud
    samples: list[tuple[float, float]] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Freshness":
        self._thread = threading.Thread(target=self._watch, name="freshness", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.5):
            newest = newest_counted(self.cloud)
            if newest is not None:
                self.samples.append((time.time(), newest))

    def seconds_until_seen(self, moment: float) -> float | None:
        """Return how long after a moment a beacon of that time or later was counted."""
        return next((at - moment for at, newest in self.samples if newest >= moment), None)


def plan(seconds: float, failures: int, seed: int) -> list[InjectedFailure]:
    """Return the failures in order: all kinds in turn, at random times.

    Args:
        seconds: duration of the traffic.
        failures: their number.
        seed: of the random times and order.

    Example:
        >>> [round(failure.at) for failure in plan(120, 3, seed=1)]
        [60, 79, 95]
    """
    chance = random.Random(seed)
    kinds: list[InjectedFailure] = []
    while len(kinds) < failures:
        turn = [InjectedFailure(0, name) for name in KILLS]
        turn += [
            InjectedFailure(0, f"{service} {how}", chance.uniform(3, LONGEST_FAULT), share)
            for service, how, share in FAULTS
        ]
        kinds += chance.sample(turn, len(turn))
    times = sorted(chance.uniform(WARM_SECONDS, seconds - CALM_SECONDS) for _ in range(failures))
    for failure, at in zip(kinds, times, strict=False):
        failure.at = at
    return kinds[:failures]


def inject(cloud: Cloud, failure: InjectedFailure) -> None:
    """Kill the process or let the service fail, and record the end."""
    try:
        if failure.lasts:
            service, how = failure.name.split()
            with fault(cloud, service, **{how: failure.share}):
                time.sleep(failure.lasts)
        else:
            kill(cloud, failure.name)
    except WorkshopError as error:
        print(f"  {failure.name}: {error}")  # e.g. it was killed a moment ago
    failure.ended = time.time()


def soak(
    cloud: Cloud, seconds: float, rate: float, failures: int, seed: int, **settings: float
) -> dict:
    """Send traffic, inject failures, and compare all stages.

    Args:
        cloud: a running chain.
        seconds: duration of the traffic.
        rate: beacons per second.
        failures: number of kills and faults.
        seed: of the plan.
        settings: further settings of the traffic, e.g. `late_percent`.

    Returns:
        `ledger` (of `ledger(cloud)`), `wrong` (the values that differ from the archive's recount),
        `repaired` (number of repaired sums in CloudWatch), `failures` (with their times).
    """
    todo = plan(seconds, failures, seed)
    since = bucket_edge(60)
    traffic = Traffic(cloud)
    with Freshness(cloud) as freshness, waiting("Injecting failures", seconds):
        traffic.start(rate=rate, seconds=seconds, **settings)
        began, threads = time.monotonic(), []
        for failure in todo:
            time.sleep(max(0.0, began + failure.at - time.monotonic()))
            print(f"{f'  {failure.at:5.0f} s  {failure.name}':<78}", flush=True)
            # In threads, because faults may overlap.
            thread = threading.Thread(target=inject, args=(cloud, failure), daemon=True)
            thread.start()
            threads.append(thread)
        while traffic.status()["state"] == "running":
            time.sleep(0.5)
        for thread in threads:
            thread.join()
        print("The traffic has ended; waiting until all stages agree.", flush=True)
        traffic.stop()
        account, wrong, repaired = wait_until_agreed(cloud, since)
        time.sleep(1)
    for failure in todo:
        assert failure.ended is not None, "its thread has been joined"
        failure.recovered = freshness.seconds_until_seen(failure.ended)
    return {"ledger": account, "wrong": wrong, "repaired": repaired, "failures": todo}


def wait_until_agreed(cloud: Cloud, since: datetime) -> tuple[Ledger, pd.DataFrame, int]:
    """Wait until the ledger balances and no value differs; return both, and the repaired sums.

    The wait ends, too, when nothing has changed for five minutes.

    A call to CloudWatch whose answer was lost may be counted twice. If nothing else is wrong,
    CloudWatch is reconciled with DynamoDB once; the number of repaired sums is returned.
    """
    last, unchanged_since, repaired = None, 0.0, 0

    def read() -> tuple[Ledger, pd.DataFrame | None]:
        nonlocal last, unchanged_since, repaired
        account = ledger(cloud, since)
        differing = account.frame[["Missing", "Double"]].fillna(0).any(axis=1)
        only_cloudwatch = list(differing[differing].index) == ["cloudwatch"]
        if last is None or not account.frame.equals(last):
            last, unchanged_since = account.frame, time.monotonic()
        if not account.balances and not only_cloudwatch:
            return account, None  # some beacons are not counted yet
        wrong = wrong_values(cloud, since)
        waited = time.monotonic() - unchanged_since > STILL_SECONDS
        if only_cloudwatch and wrong.empty and waited and not repaired:
            verdicts = reconcile(cloud, since, repair=True)["Verdict"]
            repaired = int(verdicts.eq("repaired").sum())
        return account, wrong

    account, wrong = poll_until(
        read,
        lambda state: state[0].balances and state[1] is not None and state[1].empty,
        "all stages agree",
        SETTLE_SECONDS,
        # A fixed wait would call a slow machine's last beacons missing.
        progress=lambda state: (state[0].frame.to_csv(), state[1] is not None and len(state[1])),
        longest=math.inf,
    )
    return account, wrong_values(cloud, since) if wrong is None else wrong, repaired


def wrong_values(cloud: Cloud, since: datetime) -> pd.DataFrame:
    """Return the values that differ from the archive's recount.

    Of duplicates, only the total is compared: while Flink catches up, it may read a copy before the
    original, and count the original as the copy.
    """
    differing = compare(cloud, since)
    copies = differing["Metric"] == DUPLICATES
    if differing[copies]["Recounted"].sum() == differing[copies]["Stored"].sum():
        return differing[~copies]
    return differing


def recoveries(failures: list[InjectedFailure]) -> pd.DataFrame:
    """Return a table by kind of failure: number, and seconds to recover (median and maximum)."""
    rows = [(failure.name, failure.recovered) for failure in failures]
    frame = pd.DataFrame(rows, columns=["Failure", "s"])
    table = frame.groupby("Failure")["s"].agg(["count", "median", "max"]).round(1)
    return table.rename(columns={"count": "Times", "median": "Median s", "max": "Worst s"})


def main() -> int:
    """Run both soaks and print their tables; return 1 if a count is wrong."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--failures", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    is_ours, is_wrong = not is_running(), False
    try:
        cloud = connect("local")
        for module in MODULES:
            deploy(cloud, module)
        start_analytics(cloud)
        beacon_url(cloud)
        for settings in ({}, DEGRADED_TRAFFIC):
            title = f"With {settings}" if settings else "Clean traffic"
            print(f"\n{title}: {arguments.rate:.0f} beacons/s for {arguments.seconds:.0f} s")
            result = soak(cloud, **vars(arguments), **settings)
            account, wrong, failures = result["ledger"], result["wrong"], result["failures"]
            print(f"\n{account.frame.to_string()}\n\n{recoveries(failures).to_string()}")
            worst = max((failure.recovered or 0 for failure in failures), default=0)
            is_wrong |= not (account.balances and wrong.empty)
            summary = {
                "balances": account.balances,
                "wrong_values": len(wrong),
                "repaired_sums": result["repaired"],
                "worst_recovery_s": round(worst, 1),
            }
            print(json.dumps(summary), flush=True)
    finally:
        if is_ours and is_running():
            disconnect()
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
