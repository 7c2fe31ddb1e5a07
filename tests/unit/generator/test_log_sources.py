"""Where the visitors of replayed requests came from, in each format of logs."""

import re
from collections import Counter

import pytest

from helpers.generator.logs import lines
from helpers.generator.logs.beacons import beacon_of
from helpers.generator.logs.files import OWN_SITE_BY, find_logs
from helpers.generator.logs.request import Request
from helpers.generator.logs.sources import LONGEST, host_of, source_and_campaign
from tests.unit.generator.test_logs import AT, FIELD, FIELD_LOGS, LOGS, write


def beacons(path):
    (log,) = find_logs(path)
    return [beacon for beacon, _ in filter(None, log.beacons())]


def request(query=None, referrer=None, site=None):
    return Request(b"192.0.2.7", None, referrer, b"/", None, query, site)


@pytest.mark.parametrize(("name", "text", "without"), LOGS)
def test_a_campaign_in_the_url_or_the_referring_host_in_each_format(tmp_path, name, text, without):
    (beacon,) = beacons(write(tmp_path / "a.log", text))
    assert beacon.source == (None if "referrer" in without else b"news.example")
    named = re.sub("q=%(25)?22a%(25)?22", "utm_source=letter&utm_campaign=july+42", text)
    (beacon,) = beacons(write(tmp_path / "a.log", named))
    assert (beacon.source, beacon.campaign) == (b"letter", b"july 42")
    assert beacon.page == b"/caf%C3%A9"


@pytest.mark.parametrize("name", FIELD_LOGS)
def test_logs_of_the_field_have_the_same_sources_in_each_format(name):
    sources = Counter(beacon.source for beacon in beacons(FIELD / name))
    referrers = {"alb.log", "apache-common.log"}  # these formats have none
    others = {} if name in referrers else {b"news.example": 11, b"google.com": 10}
    assert sources == {b"letter": 13, None: 47 - sum(others.values())} | others


def combined(page, referrer, site=""):
    return f'{site}192.0.2.7 - - [{AT}] "GET {page} HTTP/1.1" 200 5 "{referrer}" "Firefox"\n'


def test_the_own_site_is_the_one_that_refers_from_pages_of_the_log(tmp_path):
    text = combined("/", "https://www.google.com/") * 9
    text += combined("/cart", "https://shop.example/")
    text += combined("/pay", "http://www.Shop.example:8080/cart?id=1") * 3
    text += combined("/cart", "https://blog.example/pay") * 2
    sources = Counter(beacon.source for beacon in beacons(write(tmp_path / "a.log", text)))
    assert sources == {b"google.com": 9, b"blog.example": 2, None: 4}


def test_the_own_site_is_searched_in_the_first_lines_only(tmp_path):
    text = combined("/other", "-") * OWN_SITE_BY
    text += combined("/cart", "https://shop.example/cart")
    assert beacons(write(tmp_path / "a.log", text))[-1].source == b"shop.example"


def test_a_log_of_many_sites_names_the_own_one_in_each_line(tmp_path):
    text = combined("/", "https://a.example/", "www.a.example:443 ")
    text += combined("/", "https://x.example/", "www.a.example:443 ")
    text += combined("/", "https://b.example/", "b.example ") * 2
    found = [beacon.source for beacon in beacons(write(tmp_path / "a.log", text))]
    assert found == [None, b"x.example", None, None]


@pytest.mark.parametrize(
    ("query", "referrer", "expected"),
    [
        (b"utm_source=a&utm_campaign=b", b"https://x.example/", (b"a", b"b")),
        (b"id=1&utm_campaign=b", b"https://x.example/", (b"x.example", b"b")),
        (b"utm_campaign=b", None, (None, b"b")),
        (b"utm_source=&utm_campaign=%20", b"https://x.example/", (b"x.example", None)),
        (b"utm_source=a&utm_source=b", None, (b"a", None)),
        (b"not_utm_source=a", None, (None, None)),
        (b"utm_source=caf%C3%A9+%26%FF", None, (b"caf\xc3\xa9 &\xff", None)),
        (b"utm_source=" + b"a" * 9_000, None, (b"a" * LONGEST, None)),
        (None, b"https://%b/" % (b"a" * 9_000), (b"a" * LONGEST, None)),
        (None, b"https://me:secret@www.X.example:8443/?q=https://y.example/", (b"x.example", None)),
        (None, b"android-app://com.google.android.gm/", (b"com.google.android.gm", None)),
        (None, b"http://[2001:db8::7]:80/", (b"[2001:db8::7]", None)),
        (None, b"https://own.example/", (None, None)),
        (None, b"https://site.example/", (None, None)),
        *((None, text, (None, None)) for text in (b"", b"word", b"://", b"http://", b"http:// /")),
    ],
)
def test_source_and_campaign_of_a_request(query, referrer, expected):
    asked = request(query, referrer, b"site.example:443")
    assert source_and_campaign(asked, b"own.example") == expected


def test_what_http_cannot_carry_is_made_visible_and_noted():
    beacon = beacon_of(request(b"utm_source=a%0Ab"))
    assert (beacon.source, beacon.altered) == (
        rb"a\x0ab",
        ["source: control characters made visible"],
    )
    assert beacon_of(request(b"utm_source=a")).altered == []


def test_a_line_without_a_url_has_no_source():
    for asked in ("-", "", "HELP", "GET", "?"):
        beacon = beacon_of(lines.apache(f'::1 - - [{AT}] "{asked}" 400 0 "-" "-"'.encode()))
        assert (beacon.source, beacon.campaign) == (None, None)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (b"https://www.shop.example/a", b"shop.example"),
        (b"shop.example:80", b"shop.example"),
        (b"http:///a", b""),
        (b"", b""),
    ],
)
def test_the_host_of_a_url_or_a_name(text, host):
    assert host_of(text) == host
