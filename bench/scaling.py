"""Do more servers and more shards carry more? Until the cores are the limit.

Servers: 1 to 6 beacon servers on one port, as the fleet has them, with `ab` on the same cores.

Shards: the whole chain, with streams of 1, 2 and 4 shards. A shard of the emulator takes whatever
comes; here each takes what AWS' takes, 1,000 records or 1 MB a second (shard_limits.py).
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
# Of each number of shards: the rates tried, from low to high, until one is not held.
RATES = {1: (900, 1500), 2: (1800, 3000), 4: (3600,)}
P99_SECONDS = 3  # a stream that falls behind shows it within a short run


def measure(seconds: float = 4, hold_seconds: float = 12) -> dict:
    """Return `scaling`: `servers` (requests/s) and `shards` (`held`, `tries`), by their number.

    `servers` is empty without `ab`.

    Args:
        seconds: of load for each number of servers.
        hold_seconds: for which the chain has to hold a rate.
    """
    found: dict = {"scaling": {"servers": {}}}
    try:
        ab()
        found["scaling"]["servers"] = {str(count): _servers(count, seconds) for count in SERVERS}
    except NeedsError as error:
        found["needs"] = {"scaling.servers": str(error)}
    found["scaling"]["shards"] = {str(count): _shards(count, hold_seconds) for count in RATES}
    return found


def _servers(count: int, seconds: float) -> int:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as folder:
        servers = [
            subprocess.Popen(
                [*COMMAND, "--port", str(port), "--log",
                 str(Path(folder) / f"access-{number}.log")],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for number in range(count)
        ]  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/health", 20)
            _until_all_listen(port, servers)
            rate, _ = load(port, seconds, core=None)
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait(10)
    return round(rate)


def _until_all_listen(port: int, servers: list[subprocess.Popen]) -> None:
    # Which of them answers is chance: after so many looks each has most likely been met.
    for _ in range(20 * len(servers)):
        answers(f"http://127.0.0.1:{port}/health")


def _shards(count: int, seconds: float) -> dict:
    tries, held = [], 0
    os.environ["WORKSHOP_SHARD_LIMITS"] = "1"
    try:
        cloud = chain(anew=True, ShardCount=count)
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
