"""event_anomaly's score: how unlike the minutes before is an event's count? A Random Cut Forest.

A Random Cut Forest cuts its points apart at random, each of its trees in its own way. A point far
from all the others is alone after a few cuts, and the fewer cuts, the higher its score. About 1 or
less is usual, 2 and more is not: there the workshop's alarm begins.

AWS' solution gave the forest (event's code, count): 100 trees, 256 samples. On the demo shop's
traffic that finds a burst of everything, but hardly ever one of clicks, and no outage: clicks at 0
lie where exceptions at 0 always lay. It also calls ordinary minutes strange several times an hour
(`score_detectors()` of notebook 3 shows both). So the forest is the same, but what it sees is not:

1. **Not the count, but how far it is from usual**, in units of chance: usual is the median of the
   event's last 18 counts (3 minutes), and counts of independent visitors scatter so that twice
   their square root scatters by 1, whatever their size (Anscombe 1948, doi:10.2307/2332343). So
   rare and frequent events, quiet and busy hours share one forest, which need not learn each.
2. **The last two of these together** (a shingle of 2): one odd value is chance, two are a change.
3. **128 points to begin with**, spread over -4 to 4: what chance may do at any time. Without them a
   forest that has seen only 20, 20, 20 is alarmed by 21. They let it score after a minute, too.
4. **What scored 2 or more is not learned**, or the second outage would be usual. The median follows
   a new level after a minute and a half, so that the alarm ends all the same.

50 trees score as well as 100 here, in half the time.
"""

from collections import deque
from collections.abc import Sequence
from statistics import median

from krcf import RandomCutForest

STRANGE = 2.0
_OPTIONS = {
    "dimensions": 2,
    "shingle_size": 1,  # the two last deviations are one event's, so krcf can't put them together
    "num_trees": 50,
    "sample_size": 256,
    "random_seed": 7,
    "output_after": 1,
}
_USUAL, _FEWEST = 18, 6  # counts of which the median is taken, and the fewest that make one
_CHANCE, _REACH = 128, 4.0
# Multiples of these, without their whole parts, fill a square evenly (Roberts' R2 sequence, 2018).
_STEPS = (0.7548776662466927, 0.5698402909980532)
# Points kept for each event, and at most in all: an event's name is whatever a beacon says it is.
_KEPT, _MOST = 40, 4096


class Forest:
    """Scores counts of events, and learns from each one.

    A forest draws its samples by chance, from all that it ever saw. So that one made after a
    restart scores exactly as the old one would have, it is grown anew from the last 40 points of
    each event whenever there are twice as many: at any time it is the forest its `points` make.

    Args:
        points: what a former forest's `points` were; none at the very beginning.

    Example:
        forest = Forest()
        scores = [forest.score("click", count) for count in (40, 38, 43, 41, 36, 44, 40, 120)]
    """

    def __init__(self, points: Sequence[tuple[str, int]] = ()) -> None:
        self._bare = _chance()
        self._grow(points)

    @property
    def points(self) -> list[tuple[str, int]]:
        """The points, oldest first, from which a new Forest goes on with the same scores."""
        return list(self._points)

    def score(self, event: str, count: int) -> float:
        """Return how strange the count of an event in a bucket of 10 s is; then learn it.

        Args:
            event: its name.
            count: beacons in the bucket; 0 if there were none, or an outage would go unseen.

        Returns:
            About 1 or less: usual. 2 or more: strange. 0 while the event's last 6 counts aren't
            known yet.
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
    """Return Anscombe's transform, which scatters by about 1 for counts of any size."""
    return 2 * (count + 3 / 8) ** 0.5


def _chance() -> RandomCutForest:
    """Return a forest that knows only what chance may do."""
    forest = RandomCutForest(_OPTIONS)
    for number in range(1, _CHANCE + 1):
        forest.update([_REACH * (2 * (number * step % 1) - 1) for step in _STEPS])
    return forest
