"""The generator's command line, as `helpers.traffic.traffic` starts it."""

import argparse
import asyncio
import os
import sys
from typing import Any

from helpers.core.paths import read_json

from .clicks_stream import ClicksStream
from .delayed_delivery import DelayedDelivery
from .live import Live, settings_path
from .logs.files import find_logs
from .replay import Replay
from .run import Run, take_lock


def _kinesis(arguments: argparse.Namespace) -> Any:  # noqa: ANN401 - boto3's class
    # Imported here: boto3 takes half a second and 40 MB, and only late beacons need it.
    import boto3

    from helpers.core.cloud import Cloud

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return Cloud(boto3.Session(), "", arguments.prefix, endpoint).client("kinesis")


async def _live(arguments: argparse.Namespace) -> None:
    if "beacon_url" not in read_json(settings_path(), default={}):
        sys.exit(f"{settings_path()} has no beacon_url: start traffic with Traffic(cloud).start().")
    run = Run("live", arguments.target)
    loop = asyncio.get_running_loop()
    stream = ClicksStream(
        lambda: _kinesis(arguments),
        f"{arguments.prefix}-clicks",
        lambda line: loop.call_soon_threadsafe(run.journal.add, line),
    )
    run.problems.append(lambda: stream.problem)
    await run.go(Live(run, DelayedDelivery(stream), arguments.seconds).work)


async def _replay(arguments: argparse.Namespace) -> None:
    run = Run("replay", arguments.target)
    logs = find_logs(arguments.log)
    replay = Replay(logs, arguments.url, arguments.rate, arguments.speed)
    await run.go(replay.work)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.generator", description=__doc__)
    roles = parser.add_subparsers(dest="role", required=True)
    live = roles.add_parser("live", help="simulated visitors; follows the settings file")
    live.add_argument("--seconds", type=float, help="end after this many seconds")
    replay = roles.add_parser("replay", help="the requests of real access logs")
    replay.add_argument("--log", required=True)
    replay.add_argument("--url", required=True)
    replay.add_argument("--rate", type=float)
    replay.add_argument("--speed", type=float)
    for role in (live, replay):
        role.add_argument("--prefix", default="rwa")
        role.add_argument("--target", default="by-hand", help="names the journal's folder")
    return parser.parse_args()


def main() -> None:
    """Send beacons until the run is complete, SIGTERM arrives, or the parent process ends."""
    arguments = _arguments()
    lock = take_lock(arguments.role)
    if lock is None:
        sys.exit(f"A {arguments.role} generator is already running.")
    asyncio.run(_live(arguments) if arguments.role == "live" else _replay(arguments))


if __name__ == "__main__":
    main()
