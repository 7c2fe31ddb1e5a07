"""The beacons of the demo shop: the mix of events, each of a simulated visit or of a bot."""

import math
import random
from bisect import bisect
from itertools import accumulate

from .beacon import Beacon
from .visitors import BOT_VISITORS, Visitor
from .visits import THANK_YOU, Visits

EVENTS = ("pageview", "click", "login", "logoff", "playvideo", "conversion", "exception")

# Share of pageviews that report their load time: browsers can't always measure it.
TIMED_SHARE = 0.3

# The logarithm of the median of each page's load time in ms.
_LOAD_TIMES = {
    b"/": math.log(420),
    b"/products": math.log(640),
    b"/products/espresso-machine": math.log(780),
    b"/products/kettle": math.log(610),
    b"/products/grinder": math.log(650),
    b"/search": math.log(1100),
    b"/basket": math.log(560),
    b"/checkout": math.log(900),
    b"/blog/how-to-brew": math.log(380),
    b"/about": math.log(300),
}
_PAGES = list(_LOAD_TIMES)
# Pages of an event; other events happen on the page that was viewed last.
_EVENT_PAGES = {
    b"login": [b"/login"],
    b"logoff": [b"/logoff"],
    b"playvideo": [b"/videos/tour", b"/videos/how-to-brew"],
    b"conversion": [THANK_YOU],
}


class Shop:
    """Draws beacons: first the event, by the mix, then a visit in which it happens.

    Args:
        chance: the random generator; with the same seed it draws the same beacons.
        rate: beacons per second (see `set_rate`).

    Example:
        >>> Shop(random.Random(1)).beacon(visitors=1, bots=0).clientid
        b'186d2774'
    """

    def __init__(self, chance: random.Random, rate: float = 20.0) -> None:
        self._chance = chance
        self._visits = Visits(chance, rate)
        self.set_mix(dict.fromkeys(EVENTS, 1))

    def set_rate(self, rate: float) -> None:
        """Set the rate at which beacons are drawn: the more, the more visits are ongoing.

        Args:
            rate: beacons per second.
        """
        self._visits.set_rate(rate)

    def set_mix(self, mix: dict[str, float]) -> None:
        """Set the weight of each event, e.g. `{"pageview": 60, "click": 20}`; others get none."""
        weights = {event.encode(): weight for event, weight in mix.items() if weight}
        self._events = list(weights)
        self._totals = list(accumulate(weights.values()))
        # In a mix without page views, visits begin and continue with any event.
        self._steps = {b"pageview"} if b"pageview" in weights else set(weights)

    def beacon(self, visitors: int, bots: float) -> Beacon:
        """Draw one beacon. The first one of a visit has its source and its campaign.

        Args:
            visitors: how many different client ids there are.
            bots: the share of beacons from known bots, 0 to 1.
        """
        random, totals = self._chance.random, self._totals
        event = self._events[bisect(totals, random() * totals[-1], 0, len(totals) - 1)]
        if bots and random() < bots:
            return self._made(event, self._chance.choice(BOT_VISITORS), self._chance.choice(_PAGES))
        if event in self._steps:
            visit, begins = self._visits.view(visitors)
        elif event == b"conversion":
            visit, begins = self._visits.purchase(visitors)
        else:
            visit, begins = self._visits.any(visitors)
        beacon = self._made(event, visit.who, visit.page)
        if begins:
            beacon.source, beacon.campaign = visit.who.source, visit.who.campaign
        return beacon

    def _made(self, event: bytes, who: Visitor, page: bytes) -> Beacon:
        extra: tuple[tuple[bytes, bytes], ...] = ()
        if event == b"pageview":
            if self._chance.random() < TIMED_SHARE:
                # Load times are log-normal: a long tail to the right, none below zero.
                took = int(self._chance.lognormvariate(_LOAD_TIMES[page], 0.5))
                extra = (
                    (b"custom_metric_name", b"page_load_time"),
                    (b"custom_metric_int_value", b"%d" % took),
                )
        elif (pages := _EVENT_PAGES.get(event)) is not None:
            page = pages[0] if len(pages) == 1 else self._chance.choice(pages)
        return Beacon(event, who.clientid, page, who.agent, who.referrer, extra)
