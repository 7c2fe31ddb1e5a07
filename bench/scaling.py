"""How does the rate grow with the number of servers and shards, until the cores are the limit?

Servers: 1 to 6 beacon servers on one port, as in the fleet, with `ab` on the same cores.

Shards: the whole chain, with streams of 1, 2 and 4 shards. The emulator's shards have no limit of
their own; here each has AWS' limit, 1,000 records or 1 MB per second (shard_limits.py).
"""

import os
import subprocess
import tempfile
from pathlib import Path

from bench.chain import chain, end_chain, hold, is_held
from bench.needs import NeedsError
from bench.servers import ab, load
from helpers.local.ports import answers, free_port, wait_for
from tests.running_server import COMMAND

SERVERS = (1, 2, 4, 6)
# By number of shards: the rates to try, from low to high, until one is not held.
RATES = {1: (900, 1500), 2: (1800, 3000), 4: (3600,)}
P99_SECONDS = 3  # exceeded within a short run if a stream falls behind


def measure(seconds: float = 4, hold_seconds: float = 12) -> dict:
    """Return `scaling`: `servers` (requests/s) and `shards` (`held`, `tries`), by number.

    `servers` is empty without `ab`.

    Args:
        seconds: duration of the load for each number of servers.
        hold_seconds: duration for which the chain must hold a rate.
    """
    servers, needs = {}, {}
    try:
        ab()
        servers = {str(count): _servers(count, seconds) for count in SERVERS}
    except NeedsError as error:
        needs = {"scaling.servers": str(error)}
    shards = {str(count): _shards(count, hold_seconds) for count in RATES}
    return {"scaling": {"servers": servers, "shards": shards}, "needs": needs}


def _servers(count: int, seconds: float) -> int:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as folder:
        logs = [str(Path(folder) / f"access-{number}.log") for number in range(count)]
        command, quiet = [*COMMAND, "--port", str(port), "--log"], subprocess.DEVNULL
        servers = [subprocess.Popen([*command, log], stdout=quiet, stderr=quiet) for log in logs]
        try:
            wait_for(f"http://127.0.0.1:{port}/health", 20)
            # Any server may answer: after so many requests, probably each of them has.
            for _ in range(20 * count):
                answers(f"http://127.0.0.1:{port}/health")
            rate, _ = load(port, seconds, core=None)
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait(10)
    return round(rate)


def _shards(count: int, seconds: float) -> dict:
    tries, held = [], 0
    os.environ["WORKSHOP_SHARD_LIMITS"] = "1"
    try:
        cloud = chain(restart=True, ShardCount=count)
        for rate in RATES[count]:
            run = hold(cloud, rate, seconds)
            tries.append(run | {"held": is_held(run, P99_SECONDS)})
            if not tries[-1]["held"]:
                break
            held = rate
    finally:
        del os.environ["WORKSHOP_SHARD_LIMITS"]
        end_chain()
    return {"held": held, "tries": tries}
