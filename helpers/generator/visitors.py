"""Simulated visitors of the demo shop: who they are, and where they come from."""

import hashlib
import random
from functools import lru_cache
from typing import NamedTuple

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
    # Chrome, because Safari on an iPad sends the User-Agent of a Mac.
    b"Mozilla/5.0 (iPad; CPU OS 26_1 like Mac OS X) AppleWebKit/605.1.15 "
    b"(KHTML, like Gecko) CriOS/142.0.7444.148 Mobile/15E148 Safari/604.1",
]
_AGENT_WEIGHTS = [34, 23, 17, 10, 6, 7, 3]

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

# Referer, source, campaign, and their weight. An advertisement and a newsletter link to the shop
# with utm_source and utm_campaign; the other sources are the host of the Referer.
_WAYS: list[tuple[bytes | None, bytes | None, bytes | None, int]] = [
    (None, None, None, 42),
    (b"https://www.google.com/", b"google.com", None, 24),
    (b"https://www.google.com/", b"google", b"summer-sale", 6),
    (b"https://www.bing.com/", b"bing.com", None, 6),
    (b"https://duckduckgo.com/", b"duckduckgo.com", None, 4),
    (b"https://news.ycombinator.com/item?id=41000000", b"news.ycombinator.com", None, 5),
    (b"https://www.reddit.com/r/espresso/", b"reddit.com", None, 8),
    (b"https://newsletter.example.com/issues/42", b"newsletter", b"issue-42", 5),
]
_WAY_WEIGHTS = [weight for *_, weight in _WAYS]


class Visitor(NamedTuple):
    """A visitor.

    Args:
        clientid: e.g. `b"5f0c91d2"`.
        agent: the User-Agent header.
        referrer: the Referer header of all its beacons; None = absent.
        source: sent when a visit begins: the referring site's host without `www.`, as in
            `google.com`, or a utm_source; None = direct.
        campaign: sent with the source: a utm_campaign.
    """

    clientid: bytes
    agent: bytes
    referrer: bytes | None
    source: bytes | None = None
    campaign: bytes | None = None


@lru_cache(maxsize=200_000)
def visitor(number: int) -> Visitor:
    """Return a visitor: the same number always is the same one."""
    chance = random.Random(number)
    digest = hashlib.blake2s(b"visitor %d" % number, digest_size=4).hexdigest()
    agent = chance.choices(_AGENTS, _AGENT_WEIGHTS)[0]
    referrer, source, campaign, _ = chance.choices(_WAYS, _WAY_WEIGHTS)[0]
    return Visitor(digest.encode(), agent, referrer, source, campaign)


def visitor_number(visitors: int, chance: random.Random) -> int:
    """Draw a visitor's number, 1 to `visitors`: number k about k times as rarely as number 1.

    The logarithm of a Zipf-distributed rank is uniform: `visitors ** u` needs no table.

    Example:
        >>> visitor_number(1, random.Random(0))
        1
    """
    return min(visitors, int((visitors + 1) ** chance.random()))


def _bot(agent: bytes) -> Visitor:
    digest = hashlib.blake2s(agent, digest_size=3).hexdigest()
    return Visitor(b"bot-" + digest.encode(), agent, None)


BOT_VISITORS = [_bot(agent) for agent in BOTS]
