"""The beacon of a logged request."""

import hashlib

from ..beacon import Beacon, sendable
from .request import Request
from .sources import source_and_campaign


def beacon_of(request: Request, own: bytes | None = None) -> Beacon:
    """Return a request's beacon: a view of its page by the visitor with its address and agent.

    Args:
        request: a logged request.
        own: the host of the log's own site, which is no source (see `sources.own_host`).

    Example:
        >>> beacon_of(Request(b"::1", b"curl/8", None, b"/a", None)).page
        b'/a'
    """
    who = b"%b %b" % (request.address, request.agent or b"-")
    visitor = hashlib.blake2s(who, digest_size=6).hexdigest()
    beacon = Beacon(event=b"pageview", clientid=visitor.encode())
    source, campaign = source_and_campaign(request, own)
    values = {
        "page": request.page,
        "referrer": request.referrer,
        "agent": request.agent,
        "source": source,
        "campaign": campaign,
    }
    for name, value in values.items():
        if value is not None:
            sent, change = sendable(value)
            setattr(beacon, name, sent)
            if change:
                beacon.altered.append(f"{name}: {change}")
    return beacon
