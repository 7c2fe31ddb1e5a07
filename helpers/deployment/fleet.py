"""The beacon servers: their number, and the URL to which browsers send beacons."""

import socket
from operator import itemgetter
from urllib.parse import urlsplit

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError, check_number
from helpers.core.waiting import wait_until, waiting

from .quotas import check_servers


def fleet_size(cloud: Cloud, n: int) -> None:
    """Set the number of beacon servers; they start or stop within seconds (minutes on AWS).

    On AWS the Auto Scaling group also scales by itself: it shrinks after 15 minutes of low load.

    Args:
        cloud: the target on which the fleet runs.
        n: servers, within the group's bounds: 1 to 6, on AWS 2 to 6.

    Raises:
        NotDeployed: module 1-frontend is not deployed.
        WorkshopError: `n` is not a whole number within the bounds, or the account may not run so
            many servers (if its quota of vCPUs can be read).

    Example:
        `fleet_size(cloud, 3)` prints `✓ 3 beacon servers, where there were 1.`
    """
    name, autoscaling = cloud.name("fleet"), cloud.client("autoscaling")
    with explained():
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        if not found["AutoScalingGroups"]:
            raise NotDeployed(f"The fleet {name}", "1-frontend")
        group = found["AutoScalingGroups"][0]
        check_number("The number of servers", n, group["MinSize"], group["MaxSize"], whole=True)
        if n > group["DesiredCapacity"]:
            check_servers(cloud, n)
        autoscaling.set_desired_capacity(
            AutoScalingGroupName=name, DesiredCapacity=n, HonorCooldown=False
        )
    print(f"✓ {n} beacon servers, where there were {group['DesiredCapacity']}.")


def beacon_url(cloud: Cloud, timeout: float = 60) -> str:
    """Return the URL of the beacon servers, once a server accepts connections there.

    Args:
        cloud: the target on which the fleet runs.
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
            "On AWS, allow your IP address: "
            '`deploy(cloud, "1-frontend", BeaconSourceCIDR=public_ip())`; '
            "locally, read .workshop/fleet/*/server.out.",
        )
    return url


def _listens(url: str) -> bool:
    # Connects without a request, which would be logged among the beacons.
    at = urlsplit(url)
    try:
        with socket.create_connection((at.hostname, at.port or 80), timeout=2):
            return True
    except OSError:
        return False
