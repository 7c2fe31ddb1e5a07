"""event_anomaly's score: a Random Cut Forest compares an event's count with the minutes before.

Each tree of a Random Cut Forest separates its points by random cuts. A point far from the others is
separated after a few cuts; the fewer cuts, the higher its score. About 1 or less is usual. At 2 or
more, the workshop's alarm starts.

AWS' solution gave the forest (event's code, count): 100 trees, 256 samples. With the demo shop's
traffic, this finds a burst of all events, but hardly ever a burst of clicks, and no outage: clicks
at 0 are close to exceptions, which are at 0 most of the time. It also gives ordinary minutes a high
score several times an hour (`score_detectors()` in notebook 3 shows both). Here the forest is the
same, but its input differs:

1. **The deviation, not the count.** It is the difference from the median of the event's last 18
   counts (3 minutes), in standard deviations. The counts of independent visitors vary so that
   twice their square root has a standard deviation of 1, whatever their size (Anscombe 1948,
   doi:10.2307/2332343). So all events, rare or frequent, and all hours share one forest.
2. **The last two deviations together** (a shingle of 2): one may be chance, two are a change.
3. **128 points at the start**, spread over -4 to 4: the deviations that chance causes. Without
   them, a forest that has seen only 20, 20, 20 gives 21 a high score. With them, it can score
   after a minute.
4. **Points with a score of 2 or more are not learned**, or a second outage would be usual. The
   median follows a new level after a minute and a half, so the alarm ends all the same.

50 trees score as well as 100 here, in half the time.
"""

from collections import deque
from collections.abc import Sequence
from statistics import median

from krcf import RandomCutForest

STRANGE = 2.0
_OPTIONS = {
    "dimensions": 2,
    "shingle_size": 1,  # krcf can't build shingles here: it does not know the events apart
    "num_trees": 50,
    "sample_size": 256,
    "random_seed": 7,
    "output_after": 1,
}
_USUAL, _FEWEST = 18, 6  # how many counts the median is taken of: at most, and at least
_CHANCE, _REACH = 128, 4.0
# Multiples of these, without their whole parts, fill a square evenly (Roberts' R2 sequence, 2018).
_STEPS = (0.7548776662466927, 0.5698402909980532)
# Points kept for each event, and for all together: beacons may have any number of event names.
_KEPT, _MOST = 40, 4096


class Forest:
    """Scores counts of events, and learns from each one.

    A forest samples at random from all points that it has seen. To give the same scores after a
    restart, it is rebuilt from the last 40 points of each event whenever it has twice as many: at
    any time it equals a forest that is built from its `points`.

    Args:
        points: the `points` of the forest before a restart; none for a first start.

    Example:
        forest = Forest()
        scores = [forest.score("click", count) for count in (40, 38, 43, 41, 36, 44, 40, 120)]
    """

    def __init__(self, points: Sequence[tuple[str, int]] = ()) -> None:
        self._bare = _chance()
        self._grow(points)

    @property
    def points(self) -> list[tuple[str, int]]:
        """The points, oldest first, from which a new Forest continues with the same scores."""
        return list(self._points)

    def score(self, event: str, count: int) -> float:
        """Return the score of an event's count in a bucket of 10 s, then learn the count.

        Args:
            event: its name.
            count: beacons in the bucket; 0 if there were none: an outage needs scores too.

        Returns:
            About 1 or less: usual. 2 or more: unusual. 0 until the event has 6 counts.
        """
        score = self._score(event, count)
        kept = min(_KEPT * len(self._counts), _MOST // 2)
        if len(self._points) >= 2 * kept:
            self._grow(self._points[-kept:])
        return score

    def _grow(self, points: Sequence[tuple[str, int]]) -> None:
        self._forest = self._bare.clone()
        self._points: list[tuple[str, int]] = []
        self._counts: dict[str, deque[int]] = {}
        self._before: dict[str, float] = {}  # each event's last deviation
        for event, count in points:
            self._score(event, count)

    def _score(self, event: str, count: int) -> float:
        counts = self._counts.setdefault(event, deque(maxlen=_USUAL))
        score = 0.0
        if len(counts) >= _FEWEST:
            deviation = _even(count) - _even(median(counts))
            point = [self._before.get(event, 0.0), deviation]
            score = float(self._forest.score(point))
            if score < STRANGE:
                self._forest.update(point)
            self._before[event] = deviation
        counts.append(count)
        self._points.append((event, count))
        return score


def _even(count: float) -> float:
    """Return Anscombe's transform: its standard deviation is about 1 for counts of any size."""
    return 2 * (count + 3 / 8) ** 0.5


def _chance() -> RandomCutForest:
    """Return a forest that has learned only the deviations that chance causes."""
    forest = RandomCutForest(_OPTIONS)
    for number in range(1, _CHANCE + 1):
        forest.update([_REACH * (2 * (number * step % 1) - 1) for step in _STEPS])
    return forest
