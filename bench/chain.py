"""A chain of the bench's own, and traffic through it at one rate.

Here alone stands what the bench takes from the workshop's helpers to run and to watch the chain.
"""

import io
import json
import os
import shutil
import time
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.processes import cpu_seconds, of_home
from helpers.audit.ledger import ledger
from helpers.audit.record_outcomes import ACCEPTED
from helpers.connection.connect import connect, disconnect, is_running
from helpers.core.cloud import Cloud
from helpers.core.paths import home
from helpers.core.waiting import bucket_edge, poll_until
from helpers.deployment.deploy import deploy
from helpers.deployment.fleet import beacon_url
from helpers.deployment.flink_application import start_analytics
from helpers.deployment.stacks import MODULES
from helpers.stores.cloudwatch import cloudwatch_values
from helpers.timing.datapoint_probe import POLL_SECONDS, CloudWatchWatch
from helpers.traffic.traffic import Traffic

DRAIN_SECONDS = 60
LEDGER_SECONDS, SEEN_SECONDS = 30, 10
WARM_SECONDS, WARM_RATE = 12, 200

_cold: set[str] = set()  # the chain that has seen no traffic yet


def chain(anew: bool = False, warm: bool = True, **capture: Any) -> Cloud:
    """Return the chain of this bench's own, everything deployed and running; start it if need be.

    The parts share it, as starting takes half a minute. `end_chain` ends it.

    Args:
        anew: end one that runs, and start another.
        warm: send some beacons through one that has seen none: a JVM that starts is slow.
        capture: parameters of module 1-capture for a new one, e.g. `ShardCount=2`.
    """
    if anew or not is_running():
        end_chain()
        with redirect_stdout(io.StringIO()):  # what a learner likes to read
            cloud = connect("local")
            for module in MODULES:
                deploy(cloud, module, **(capture if module == "1-capture" else {}))
            start_analytics(cloud)
            beacon_url(cloud)
        _cold.add(cloud.endpoint)
    else:
        with redirect_stdout(io.StringIO()):
            cloud = connect("local")
    if warm and _cold:
        hold(cloud, WARM_RATE, WARM_SECONDS)
        _cold.clear()
    return cloud


def end_chain() -> None:
    """End the chain and delete all that it has written.

    Raises:
        RuntimeError: it has no folder of its own (see `own_home`), and a learner's must stay.
    """
    if not os.environ.get("WORKSHOP_HOME"):
        raise RuntimeError("call own_home first")
    _cold.clear()
    with redirect_stdout(io.StringIO()):
        disconnect()
    shutil.rmtree(home(), ignore_errors=True)


def hold(cloud: Cloud, rate: float, seconds: float, exact: bool = False) -> dict:
    """Send beacons at one rate; return what became of them, and in what time.

    Args:
        cloud: a chain that runs.
        rate: beacons per second.
        seconds: for how long.
        exact: compare every stage in a ledger, too, which takes a while.

    Returns:
        rate, sent, answered, in_cloudwatch, lost (sent and not in CloudWatch a minute after the
        end; with `exact`, also what the stages lost or have twice; None where the ledger does not
        know, because beacons were on their way still or a stage was not read whole), p50, p90 and
        p99 (seconds from a beacon's departure to a datapoint that can be read; None if some were
        never seen), drained_s (from the end of the traffic until all had arrived),
        generator_lag_ms, cores (CPU seconds per second while traffic flowed, by process).
    """
    since = bucket_edge()
    traffic, lag = Traffic(cloud), 0
    with CloudWatchWatch(cloud, "event_count", "pageview", since) as watch:
        before, began = cpu_seconds(of_home(str(home()))), time.monotonic()
        traffic.start(rate=rate, seconds=seconds)
        used: dict[str, float] = {}
        while (status := traffic.status())["state"] == "running":
            lag = max(lag, status["lag_ms"])
            now = cpu_seconds(of_home(str(home())))
            used = {
                name: round((now[name] - before[name]) / (time.monotonic() - began), 2)
                for name in now
            }
            time.sleep(1)
        totals, ended = traffic.stop(), time.monotonic()
        arrived = _drained(cloud, since, totals.answered)
        drained = time.monotonic() - ended
        sent_at = _pageviews(totals.journal)
        _seen(watch, len(sent_at))
    lost: int | None = totals.sent - arrived
    if exact:
        wrong = _balance(cloud, since)
        lost = None if wrong is None else max(totals.sent - arrived, wrong)
    return {
        "rate": rate,
        "seconds": seconds,
        "sent": totals.sent,
        "answered": totals.answered,
        "in_cloudwatch": arrived,
        "lost": lost,
        **_percentiles(watch.latencies(sent_at), len(sent_at)),
        "drained_s": round(drained, 1),
        "generator_lag_ms": lag,
        "cores": {name: share for name, share in sorted(used.items()) if share > 0.005},
    }


def is_held(result: dict, p99: float = 6.0) -> bool:
    """Tell whether a rate was held: all were sent in time, none was lost, and p99 is small enough.

    Args:
        result: of `hold`.
        p99: seconds.
    """
    wanted = result["rate"] * result["seconds"]
    return (
        result["sent"] >= 0.99 * wanted
        and result["lost"] == 0
        and result["p99"] is not None
        and result["p99"] < p99
    )


def _drained(cloud: Cloud, since: datetime, wanted: int) -> int:
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        is_last = time.monotonic() > deadline
        found = int(cloudwatch_values(cloud, ACCEPTED, start=since)["Value"].sum())
        if found >= wanted or is_last:
            return found
        time.sleep(0.5)


def _pageviews(journal: Path) -> list[int]:
    """Return when each answered pageview left, epoch ms."""
    with journal.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [e["sent_at"] for e in entries if e["event"] == "pageview" and e["status"] == 200]


def _seen(watch: CloudWatchWatch, wanted: int) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while watch.total() < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3 * POLL_SECONDS)  # the watch looks by itself


def _percentiles(seconds: np.ndarray, wanted: int) -> dict:
    if not wanted or len(seconds) < wanted:
        return {"p50": None, "p90": None, "p99": None}
    found = np.percentile(seconds, [50, 90, 99])
    return dict(zip(("p50", "p90", "p99"), (round(float(one), 2) for one in found), strict=True))


def _balance(cloud: Cloud, since: datetime) -> int | None:
    """Return how many beacons the ledger lost or has twice; None if it can't tell yet.

    To read a ledger of a minute at 8,000 beacons/s takes longer than the archive needs to be whole.
    """
    account = poll_until(
        lambda: ledger(cloud, since),
        lambda account: account.balances,
        "every stage has counted every beacon",
        LEDGER_SECONDS,
    )
    return account.wrong or (0 if account.is_complete else None)


def own_home(folder: str) -> None:
    """Keep a learner's running target out of it: another folder, and other ports."""
    os.environ["WORKSHOP_HOME"] = folder
    os.environ["WORKSHOP_ANY_PORTS"] = "1"
    os.environ.pop("JAVA_HOME", None)
