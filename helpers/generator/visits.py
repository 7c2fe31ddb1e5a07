"""Visits of simulated visitors: which visit continues, and on which page."""

import random
from collections import deque
from dataclasses import dataclass

from .visitors import Visitor, visitor, visitor_number

# So many visits end with their first page. Each other one ends with its second or a later page:
# each is the last one with this chance, so they have four pages on average, and all visits 2.7.
BOUNCES = 0.43
LAST_PAGE = 1 / 3

# The time from one beacon of a visit to the next one, as far as MOST_VISITS and the number of
# visitors allow it: at a higher rate, more visits are ongoing.
GAP_SECONDS = 20
MOST_VISITS = 1_000
MOST_BUYERS = 5

CHECKOUT, THANK_YOU = b"/checkout", b"/checkout/thank-you"


def _drawn_from(weights: dict[bytes, int]) -> tuple[bytes, ...]:
    """Return each page as often as its weight: an index into it is the fastest weighted choice."""
    return tuple(page for page, weight in weights.items() for _ in range(weight))


_GOODS = {b"/products/espresso-machine": 9, b"/products/kettle": 6, b"/products/grinder": 5}
_FIRST_PAGES = _drawn_from(
    {b"/": 30, b"/products": 8, b"/blog/how-to-brew": 6, b"/search": 4, b"/about": 2} | _GOODS
)
_SHELF = _drawn_from(_GOODS | {b"/": 2, b"/products": 3, b"/search": 2})
_GOOD = _drawn_from({b"/basket": 12, b"/products": 4, b"/search": 2, b"/": 2})
_NEXT_PAGES = {
    b"/": _drawn_from({b"/products": 12, b"/search": 5, b"/blog/how-to-brew": 2, b"/about": 1}),
    b"/products": _SHELF,
    b"/search": _SHELF,
    **dict.fromkeys(_GOODS, _GOOD),
    b"/basket": _drawn_from({CHECKOUT: 8, b"/products": 2}),
}
_ELSEWHERE = _drawn_from({b"/": 3, b"/products": 2})


@dataclass(slots=True)
class Visit:
    """A visit.

    Args:
        who: the visitor.
        page: the page that was viewed last.
        is_over: this was its last page.
    """

    who: Visitor
    page: bytes
    is_over: bool = False


class Visits:
    """The ongoing visits, from which each beacon takes one; their number does not change its cost.

    A visit has a place until a new visitor arrives there after its last page. So the share of page
    views that begin a visit follows from the visits' lengths, and the number of ongoing visits is
    bounded. A visit that bounces has no place, as it never continues.

    Args:
        chance: the random generator.
        rate: beacons per second (see `set_rate`).

    Example:
        >>> visits = Visits(random.Random(1), rate=20)
        >>> visit, begins = visits.view(visitors=200)
        >>> begins
        True
    """

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._chance, self._random = chance, chance.random
        self._ongoing: list[Visit] = []
        # The latest visits at the checkout that have not bought anything yet.
        self._buyers: deque[Visit] = deque(maxlen=MOST_BUYERS)
        self.set_rate(rate)

    def __len__(self) -> int:
        return len(self._ongoing)

    def set_rate(self, rate: float) -> None:
        """Set the number of places, so that a visit's beacons are about `GAP_SECONDS` apart.

        Args:
            rate: beacons per second.
        """
        self._places = max(1, min(MOST_VISITS, int(rate * GAP_SECONDS)))

    def view(self, visitors: int) -> tuple[Visit, bool]:
        """Return the visit of the next page view, on its new page, and whether it begins with it.

        Args:
            visitors: how many different visitors there are.
        """
        ongoing, places = self._ongoing, min(self._places, visitors)
        place = int(self._random() * places)
        if len(ongoing) > places:
            del ongoing[places:]
            self._buyers.clear()  # some may be of visitors that are gone
        if place >= len(ongoing):
            return self._begun(visitors, None), True
        visit = ongoing[place]
        if visit.is_over:
            return self._begun(visitors, place), True
        pages = _NEXT_PAGES.get(visit.page, _ELSEWHERE)
        visit.page = page = pages[int(self._random() * len(pages))]
        visit.is_over = self._random() < LAST_PAGE
        if page == CHECKOUT:
            self._buyers.append(visit)
        return visit, False

    def any(self, visitors: int) -> tuple[Visit, bool]:
        """Return any ongoing visit, and whether it begins now because there is none.

        Args:
            visitors: how many different visitors there are.
        """
        ongoing = self._ongoing
        if not ongoing:
            return self._begun(visitors, None), True
        return ongoing[int(self._random() * len(ongoing))], False

    def purchase(self, visitors: int) -> tuple[Visit, bool]:
        """Return a visit that buys something, as `any` does: of those at the checkout, if any.

        Args:
            visitors: how many different visitors there are.
        """
        visit, begins = (self._buyers.pop(), False) if self._buyers else self.any(visitors)
        visit.page = THANK_YOU
        return visit, begins

    def _begun(self, visitors: int, place: int | None) -> Visit:
        """Return a new visit; unless it bounces, it takes a place (None: a further one)."""
        who = visitor(visitor_number(visitors, self._chance))
        visit = Visit(who, _FIRST_PAGES[int(self._random() * len(_FIRST_PAGES))])
        if self._random() >= BOUNCES:
            if place is None:
                self._ongoing.append(visit)
            else:
                self._ongoing[place] = visit
        return visit
