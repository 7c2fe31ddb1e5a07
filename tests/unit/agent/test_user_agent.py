"""Browser, system, device and bot of real User-Agents, of driven browsers, and of any text."""

import gzip
import random
import re

import pytest
import user_agent
from crawlerdetect import CrawlerDetect
from hypothesis import example, given
from hypothesis import strategies as st
from user_agent import MAX_AGENT, MAX_NAME, NOBODY, Client, client_of, described

from helpers.core.paths import REPOSITORY
from helpers.generator.malformed import _CASES
from helpers.generator.visitors import BOTS, visitor
from helpers.traffic.send_beacon import AGENT
from tests.logs import REAL, SAMPLE

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
PEOPLE = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36": "Chrome Windows desktop",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/142.0.0.0": (
        "Edge Windows desktop"
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36": (
        "Chrome Mobile Android mobile"
    ),
    f"Mozilla/5.0 (Linux; Android 14; SM-X700) {CHROME} Safari/537.36": "Chrome Android tablet",
    "Mozilla/5.0 (Android 14; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0": (
        "Firefox Mobile Android tablet"
    ),
    "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)": "Android Android mobile",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/26.0 Mobile/15E148 Safari/604.1": "Mobile Safari iOS mobile",
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.6 Mobile/15E148 Safari/604.1": "Mobile Safari iOS tablet",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15": "Safari Mac OS X desktop",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": (
        "Firefox Linux desktop"
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36": "Chrome Chrome OS desktop",
    "Mozilla/5.0 (X11; FreeBSD amd64; rv:145.0) Gecko/20100101 Firefox/145.0": (
        "Firefox FreeBSD desktop"
    ),
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/3.0 Chrome/76 TV Safari/537.36": "Samsung Internet Tizen other",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1/34; U; en) Presto/2.8 Version/11.10": (
        "Opera Mini Other mobile"
    ),
    # Words of bots, in the names of phones and browsers.
    f"Mozilla/5.0 (Linux; Android 9; CUBOT_X18) {CHROME} Mobile Safari/537.36": (
        "Chrome Mobile Android mobile"
    ),
    f"Mozilla/5.0 (Windows NT 10.0) {CHROME} YaBrowser/24 Safari/537.36 YandexSearch/1": (
        "YandexSearch Windows desktop"
    ),
    "Mozilla/5.0": "Other Other other",
    "Firefox": "Other Other other",
    AGENT: "Other Other other",
    "-": "Other Other other",
    "": "Other Other other",
}
KNOWN_BOTS = {
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')} Safari/537.36": (
        "HeadlessChrome"
    ),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Safari/537.36 Chrome-Lighthouse": (
        "Chrome-Lighthouse"
    ),
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} Mobile Safari/537.36 (compatible; "
    "Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    "Mozilla/5.0 (compatible; YandexImages/3.0; +http://yandex.com/bots)": "YandexImages",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://www.majestic12.co.uk/bot.php?+)": "MJ12bot",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)": (
        "Baiduspider"
    ),
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko; compatible; "
    "ChatGPT-User/1.0; +https://openai.com/bot)": "ChatGPT-User",
    "Mozilla/5.0 (compatible; archive.org_bot +http://www.archive.org/details/archive.org_bot)": (
        "archive.org_bot"
    ),
    "Mozilla/5.0 (Windows NT 6.1; rv:6.0) Gecko/2011 Firefox/6.0 Google favicon": "Google favicon",
    "Tiny Tiny RSS/1.11 (http://tt-rss.org/)": "Tiny Tiny RSS",
    "Python-urllib/3.11": "Python-urllib",
    "Go-http-client/2.0": "Go-http-client",
    "Wget/1.21 (linux-gnu)": "Wget",
    "Java/1.8.0_392": "Java",
    "okhttp/4.9.3": "okhttp",
    "ELB-HealthChecker/2.0": "ELB-HealthChecker",
    # Only the words of a URL: ua-parser's name, or the word of the list.
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36 (+http://a.example/crawler)": (
        "crawler"
    ),
}
NAMES = [
    *("Googlebot", "bingbot", "GPTBot", "AhrefsBot", "SemrushBot", "facebookexternalhit"),
    *("python-requests", "curl"),
]
WORDS = re.compile(r'"([^"]*)"\s*$')


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_person_has_a_browser_a_system_and_a_device(agent):
    client = client_of(agent)
    assert " ".join(client[:3]) == PEOPLE[agent]
    assert client.bot is None


@pytest.mark.parametrize("agent", KNOWN_BOTS)
def test_a_bot_has_its_own_name(agent):
    assert client_of(agent).bot == KNOWN_BOTS[agent]


def test_the_demo_shops_bots_are_known_and_its_visitors_are_people():
    assert [client_of(agent.decode()).bot for agent in BOTS] == NAMES
    agents = {visitor(number)[1].decode() for number in range(500)}
    clients = [client_of(agent) for agent in agents]
    assert len(clients) > 5 and {client.bot for client in clients} == {None}
    assert all(user_agent.UNKNOWN not in client[:3] for client in clients)
    # A malformed beacon is expected to be a person's, too.
    odd = [case["agent"].decode() for _, case in _CASES if case.get("agent")]
    assert {client_of(agent).bot for agent in odd} == {None}


def test_a_beacon_without_a_user_agent_is_a_persons():
    assert client_of(None) == NOBODY == Client("Other", "Other", "other", None)


@pytest.mark.parametrize("agent", [None, "", *list(PEOPLE)[:2], BOTS[0].decode()])
def test_a_driven_browser_is_a_bot_whatever_its_user_agent(agent):
    client = client_of(agent, "webdriver")
    assert client.bot == "webdriver" and client[:3] == client_of(agent)[:3]
    assert client_of(agent, "x" * 8000).bot == "x" * MAX_NAME
    assert client_of(agent, "") == client_of(agent, None) == client_of(agent)


def test_a_record_gets_the_fields_and_a_rejected_one_does_not():
    record = described({"agent": "curl/8.14.1", "automation": None})
    assert list(record) == ["agent", "automation", "browser", "system", "device", "bot"]
    assert (record["browser"], record["bot"]) == ("curl", "curl")
    rejected = {"beacon_id": "a", "rejected": "unparsable", "line": "", "received_at": 1}
    assert described(dict(rejected)) == rejected


def real_agents() -> list[str]:
    """The last quoted text of each line of the real logs that are here; most are User-Agents."""
    logs = [REAL, *(REPOSITORY.parent / "shared/field/logs").glob("*combined.log")]
    texts = [path.read_text("utf-8", "replace") for path in logs if path.is_file()]
    texts.append(gzip.decompress(SAMPLE.read_bytes()).decode("utf-8", "replace"))
    found = [WORDS.search(line) for text in texts for line in text.splitlines()]
    return sorted({match[1] for match in found if match})


def test_the_same_agents_are_bots_as_by_crawlerdetects_own_code():
    own = CrawlerDetect()
    for agent in {*PEOPLE, *KNOWN_BOTS, *map(bytes.decode, BOTS), *real_agents()}:
        # ua-parser knows bots that crawlerdetect does not; none of these agents is one.
        assert bool(client_of(agent).bot) == own.is_crawler(agent), agent


def test_names_in_real_logs_are_readable():
    for agent in real_agents():
        name = client_of(agent).bot
        assert name is None or re.fullmatch(r"[^\s/;,()]+( [^\s/;,()]+){0,3}", name), (agent, name)


@given(st.text(max_size=600), st.none() | st.text(max_size=100))
@example("bot", None)
@example("/bot/", None)
@example("://bot", None)
@example(" bot ", " ")
@example("\x00bot\U0001f98a", None)
@example("(" * 600, None)
def test_any_text_has_short_names(agent, automation):
    client = client_of(agent, automation)
    assert client.device in ("desktop", "mobile", "tablet", "other")
    assert all(client[:3]) and all(len(name) <= MAX_NAME for name in client[:3])
    assert client.bot is None or 0 < len(client.bot) <= MAX_NAME
    assert client_of(agent[:MAX_AGENT] + "bot" * 999, automation) is not None


def test_the_rules_see_no_more_than_the_beginning_of_a_long_text():
    padding = "Mozilla/5.0 " + "x" * MAX_AGENT
    assert client_of(f"{padding} curl/8").bot is None
    assert client_of("Mozilla/5.0 (compatible; AhrefsBot/7.0; " + "x" * 8000).bot == "AhrefsBot"


def test_the_cache_does_not_grow_with_invented_agents():
    chance = random.Random(1)
    made = [f"{chance.randbytes(8).hex()} {'y' * 8000}" for _ in range(10_000)]
    for agent in made:
        client_of(agent)
    kept = user_agent._parsed.cache_info()
    assert kept.currsize == kept.maxsize == user_agent.CACHED
    # Each key has at most four bytes a character.
    assert user_agent.CACHED * MAX_AGENT * 4 < 20e6


def test_a_rule_that_rust_can_not_run_is_run_by_python():
    from crawlerdetect.providers import crawlers

    rules = [
        rule for rule in crawlers.data if any(each in rule for each in user_agent._LOOKS_AROUND)
    ]
    assert rules == ["Yandex(?!Search)"]
    assert client_of("YandexSomething/1.0").bot == "YandexSomething"
    assert client_of("YandexSearch/1.0").bot is None
