"""An open loop's schedule: how many beacons are due, regardless of earlier outcomes."""


class Pacer:
    """Turns a rate that may change at any time into due times.

    Args:
        now: seconds of any monotonic clock.

    Example:
        >>> pacer = Pacer(now=0.0)
        >>> pacer.due(now=1.0, rate=2.0)
        [0.5, 1.0]
    """

    def __init__(self, now: float) -> None:
        self._last, self._owed = now, 0.0

    def due(self, now: float, rate: float) -> list[float]:
        """Return the due times since the last call.

        Args:
            now: the clock's seconds.
            rate: per second, since the last call.
        """
        begin, owed = self._last, self._owed
        self._last = now
        self._owed += max(0.0, now - begin) * rate
        count = int(self._owed + 1e-9)
        self._owed -= count
        return [begin + (number + 1 - owed) / rate for number in range(count)]
