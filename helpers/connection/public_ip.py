"""From where the learner's beacons come: the address that the load balancer on AWS lets in."""

import ipaddress
import urllib.request
from collections.abc import Mapping

from helpers.core.errors import WorkshopError

# AWS's own answer to "what is my address?", in plain text.
SERVICE = "https://checkip.amazonaws.com"
_SECONDS = 10
_BYTES = 100  # an address has at most 15


def public_ip(service: str = SERVICE) -> str:
    """Return this machine's address as AWS sees it, as a network of one: `203.0.113.9/32`.

    Where a proxy or a router stands between, it is theirs. Yours changes with the network you
    are in: say the new one with `deploy(cloud, "1-frontend", BeaconSourceCIDR=public_ip())`.

    Args:
        service: the URL that answers with the address of who asks.

    Raises:
        WorkshopError: the service does not answer, or not with an IPv4 address.

    Example:
        `public_ip()` -> `"203.0.113.9/32"`
    """
    remedy = 'Say it yourself: `deploy(cloud, "1-frontend", BeaconSourceCIDR="203.0.113.9/32")`.'
    try:
        with urllib.request.urlopen(service, timeout=_SECONDS) as answer:
            text = answer.read(_BYTES).decode("ascii", "backslashreplace").strip()
    except OSError as error:
        raise WorkshopError(
            f"Your address, which alone may send beacons, could not be found: {error}", remedy
        ) from None
    try:
        return f"{ipaddress.IPv4Address(text)}/32"
    except ValueError:
        raise WorkshopError(f"{service} answered {text!r}, no IPv4 address.", remedy) from None


def frontend_parameters(given: Mapping[str, str]) -> dict[str, str]:
    """Return what a new front end on AWS is told: one server in each zone, and who may send.

    Args:
        given: what the learner says; one who names an address is not asked for it.

    Raises:
        WorkshopError: as `public_ip`.

    Example:
        `frontend_parameters({})["SmallestFleet"]` -> `"2"`
    """
    found = {"SmallestFleet": "2", "FleetSize": "2"}
    if "BeaconSourceCIDR" not in given:
        found["BeaconSourceCIDR"] = public_ip()
        print(
            f"Beacons are taken from {found['BeaconSourceCIDR']} alone, your address now; "
            "BeaconSourceCIDR names another."
        )
    return found
