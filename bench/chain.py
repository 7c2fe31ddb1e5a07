"""Runs a local target for the bench, and sends traffic to it at one rate."""

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

_cold: set[str | None] = set()  # the endpoint of a chain without traffic so far


def chain(restart: bool = False, warm: bool = True, **capture: Any) -> Cloud:
    """Return the bench's chain with all stacks and Flink running; start it if necessary.

    The parts share it, because a start takes half a minute. `end_chain` ends it.

    Args:
        restart: end a running chain first.
        warm: send some beacons first if it had no traffic yet, because a new JVM is slow.
        capture: parameters of module 1-capture for a new chain, e.g. `ShardCount=2`.
    """
    if restart or not is_running():
        end_chain()
        with redirect_stdout(io.StringIO()):  # hide the progress messages
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
    """End the chain and delete its files.

    Raises:
        RuntimeError: `own_home` was not called, so the files are a learner's.
    """
    if not os.environ.get("WORKSHOP_HOME"):
        raise RuntimeError("call own_home first")
    _cold.clear()
    with redirect_stdout(io.StringIO()):
        disconnect()
    shutil.rmtree(home(), ignore_errors=True)


def hold(cloud: Cloud, rate: float, seconds: float, exact: bool = False) -> dict:
    """Send beacons at one rate; return their number, losses and latency.

    Args:
        cloud: a running chain.
        rate: beacons per second.
        seconds: duration of the traffic.
        exact: also compare all stages in a ledger, which takes a while.

    Returns:
        rate, sent, answered, in_cloudwatch, lost (sent, but not in CloudWatch a minute after the
        end; with `exact`, also beacons that a stage lost or counted twice; None if the ledger is
        incomplete), p50, p90 and p99 (seconds from sending to a readable datapoint; None if some
        beacons did not appear), drained_s (from the end of the traffic until all had arrived),
        generator_lag_ms, cores (CPU seconds per second during the traffic, by process).
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
    """Return whether a rate was held: all sent in time, none lost, and p99 below a limit.

    Args:
        result: of `hold`.
        p99: the limit, seconds.
    """
    return (
        result["sent"] >= 0.99 * result["rate"] * result["seconds"]
        and result["lost"] == 0
        and result["p99"] is not None
        and result["p99"] < p99
    )


def _drained(cloud: Cloud, since: datetime, answered: int) -> int:
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        is_last = time.monotonic() > deadline
        arrived = int(cloudwatch_values(cloud, ACCEPTED, start=since)["Value"].sum())
        if arrived >= answered or is_last:
            return arrived
        time.sleep(0.5)


def _pageviews(journal: Path | None) -> list[int]:
    """Return the sending times of the answered pageviews, epoch ms."""
    if journal is None:
        return []
    with journal.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [e["sent_at"] for e in entries if e["event"] == "pageview" and e["status"] == 200]


def _seen(watch: CloudWatchWatch, sent: int) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while watch.total() < sent and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3 * POLL_SECONDS)  # until the watch has polled again


def _percentiles(seconds: np.ndarray, sent: int) -> dict[str, float | None]:
    shares, known = (50, 90, 99), 0 < sent <= len(seconds)
    return {f"p{n}": round(float(np.percentile(seconds, n)), 2) if known else None for n in shares}


def _balance(cloud: Cloud, since: datetime) -> int | None:
    """Return how many beacons are missing or double in the ledger; None if it is incomplete."""
    account = poll_until(
        lambda: ledger(cloud, since),
        lambda account: account.balances,
        "all stages have counted all beacons",
        LEDGER_SECONDS,
    )
    return account.wrong or (0 if account.is_complete else None)


def own_home(folder: str) -> None:
    """Use another folder and other ports than a learner's running target."""
    os.environ["WORKSHOP_HOME"] = folder
    os.environ["WORKSHOP_ANY_PORTS"] = "1"
    os.environ.pop("JAVA_HOME", None)
