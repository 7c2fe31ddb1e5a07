"""Acts as a learner does by hand between two cells: buys something, sends malformed requests."""

import contextlib
import io
import time
from collections.abc import Callable

from helpers.connection.connect import connect
from helpers.core.cloud import Cloud
from helpers.traffic.send_beacon import send_beacon
from helpers.traffic.traffic import Traffic

MALFORMED_SECONDS = 30


def act_before(code: str) -> None:
    """Act as a learner does before a cell; before most cells, nothing is done.

    Args:
        code: the cell's.
    """
    for beginning, act in _ACTS.items():
        if code.startswith(beginning):
            with contextlib.redirect_stdout(io.StringIO()):
                act(connect("local"))


def _buy(cloud: Cloud) -> None:
    """Send what the demo shop's pages send."""
    for event, page in (("pageview", "/"), ("click", "/"), ("conversion", "/grinder.html")):
        send_beacon(cloud, event=event, page=page, clientid="reader")


def _send_malformed(cloud: Cloud) -> None:
    traffic = Traffic(cloud)
    traffic.start(rate=20, malformed_percent=20)
    time.sleep(MALFORMED_SECONDS)
    traffic.set(malformed_percent=0)
    traffic.stop()


# The beginning of a cell's code -> the act before it.
_ACTS: dict[str, Callable[[Cloud], None]] = {
    'records = newest_records(cloud, seconds=300, event="conversion")': _buy,
    'archived_beacons(cloud, minutes=15)["rejected"]': _send_malformed,
}
