"""What beacon.js sends from real pages, in Firefox: the main cases of test_beacon_js.py."""

import threading

import pytest

from tests.browser.firefox import firefox_of_its_own
from tests.browser.website import logged_beacons, website
from tests.catcher import until

BODY = """<div data-beacon="card"><span id="span">x</span></div><p id="plain">x</p>
<label data-beacon="newsletter"><span id="label">x</span><input type="checkbox"></label>
<button id="japanese" data-beacon="購入">x</button><div id="host"></div>
<form data-beacon="conversion" onsubmit="return false">
    <input name="dataset"><button id="button">x</button></form>
<script>host.attachShadow({ mode: "open" }).innerHTML =
    '<form data-beacon="shadow" onsubmit="return false"><button>x</button></form>'</script>"""
GO_BACK = """new Promise(done => {
    addEventListener("popstate", () => setTimeout(done), { once: true })
    history.back()
})"""


@pytest.fixture
def site(server):
    with website(server) as site:
        yield site


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    with firefox_of_its_own(tmp_path_factory.mktemp("firefox") / "profile") as firefox:
        yield firefox


def views(*paths: str) -> list[tuple[str, str]]:
    return [("pageview", path) for path in paths]


def test_views_and_their_source(server, site, firefox):
    site.page("/two")
    firefox.goto(site.page("/one") + "?utm_source=letter&utm_campaign=%F0%9F%8E%89")
    logged_beacons(server, *views("/one"))
    site.files["/elsewhere"] = f'<a href="{site.url("/two")}">x</a>'
    firefox.goto(site.url("/elsewhere", "localhost"))
    firefox.evaluate("document.querySelector('a').click()")
    logged_beacons(server, *views("/one", "/two"))
    firefox.evaluate("setTimeout(() => history.go(-2))")  # from the back/forward cache
    beacons = logged_beacons(server, *views("/one", "/two", "/one"))
    assert [
        (beacon["source"], beacon["campaign"], beacon["custom_metric_name"]) for beacon in beacons
    ] == [
        ("letter", "🎉", "page_load_time"),
        (site.url("", "localhost").removeprefix("http://"), None, "page_load_time"),
        (None, None, None),
    ]
    assert {beacon["automation"] for beacon in beacons} == {"webdriver"}


def test_a_single_page_app_clicks_and_errors(server, site, firefox):
    site.files["/named.js"] = "setTimeout(() => null.x)\n//# sourceURL=widget.js"
    site.page("/opt-out", more="data-opt-out")
    firefox.goto(site.url("/opt-out"))  # its user has opted out, and it asks
    firefox.goto(site.page("/spa/%E4%B8%80", BODY))
    for element in ("span", "plain", "label", "japanese", "button"):
        firefox.evaluate(f"document.getElementById('{element}').click()")
    firefox.evaluate("document.getElementById('host').shadowRoot.querySelector('button').click()")
    for change in ("pushState(0, '', 'two')", "pushState(0, '', '?q')", "replaceState(0, '', '3')"):
        firefox.evaluate(f"history.{change}")
    firefox.evaluate(GO_BACK)
    firefox.evaluate("""document.body.append(
        Object.assign(document.createElement("script"), { src: "/named.js" }))""")
    clicked = ["card", "newsletter", "購入", "conversion", "shadow"]
    beacons = logged_beacons(
        server,
        *[*views("/spa/一"), *[(event, "/spa/一") for event in clicked]],
        *[*views("/spa/two", "/spa/3", "/spa/two"), ("exception", "/spa/two")],
    )
    # Firefox itself names the script by its URL.
    texts = [beacon["custom_metric_string_value"] for beacon in beacons]
    assert [text for text in texts if text] == ["TypeError /named.js 1"]


def test_a_tab_that_is_closed_while_its_page_loads(server, site, firefox):
    site.held["/picture"] = threading.Event()
    site.page("/slow", '<img src="/picture"><script src="/ran.js" defer></script>')
    site.files["/ran.js"] = "fetch('/has-run')"  # after beacon.js
    firefox.goto(site.url("/slow"), wait="interactive")
    until(lambda: "/has-run" in site.requested, 60)
    firefox.close()
    assert logged_beacons(server, *views("/slow"))[0]["custom_metric_name"] is None
