"""The learner's public IP address, which the load balancer on AWS allows."""

import ipaddress
import urllib.request
from collections.abc import Mapping

from helpers.core.errors import WorkshopError

# A service of AWS that returns the caller's address as plain text.
SERVICE = "https://checkip.amazonaws.com"
_SECONDS = 10
_BYTES = 100  # an address has at most 15


def public_ip(service: str = SERVICE) -> str:
    """Return this machine's public address (behind a proxy or a router: theirs) as a CIDR block.

    It changes with your network. Then allow the new one with
    `deploy(cloud, "1-frontend", BeaconSourceCIDR=public_ip())`.

    Args:
        service: a URL that returns the caller's address.

    Raises:
        WorkshopError: the service does not answer, or returns no IPv4 address.

    Example:
        `public_ip()` -> `"203.0.113.9/32"`
    """
    remedy = 'Give it yourself: `deploy(cloud, "1-frontend", BeaconSourceCIDR="203.0.113.9/32")`.'
    try:
        with urllib.request.urlopen(service, timeout=_SECONDS) as answer:
            text = answer.read(_BYTES).decode("ascii", "backslashreplace").strip()
    except OSError as error:
        raise WorkshopError(f"Your public IP address could not be found: {error}", remedy) from None
    try:
        return f"{ipaddress.IPv4Address(text)}/32"
    except ValueError:
        raise WorkshopError(
            f"{service} returned {text!r}, which is no IPv4 address.", remedy
        ) from None


def frontend_parameters(given: Mapping[str, str]) -> dict[str, str]:
    """Return parameters of a new front end on AWS: one server in each zone, the allowed address.

    Args:
        given: the learner's own parameters; with BeaconSourceCIDR, no address is looked up.

    Raises:
        WorkshopError: as `public_ip`.

    Example:
        `frontend_parameters({})["SmallestFleet"]` -> `"2"`
    """
    parameters = {"SmallestFleet": "2", "FleetSize": "2"}
    if "BeaconSourceCIDR" not in given:
        parameters["BeaconSourceCIDR"] = public_ip()
        print(
            f"Only {parameters['BeaconSourceCIDR']}, your address now, may send beacons; "
            "the parameter BeaconSourceCIDR allows another."
        )
    return parameters
