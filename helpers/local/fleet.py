"""The fleet controller: plays the instances and the load balancer of an Auto Scaling group.

The emulator records a group's desired capacity and starts nothing. This controller watches each
group that is tagged as the workshop's, and keeps that many beacon servers, each with its agent,
running on one port that they share (SO_REUSEPORT stands in for the load balancer). It writes the
port's URL where the load balancer's would stand: in the parameter `/<prefix>/beacon-url`.
"""

import contextlib
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.exceptions

from helpers.core.errors import WorkshopError
from helpers.core.paths import home

from . import ports, state
from .beacon_server_process import Server

log = logging.getLogger("workshop.fleet")

SECONDS_BETWEEN = 0.5
TAG = ("workshop", "realtime-web-analytics")


class Fleet:
    """The servers of one Auto Scaling group, on one port."""

    def __init__(self, group: str, stream: str, port: int) -> None:
        self.group, self.stream, self.port = group, stream, port
        self.servers: list[Server] = []

    @property
    def url(self) -> str:
        """Where beacons are sent."""
        return f"http://127.0.0.1:{self.port}/beacon"

    def match(self, capacity: int) -> None:
        """Start or end servers until there are `capacity`; start again what has died."""
        while len(self.servers) < capacity:
            self.servers.append(self._new_server(len(self.servers) + 1))
        leaving, self.servers = self.servers[capacity:], self.servers[:capacity]
        if leaving:  # all at once: each may take a while to ship what its log still holds
            with ThreadPoolExecutor(len(leaving)) as pool:
                list(pool.map(Server.end, leaving))
        for server in self.servers:
            server.keep_alive()
        if any(server.is_busy() for server in self.servers):
            state.touch()  # beacons arrive, perhaps in a notebook that nobody looks at: it is used

    def _new_server(self, number: int) -> Server:
        name = f"{self.group}-{number}"
        return Server(name, home() / "fleet" / name, self.port, self.stream)


def desired(client: Any) -> dict[str, tuple[int, str]]:
    """Return `(desired capacity, clicks stream)` of each group of the workshop, by its name.

    Args:
        client: the boto3 client of Auto Scaling.
    """
    found = {}
    for page in client.get_paginator("describe_auto_scaling_groups").paginate():
        for group in page["AutoScalingGroups"]:
            tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
            if tags.get(TAG[0]) == TAG[1] and "clicks-stream" in tags:
                found[group["AutoScalingGroupName"]] = (
                    group["DesiredCapacity"],
                    tags["clicks-stream"],
                )
    return found


def announce(client: Any, fleet: Fleet) -> None:
    """Write the fleet's URL to `/<prefix>/beacon-url` once a server answers, as a balancer's.

    Args:
        client: the boto3 client of Systems Manager.
        fleet: the fleet; one without servers is not announced.
    """
    name = f"/{fleet.group.removesuffix('-fleet')}/beacon-url"
    with contextlib.suppress(client.exceptions.ParameterNotFound):
        current = client.get_parameter(Name=name)["Parameter"]["Value"]
        health = f"http://127.0.0.1:{fleet.port}/health"
        if current != fleet.url and fleet.servers and ports.answers(health):
            client.put_parameter(Name=name, Value=fleet.url, Type="String", Overwrite=True)
            state.update_description(beacon_url=fleet.url)


def _port(group: str) -> int:
    # As before if we were killed: beacons are on their way to it.
    known = state.description().get("fleet_ports", {})
    if group not in known:
        # The first group gets the target's usual port, another workshop's group any other.
        preferred = 0 if known else int(os.environ.get("WORKSHOP_BEACON_PORT", 0))
        known[group] = ports.free_port(preferred)
        state.update_description(fleet_ports=known)
    return known[group]


def _step(fleets: dict[str, Fleet], scaling: object, ssm: object) -> None:
    wanted = desired(scaling)
    for group in fleets.keys() - wanted.keys():
        fleets.pop(group).match(0)
    for group, (capacity, stream) in wanted.items():
        if group not in fleets:
            fleets[group] = Fleet(group, stream, _port(group))
        fleets[group].match(capacity)
        announce(ssm, fleets[group])


def main() -> None:
    """Follow the groups until SIGTERM, then end every server; its agent ships what is left."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    scaling, ssm = boto3.client("autoscaling"), boto3.client("ssm")
    fleets: dict[str, Fleet] = {}
    while not stop.wait(SECONDS_BETWEEN):
        try:
            _step(fleets, scaling, ssm)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            log.warning("The emulator did not answer, trying again: %s", error)
        except (OSError, WorkshopError) as error:
            # A full disk. Were we to end, the servers would end with us; and they answer 503.
            log.warning("Trying again: %s", error)
    for fleet in fleets.values():
        fleet.match(0)


if __name__ == "__main__":
    main()
