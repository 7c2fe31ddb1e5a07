"""The whole pipeline without a notebook: `make demo [LOG=access.log] [RATE=200] [KEEP=1]`.

It starts the local target, deploys the stacks, replays a log, waits until every stage has counted
every beacon, and prints the ledger, the totals by metric, and one JSON object as its last line.
"""

import argparse
import json
import sys

import numpy as np
import pandas as pd

from .audit.ledger import Ledger, ledger
from .audit.record_outcomes import archived_outcomes
from .audit.recount import metric_totals
from .connection.connect import connect, disconnect, is_running
from .core.cloud import Cloud
from .core.command import exit_code
from .core.paths import REPOSITORY
from .core.waiting import bucket_edge, poll_until
from .deployment.deploy import deploy
from .deployment.fleet import beacon_url
from .deployment.flink_application import start_analytics
from .deployment.stacks import MODULES
from .timing.datapoint_probe import CloudWatchWatch
from .traffic.traffic import Traffic, check_replay

SETTLE_SECONDS = 90
SAMPLE = REPOSITORY / "assets" / "sample" / "access.log.gz"


def main() -> int:
    """Run the demo; return 0, or 1 if a stage disagrees or an error occurred."""
    arguments = _arguments()
    started_here = not is_running()
    try:
        return exit_code(lambda: _demo(arguments))
    finally:
        # A target that was running before may be in use by a notebook.
        if started_here and not arguments.keep and is_running():
            disconnect()


def _demo(arguments: argparse.Namespace) -> int:
    check_replay(arguments.log, arguments.rate)  # before the start, which takes a minute
    return demo(connect("local"), arguments.log, arguments.rate)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo", description="Replays a log through the pipeline."
    )
    parser.add_argument(
        "--log", default=str(SAMPLE), help="an access log, a folder or a pattern of them"
    )
    parser.add_argument("--rate", type=float, default=100, help="beacons per second")
    parser.add_argument("--keep", action="store_true", help="leave the local target running")
    return parser.parse_args()


def demo(cloud: Cloud, log: str, rate: float) -> int:
    """Deploy the pipeline, replay a log through it, and compare every stage.

    Args:
        cloud: the account.
        log: path of an access log, a folder or a pattern of them (see `Traffic.replay`).
        rate: beacons per second.

    Returns:
        0 if every stage accounts for every beacon, and each was seen in CloudWatch; else 1.
    """
    for module in MODULES:
        deploy(cloud, module)
    start_analytics(cloud)
    beacon_url(cloud)
    since = bucket_edge()
    with CloudWatchWatch(cloud, "event_count", "pageview", since) as watch:
        Traffic(cloud).replay(log, rate=rate)
        account = poll_until(
            lambda: ledger(cloud, since),
            lambda account: account.balances,
            "every stage has counted every beacon",
            SETTLE_SECONDS,
            lambda account: account.sentence,
        )
    print(f"\n{metric_totals(cloud, since).to_string()}\n\n{account}\n")
    if account.unread:
        return 1  # the counts of a stage are unknown
    summary = summarise(account, archived_outcomes(cloud, since), watch)
    print(json.dumps(summary))
    return 0 if account.balances and summary["latency_p99_s"] is not None else 1


def summarise(account: Ledger, outcomes: pd.DataFrame, watch: CloudWatchWatch) -> dict:
    """Return the demo's last line: beacons by stage, and seconds until they could be read.

    Args:
        account: the ledger.
        outcomes: as `archived_outcomes` returns it.
        watch: has seen `event_count` of `pageview` grow.
    """
    frame = account.frame
    stages = frame["Beacons"] - frame["Duplicates"]  # copies are not counted again
    accepted = outcomes[(outcomes["outcome"] == "accepted") & (outcomes["event"] == "pageview")]
    latencies = watch.latencies(accepted["received_at"])
    p50, p99 = np.percentile(latencies, [50, 99]) if len(latencies) else (None, None)
    return {
        "sent": int(stages["sent"]),
        "accepted": int(frame.loc["archived", "Accepted"]),
        "bots": int(frame.loc["archived", "Bots"]),
        "rejected": int(stages["archived"] - frame.loc["archived", ["Accepted", "Bots"]].sum()),
        "duplicates": int(frame.loc["archived", "Duplicates"]),
        "archived": int(stages["archived"]),
        "dynamodb": int(stages["dynamodb"]),
        "cloudwatch": int(stages["cloudwatch"]),
        "lost": int(frame["Missing"].max()),
        "latency_p50_s": p50 and round(float(p50), 2),
        "latency_p99_s": p99 and round(float(p99), 2),
    }


if __name__ == "__main__":
    sys.exit(main())
