"""Simulated visitors of the demo shop: their browsers, their pages, their events."""

import hashlib
import math
import random
from functools import lru_cache

from .beacon import Beacon

EVENTS = ("pageview", "click", "login", "logoff", "playvideo", "conversion", "exception")

# Share of pageviews that report their load time: browsers can't always measure it.
TIMED_SHARE = 0.3

# Pages with their weight, and the median of their load time in ms.
_PAGES = {
    b"/": (30, 420),
    b"/products": (20, 640),
    b"/products/espresso-machine": (12, 780),
    b"/products/kettle": (8, 610),
    b"/products/grinder": (6, 650),
    b"/search": (8, 1100),
    b"/basket": (6, 560),
    b"/checkout": (3, 900),
    b"/blog/how-to-brew": (5, 380),
    b"/about": (2, 300),
}
_EVENT_PAGES = {
    "login": [b"/login"],
    "logoff": [b"/logoff"],
    "playvideo": [b"/videos/tour", b"/videos/how-to-brew"],
    "conversion": [b"/checkout/thank-you"],
}
_NAMES = list(_PAGES)
_WEIGHTS = [weight for weight, _ in _PAGES.values()]

_AGENTS = [
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0.0.0 Safari/537.36",
    b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0.0.0 Mobile Safari/537.36",
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    b"(KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
    b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    b"(KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    b"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
]
_AGENT_WEIGHTS = [34, 24, 18, 10, 6, 8]

BOTS = [
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    b"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    b"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    b"+https://openai.com/gptbot)",
    b"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    b"Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    b"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    b"python-requests/2.32.5",
    b"curl/8.14.1",
]

_REFERRERS = [
    None,
    b"https://www.google.com/",
    b"https://www.bing.com/",
    b"https://duckduckgo.com/",
    b"https://news.ycombinator.com/item?id=41000000",
    b"https://www.reddit.com/r/espresso/",
    b"https://newsletter.example.com/issues/42",
]
_REFERRER_WEIGHTS = [42, 30, 6, 4, 5, 8, 5]


@lru_cache(maxsize=200_000)
def visitor(number: int) -> tuple[bytes, bytes, bytes | None]:
    """Return a visitor's client id, agent and referrer: always the same ones."""
    chance = random.Random(number)
    digest = hashlib.blake2s(b"visitor %d" % number, digest_size=4).hexdigest()
    agent = chance.choices(_AGENTS, _AGENT_WEIGHTS)[0]
    return digest.encode(), agent, chance.choices(_REFERRERS, _REFERRER_WEIGHTS)[0]


def visitor_number(visitors: int, chance: random.Random) -> int:
    """Draw a visitor's number, 1 to `visitors`: number k about k times as rarely as number 1.

    The logarithm of a Zipf-distributed rank is uniform: `visitors ** u` needs no table.

    Example:
        >>> visitor_number(1, random.Random(0))
        1
    """
    return min(visitors, int((visitors + 1) ** chance.random()))


class Shop:
    """Draws beacons.

    Args:
        chance: the random generator; with the same seed it draws the same beacons.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._events = list(EVENTS)
        self._weights: list[float] = [1] * len(EVENTS)

    def set_mix(self, mix: dict[str, float]) -> None:
        """Set the weight of each event, e.g. `{"pageview": 60, "click": 20}`; others get none."""
        self._events, self._weights = list(mix), list(mix.values())

    def beacon(self, visitors: int, bots: float) -> Beacon:
        """Draw one beacon.

        Args:
            visitors: how many different client ids there are.
            bots: the share of beacons from known bots, 0 to 1.
        """
        chance = self._chance
        event = chance.choices(self._events, self._weights)[0]
        pages = _EVENT_PAGES.get(event)
        page = chance.choice(pages) if pages else chance.choices(_NAMES, _WEIGHTS)[0]
        if bots and chance.random() < bots:
            agent, referrer = chance.choice(BOTS), None
            client = b"bot-" + hashlib.blake2s(agent, digest_size=3).hexdigest().encode()
        else:
            client, agent, referrer = visitor(visitor_number(visitors, chance))
        extra: tuple[tuple[bytes, bytes], ...] = ()
        if event == "pageview" and page in _PAGES and chance.random() < TIMED_SHARE:
            # Load times are log-normal: a long tail to the right, none below zero.
            took = int(chance.lognormvariate(math.log(_PAGES[page][1]), 0.5))
            extra = (
                (b"custom_metric_name", b"page_load_time"),
                (b"custom_metric_int_value", b"%d" % took),
            )
        return Beacon(event.encode(), client, page, agent, referrer, extra)
