"""Reads a User-Agent: the browser, the system, the kind of device, and whether it is a bot.

The rules are those of two packages, and the record keeps their result: a recount from the archive
does not depend on the rules of another day. ua-parser names browsers, systems and many bots;
crawlerdetect's list has most other bots and programs. Both lists run in ua-parser-rs, whose regular
expressions take linear time: a User-Agent is a stranger's text, and each may be another.

A program that sends a browser's User-Agent is counted as a person, unless beacon.js found that a
program drives the browser (the header `automation`).
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

# Real ones have up to about 400 characters (browsers in other apps). The rules see no more than
# this of a longer one: a header of 8,000 costs no more, and the bytes of the cache are bounded.
MAX_AGENT = 512
# A name may contain the User-Agent's own text.
MAX_NAME = 64
# The cache then takes 25 MB at most (four bytes a character), and about 4 MB with real ones.
CACHED = 8192
UNKNOWN, OTHER = "Other", "other"
DESKTOP, MOBILE, TABLET = "desktop", "mobile", "tablet"

_DESKTOPS = {
    *("Windows", "Mac OS X", "Mac OS", "Chrome OS", "Linux", "Ubuntu", "Kubuntu", "Lubuntu"),
    *("Debian", "Fedora", "Red Hat", "CentOS", "SUSE", "openSUSE", "Arch Linux", "Linux Mint"),
    *("Gentoo", "Mageia", "Mandriva", "Slackware", "FreeBSD", "OpenBSD", "NetBSD", "Solaris"),
}
_MOBILES = {
    *("Windows Phone", "Windows Mobile", "BlackBerry OS", "Symbian OS", "Symbian^3", "KaiOS"),
    *("Firefox OS", "HarmonyOS", "Sailfish", "Bada", "MeeGo", "Maemo", "Nokia Series 40"),
}
_PHONES = {"Smartphone", "Feature Phone"}  # ua-parser's models of a phone that it has no name for
_SPIDER = "Spider"  # ua-parser's device of a bot
# Rust's regular expressions have no look-around: Python runs the one rule that has.
_LOOKS_AROUND = ("(?=", "(?!", "(?<")
_ENDS_WORD = re.compile(r"[\s;,()]")
_URL = ("://", "www.", "@")


class Client(NamedTuple):
    """The program that sent a request, as its User-Agent describes it.

    Args:
        browser: its family, e.g. `Firefox` or `Mobile Safari`; `Other` if it is not known.
        system: the operating system, e.g. `Windows` or `Android`; `Other` if it is not known.
        device: `desktop`, `mobile`, `tablet` or `other`.
        bot: the bot's name; None for a person.
    """

    browser: str
    system: str
    device: str
    bot: str | None


# A beacon without a User-Agent is a person's: each known program sends one, some privacy tools
# remove it, and nothing shows that it is a bot.
NOBODY = Client(UNKNOWN, UNKNOWN, OTHER, None)


def described(record: dict[str, Any]) -> dict[str, Any]:
    """Add browser, system, device and bot to a click record, from its User-Agent.

    Args:
        record: of `click_record`; a rejected one, which has no User-Agent, stays as it is.

    Returns:
        The same record.

    Example:
        >>> described({"agent": "curl/8.14.1", "automation": None})["bot"]
        'curl'
    """
    if "rejected" not in record:
        client = client_of(record["agent"], record["automation"])
        record["browser"], record["system"], record["device"], record["bot"] = client
    return record


def client_of(agent: str | None, automation: str | None = None) -> Client:
    """Return the program that sent a User-Agent.

    Args:
        agent: the User-Agent; None if there was none.
        automation: what drives the browser, as beacon.js reports it; its user is a bot of that
            name, whatever the User-Agent is.

    Example:
        >>> client_of("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
        Client(browser='Firefox', system='Linux', device='desktop', bot=None)
        >>> client_of("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").bot
        'Googlebot'
        >>> client_of(None, "webdriver").bot
        'webdriver'
    """
    # A slice that takes all of a text is that text: the cache's keys are not copied.
    client = NOBODY if agent is None else _parsed(agent[:MAX_AGENT])
    return client._replace(bot=automation[:MAX_NAME]) if automation else client


@lru_cache(maxsize=CACHED)
def _parsed(agent: str) -> Client:
    rules = _rules()
    browser, system, family, model = rules.parse(agent)
    bot = _bot(rules, agent, browser, family == _SPIDER)
    device = OTHER if family == _SPIDER else _device(agent, system, family, model)
    return Client(browser[:MAX_NAME], system[:MAX_NAME], device, bot)


def _device(agent: str, system: str, family: str, model: str) -> str:
    if "TV" in agent or "Xbox" in agent:
        return OTHER
    if system == "Android":
        # Browsers on phones write Mobile, those on tablets do not; other programs write neither.
        return TABLET if "Mobile" not in agent and agent.startswith("Mozilla") else MOBILE
    if system == "iOS":
        # Since iPadOS 13 an iPad has the User-Agent of a Mac, and is counted as a desktop.
        return TABLET if family == "iPad" else MOBILE
    if system in _DESKTOPS:
        return DESKTOP
    return MOBILE if system in _MOBILES or model in _PHONES else OTHER


def _bot(rules: "_Rules", agent: str, browser: str, is_spider: bool) -> str | None:
    """Return the bot's name: its own word in the User-Agent, else ua-parser's name for it."""
    word = rules.crawler(agent)
    if word and not is_spider:
        # Without the words of browsers and phones, in which its rules find bots (a CUBOT phone).
        word = rules.crawler(rules.without_known(agent))
    if not word and not is_spider:
        return None
    own = _whole_word(agent, word) if word else None
    name = own or (browser if is_spider and browser != UNKNOWN else word)
    return (name or _SPIDER).strip()[:MAX_NAME] or _SPIDER


def _whole_word(agent: str, part: str) -> str | None:
    """Return the word of a User-Agent around a part of it, without its version.

    Returns:
        E.g. `AhrefsBot` for `Ahrefs`; None if the part is in a URL or an address, or not found.
    """
    start = agent.find(part)
    if start < 0:
        return None
    end = start + len(part)
    after = _ENDS_WORD.search(agent, end)
    before = _ENDS_WORD.search(agent[:start][::-1])
    word = agent[start - before.start() if before else 0 : after.start() if after else len(agent)]
    if any(mark in word for mark in _URL):
        return None
    return word.split("/")[0].strip() or None


class _Rules(NamedTuple):
    """The rules of both packages, ready to be applied.

    Args:
        parse: returns browser, system, device family and device model of a User-Agent.
        crawler: returns the first of crawlerdetect's words for bots in a User-Agent, or None.
        without_known: returns a User-Agent without the words that crawlerdetect ignores.
    """

    parse: Callable[[str], tuple[str, str, str, str]]
    crawler: Callable[[str], str | None]
    without_known: Callable[[str], str]


@cache
def _rules() -> _Rules:
    # Loaded when they are first needed, because every helper imports a file of this folder, and the
    # rules take a third of a second and 40 MB.
    from crawlerdetect.providers import crawlers, exclusions
    from ua_parser import load_lazy_builtins
    from ua_parser.regex import Resolver
    from ua_parser_rs import UserAgentExtractor

    resolver = Resolver(load_lazy_builtins())

    def parse(agent: str) -> tuple[str, str, str, str]:
        # The resolver itself would also copy the versions, which takes twice as long.
        browser, system = resolver.ua.extract(agent), resolver.os.extract(agent)
        device = resolver.de.extract(agent)
        return (
            (browser.family if browser else None) or UNKNOWN,
            (system.family if system else None) or UNKNOWN,
            (device.family if device else None) or UNKNOWN,
            (device.model if device else None) or UNKNOWN,
        )

    plain = [rule for rule in crawlers.data if not any(each in rule for each in _LOOKS_AROUND)]
    others = [rule for rule in crawlers.data if rule not in plain]
    extractor = UserAgentExtractor(
        (f"(?i)({rule})", None, None, None, None, None) for rule in plain
    )
    looking_around = re.compile("|".join(others) or r"\Z.", re.IGNORECASE)
    known = re.compile("|".join(exclusions.data), re.IGNORECASE)

    def crawler(agent: str) -> str | None:
        found = extractor.extract(agent)
        if found:
            return found.family
        match = looking_around.search(agent)
        return match[0] if match else None

    return _Rules(parse, crawler, lambda agent: known.sub("", agent))
