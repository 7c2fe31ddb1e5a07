"""The late-data lab: sends a hundred clicks in one bucket, and seven more that arrive late."""

import http.client
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import bucket_edge
from helpers.deployment.fleet import beacon_url
from helpers.generator.beacon import Beacon
from helpers.traffic.send_beacon import AGENT, note

from .past_beacons import put_past_beacons

PAGE = "/late-lab"


def send_clicks(cloud: Cloud, count: int = 100, page: str = PAGE) -> datetime:
    """Wait until the next bucket begins, then send clicks over HTTP, all in that bucket.

    Args:
        cloud: its fleet receives the clicks.
        count: how many; 100 take a fraction of a second.
        page: the page of the clicks.

    Returns:
        The start of their bucket, UTC.

    Raises:
        WorkshopError: there is no fleet, or it does not respond.

    Example:
        `bucket = send_clicks(cloud, 100)`
    """
    address = urlsplit(beacon_url(cloud))
    bucket = bucket_edge()
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    try:
        for number in range(count):
            headers = {"event": "click", "page": page, "clientid": f"lab-{number}"}
            connection.request("GET", address.path, headers={"User-Agent": AGENT, **headers})
            answer = connection.getresponse()
            answer.read()
            facts = {"sent_at": int(time.time() * 1000), "agent": AGENT, "status": answer.status}
            note(cloud, headers | facts)
    except OSError as error:
        raise WorkshopError(
            f"The beacon servers do not respond: {error}.", "Run the deploy cells again, then this."
        ) from None
    finally:
        connection.close()
    print(f"{count} clicks on {page}, all in the ten seconds from {bucket:%H:%M:%S} UTC.")
    return bucket


def send_late(cloud: Cloud, count: int, at: datetime, page: str = PAGE) -> None:
    """Send clicks that happened earlier, as the agent of a server does that was cut off.

    The agent's own code makes records from their log lines; they are put to the stream now.

    Args:
        cloud: its stream receives the clicks.
        count: how many, up to 500.
        at: when they happened, an aware datetime.
        page: the page of the clicks.

    Raises:
        NotDeployed: the stream does not exist yet.

    Example:
        `send_late(cloud, 7, at=bucket)`
    """
    then = at.timestamp() + 5  # in the middle of the bucket that begins at `at`
    late = time.time() - then
    beacons = [
        Beacon(b"click", b"late-%d" % number, page.encode(), AGENT.encode())
        for number in range(count)
    ]
    put_past_beacons(cloud, [(beacon, then) for beacon in beacons])
    when = datetime.fromtimestamp(then, UTC)
    clicks = "1 click" if count == 1 else f"{count} clicks"
    print(f"Into the stream: {clicks} of {when:%H:%M:%S} UTC, {late:,.0f} s late.")
