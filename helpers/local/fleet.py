"""The fleet controller: emulates the instances and the load balancer of an Auto Scaling group.

The emulator stores a group's desired capacity and starts nothing. For each group with the
workshop's tag, this controller runs that many beacon servers, each with its agent, on one shared
port (SO_REUSEPORT in place of the load balancer). It writes the port's URL to the parameter
`/<prefix>/beacon-url`, in place of the load balancer's.
"""

import contextlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from helpers.core.paths import home

from . import pace, ports, state
from .beacon_server_process import Server
from .controller_loop import repeat

log = logging.getLogger("workshop.fleet")

SECONDS_BETWEEN = 0.5
TAG = ("workshop", "realtime-web-analytics")


class Fleet:
    """The servers of one Auto Scaling group, on one port."""

    def __init__(self, group: str, stream: str, addresses: str, port: int) -> None:
        self.group, self.port = group, port
        self.stream, self.addresses = stream, addresses
        self.servers: list[Server] = []

    @property
    def url(self) -> str:
        """Where beacons are sent."""
        return f"http://127.0.0.1:{self.port}/beacon"

    def match(self, capacity: int) -> None:
        """Start or end servers until there are `capacity`; restart those that have ended."""
        while len(self.servers) < capacity:
            name = f"{self.group}-{len(self.servers) + 1}"
            folder = home() / "fleet" / name
            self.servers.append(Server(name, folder, self.port, self.stream, self.addresses))
        leaving, self.servers = self.servers[capacity:], self.servers[:capacity]
        if leaving:  # all at once: each may need some seconds to ship the rest of its log
            with ThreadPoolExecutor(len(leaving)) as pool:
                list(pool.map(Server.end, leaving))
        for server in self.servers:
            if server.age() >= pace.scaled(pace.SECONDS_UNTIL_A_SERVER_SERVES):
                server.keep_alive()
        if any(server.is_busy() for server in self.servers):
            state.touch()  # beacons arrive, so the target is in use


def desired(client: Any) -> dict[str, tuple[int, str, str]]:
    """Return desired capacity, clicks stream and `addresses` of each of our groups, by its name."""
    groups = {}
    for page in client.get_paginator("describe_auto_scaling_groups").paginate():
        for group in page["AutoScalingGroups"]:
            tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
            if tags.get(TAG[0]) == TAG[1] and "clicks-stream" in tags:
                capacity = group["DesiredCapacity"]
                addresses = tags.get("addresses", "short")
                groups[group["AutoScalingGroupName"]] = capacity, tags["clicks-stream"], addresses
    return groups


def announce(client: Any, fleet: Fleet) -> None:
    """Write the fleet's URL to `/<prefix>/beacon-url` once a server answers."""
    name = f"/{fleet.group.removesuffix('-fleet')}/beacon-url"
    with contextlib.suppress(client.exceptions.ParameterNotFound):
        current = client.get_parameter(Name=name)["Parameter"]["Value"]
        health = f"http://127.0.0.1:{fleet.port}/health"
        if current != fleet.url and fleet.servers and ports.answers(health):
            client.put_parameter(Name=name, Value=fleet.url, Type="String", Overwrite=True)
            state.update_description(beacon_url=fleet.url)


def _port(group: str) -> int:
    # The same port again if we were killed: clients still send beacons to it.
    known = state.description().get("fleet_ports", {})
    if group not in known:
        # The first group gets the target's usual port, a second workshop's group any free one.
        preferred = 0 if known else int(os.environ.get("WORKSHOP_BEACON_PORT", 0))
        known[group] = ports.free_port(preferred)
        state.update_description(fleet_ports=known)
    return known[group]


def _step(fleets: dict[str, Fleet], scaling: object, ssm: object) -> None:
    wanted = desired(scaling)
    for group in fleets.keys() - wanted.keys():
        fleets.pop(group).match(0)
    for group, (capacity, stream, addresses) in wanted.items():
        if group in fleets and fleets[group].addresses != addresses:
            fleets.pop(group).match(0)  # as AWS, which replaces the servers of a changed template
        if group not in fleets:
            fleets[group] = Fleet(group, stream, addresses, _port(group))
        fleets[group].match(capacity)
        announce(ssm, fleets[group])


def main() -> None:
    """Follow the groups until SIGTERM, then end every server; its agent ships the rest."""
    scaling, ssm = boto3.client("autoscaling"), boto3.client("ssm")
    fleets: dict[str, Fleet] = {}
    repeat(lambda: _step(fleets, scaling, ssm), SECONDS_BETWEEN, log)
    for fleet in fleets.values():
        fleet.match(0)


if __name__ == "__main__":
    main()
