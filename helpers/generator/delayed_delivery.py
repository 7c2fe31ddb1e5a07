"""A server that was cut off: its agent ships its log late, and some records twice.

An agent that can't reach the stream ships its log later: late records. An agent that is killed
after a put and before it saves its offset ships records again: duplicates. Here, both are put
directly to the clicks stream. The agent's own code makes the late records from log lines.
"""

import threading
import time
from collections import deque

from assets.agent import access_log
from assets.agent.user_agent import described
from helpers.core.beacon_definition import HORIZON_SECONDS

from .beacon import Beacon
from .clicks_stream import MOST_RECORDS, ClicksStream
from .duplicates import Duplicates

SERVER = "cut-off-server"
STEP_SECONDS = 0.2


def log_line(beacon: Beacon, at: float, host: str) -> bytes:
    """Return the line that a beacon server logs for a beacon of the demo shop.

    Args:
        beacon: its values contain no character that a log escapes.
        at: when it arrived, epoch seconds.
        host: the visitor's address.
    """
    headers = {name.lower(): value for name, value in beacon.headers()}
    values = b" ".join(b'"%b"' % headers.get(name, b"-") for name in access_log.LOGGED_HEADERS)
    clock = access_log.log_time(at).encode()
    request = b'%b - - [%b] "GET /beacon HTTP/1.1" 200 2' % (host.encode(), clock)
    return b"%b %b %d" % (request, values, int(at * 1000))


class LateBeacons:
    """Beacons that are put later, as records of old log lines.

    Args:
        stream: the clicks stream.

    Attributes:
        seconds: their delay when they are put; set by another thread.
    """

    def __init__(self, stream: ClicksStream) -> None:
        self.seconds = 30.0
        self._stream = stream
        self._waiting: deque[Beacon] = deque()
        self._inode, self._offset = int(time.time()), 0

    def add(self, beacon: Beacon) -> None:
        """Add a beacon that is to arrive late."""
        self._waiting.append(beacon)

    def put(self) -> None:
        """Put all waiting beacons."""
        while self._waiting:
            now, late = time.time(), self.seconds
            number = min(len(self._waiting), MOST_RECORDS)
            beacons = [self._waiting.popleft() for _ in range(number)]
            for beacon in beacons:
                beacon.expect = "too_late" if late > HORIZON_SECONDS else "accepted"
            records = [self._record(beacon, now, late) for beacon in beacons]
            self._stream.put(beacons, records, now)

    def _record(self, beacon: Beacon, now: float, late: float) -> dict:
        line = log_line(beacon, now - late, f"203.0.113.{self._offset % 254 + 1}")
        name = access_log.beacon_id(SERVER, self._inode, self._offset, line)
        self._offset += len(line) + 1
        return described(access_log.click_record(line, name, int(now * 1000)))


class DelayedDelivery:
    """A thread that puts late records and duplicates to the clicks stream.

    Args:
        stream: the clicks stream; used only by this thread.
    """

    def __init__(self, stream: ClicksStream) -> None:
        self.late, self.duplicates = LateBeacons(stream), Duplicates(stream)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cut-off-server", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Put the waiting late records and end the thread, within `seconds`."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.wait(STEP_SECONDS):
            self.late.put()
            self.duplicates.step()
        self.late.put()
