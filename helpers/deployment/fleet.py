"""The beacon servers: how many there are, and where browsers send their beacons."""

import socket
from operator import itemgetter
from urllib.parse import urlsplit

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.waiting import wait_until, waiting


def fleet_size(cloud: Cloud, n: int) -> None:
    """Set the number of beacon servers; they start or stop within seconds (minutes on AWS).

    On AWS the group also scales by itself: one that has too little to do for 15 minutes shrinks.

    Args:
        cloud: where the fleet runs.
        n: servers, within the group's own bounds: 1 to 6, on AWS 2 to 6.

    Raises:
        NotDeployed: module 1-frontend is not deployed.
        WorkshopError: `n` is no whole number within the bounds.

    Example:
        `fleet_size(cloud, 3)` prints `✓ 3 beacon servers, where there were 1.`
    """
    name, autoscaling = cloud.name("fleet"), cloud.client("autoscaling")
    with explained():
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        if not found["AutoScalingGroups"]:
            raise NotDeployed(f"The fleet {name}", "1-frontend")
        group = found["AutoScalingGroups"][0]
        least, most = group["MinSize"], group["MaxSize"]
        if not isinstance(n, int) or isinstance(n, bool) or not least <= n <= most:
            raise WorkshopError(
                f"A fleet has {least} to {most} servers, not {n!r}.",
                f"Call `fleet_size(cloud, n)` with a whole number from {least} to {most}.",
            )
        autoscaling.set_desired_capacity(
            AutoScalingGroupName=name, DesiredCapacity=n, HonorCooldown=False
        )
    print(f"✓ {n} beacon servers, where there were {group['DesiredCapacity']}.")


def beacon_url(cloud: Cloud, timeout: float = 60) -> str:
    """Return the URL of the beacon servers, waiting until somebody listens there.

    Args:
        cloud: where the fleet runs.
        timeout: seconds to wait at most.

    Raises:
        NotDeployed: module 1-frontend is not deployed.
        WorkshopError: no server was reached in time.

    Example:
        `beacon_url(cloud)` -> `"http://127.0.0.1:8080/beacon"`
    """

    def look() -> tuple[str, bool]:
        name = f"/{cloud.prefix}/beacon-url"
        with explained(f"The parameter {name}", "1-frontend"):
            url = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        return url, _listens(url)

    with waiting("The beacon servers are starting"):
        url, is_reached = wait_until(look, timeout, itemgetter(1), 0.3)
    if not is_reached:
        raise WorkshopError(
            f"No beacon server was reached at {url} within {timeout:.0f} s.",
            "On AWS, let your address in: "
            '`deploy(cloud, "1-frontend", BeaconSourceCIDR=public_ip())`; '
            "locally, look at .workshop/fleet/*/server.out.",
        )
    return url


def _listens(url: str) -> bool:
    # Connects and says nothing: a request would be logged among the beacons.
    at = urlsplit(url)
    try:
        with socket.create_connection((at.hostname, at.port or 80), timeout=2):
            return True
    except OSError:
        return False
