"""What beacon.js sends from real pages, in Chromium: the cases of issue 16, point 1."""

import subprocess
import threading

import pytest
from playwright.sync_api import Page

from tests.browser.lab import CHROMIUM_FLAGS
from tests.browser.website import logged_beacons, website
from tests.catcher import until

GO_BACK = """() => new Promise(done => {
    addEventListener("popstate", () => setTimeout(done), { once: true });
    history.back();
})"""
HAS = "() => Object.defineProperty(Navigator.prototype, '{}', {{ get: () => {} }})"
FORM = """<form data-beacon="{name}" onsubmit="return false"><input name="dataset">
    <input name="matches"><button id="{name}">Go</button></form>"""
CLICKS = f"""
<div data-beacon="card"><span id="span">x</span></div>
<a data-beacon="outer" href="#x"><button id="in-link">x</button></a>
<div id="plain">x</div> <a id="link" href="#x">x</a> <button id="button">x</button>
<div data-beacon="list"><a href="#x" id="link-in-list">x</a></div>
<label data-beacon="newsletter"><span id="label">x</span><input type="checkbox"></label>
<button id="japanese" data-beacon="購入">x</button>
<button id="german" data-beacon="prämie">x</button>
<button id="arabic" data-beacon="شراء">x</button>
<button id="emoji" data-beacon="🎉 👩‍👩‍👧
  x">x</button>
<div id="host"></div><div id="slots">{FORM.format(name="slotted")}</div>
{FORM.format(name="conversion")}
<form onsubmit="return false"><button id="unnamed">x</button></form>
<form data-beacon="never"><input required id="empty"><button id="invalid">x</button></form>
<form data-beacon="login" onsubmit="return false"><input id="name"></form>
<button id="end" data-beacon="end">x</button>
<script>
host.attachShadow({{ mode: "open" }}).innerHTML = `<button><i id="open">x</i></button>
    <p data-beacon="inner"><button id="annotated">x</button></p>{FORM.format(name="shadow")}`
slots.attachShadow({{ mode: "open" }}).innerHTML = `<slot></slot>{FORM.format(name="near-slot")}`
</script>"""
# The ids of elements, and the event that a click on each one sends.
EVENTS = {
    "span": "card",
    "in-link": "outer",
    "plain": None,
    "link": "click",
    "button": "click",
    "link-in-list": "list",
    "label": "newsletter",
    "japanese": "購入",
    "german": "prämie",
    "arabic": "شراء",
    "emoji": "🎉 👩‍👩‍👧   x",
    "open": "click",
    "annotated": "inner",
    "shadow": "shadow",
    "near-slot": "near-slot",
    "slotted": "slotted",
    "conversion": "conversion",
    "unnamed": "submit",
    "invalid": "click",
}


@pytest.fixture
def site(server):
    with website(server) as site:
        yield site


@pytest.fixture
def context(chromium):
    with chromium.new_context() as context:
        yield context


@pytest.fixture
def page(context) -> Page:
    return context.new_page()


def views(*paths: str) -> list[tuple[str, str]]:
    return [("pageview", path) for path in paths]


def has_load_time(beacons: list[dict]) -> list[bool]:
    return [beacon["custom_metric_name"] == "page_load_time" for beacon in beacons]


def test_a_page_is_viewed_when_it_loads_reloads_and_comes_back_from_the_cache(server, site, page):
    page.goto(site.page("/one"))
    page.reload()
    logged_beacons(server, *views("/one", "/one"))
    page.goto(site.page("/two"))
    logged_beacons(server, *views("/one", "/one", "/two"))
    page.evaluate("() => { history.back() }")
    beacons = logged_beacons(server, *views("/one", "/one", "/two", "/one"))
    assert has_load_time(beacons) == [True, True, True, False]
    assert site.requested.count("/one") == 2


def test_a_prerendered_page_is_viewed_when_it_is_shown(server, site, tmp_path):
    """Chromium prerenders no page that Playwright drives, so these pages drive themselves."""
    site.page(
        "/start",
        """<button data-beacon="waited"></button>
        <script type="speculationrules">
            { "prerender": [{ "urls": ["/shown", "/never"], "eagerness": "immediate" }] }
        </script>
        <script type="module">
            await fetch("/both-prerendered")
            document.querySelector("button").click()
            location = "/shown"
        </script>""",
    )
    for path in ("/shown", "/never"):
        site.page(
            path,
            """<button data-beacon="end"></button><script type="module">
            const end = () => document.querySelector("button").click()
            document.addEventListener("visibilitychange", () => setTimeout(end))
            addEventListener("load", () => {
                setTimeout(() => null.error)  // not sent either
                setTimeout(() => fetch(`${location.pathname}-is-${document.visibilityState}`))
            })
            </script>""",
        )
    prerendered = site.held["/both-prerendered"] = threading.Event()
    command = ["chromium", "--headless", *CHROMIUM_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
    with (tmp_path / "chromium.log").open("wb") as log:
        chromium = subprocess.Popen([*command, site.url("/start")], stdout=log, stderr=log)
    try:
        until(lambda: {"/shown-is-hidden", "/never-is-hidden"} <= set(site.requested), 60)
        prerendered.set()
        beacons = logged_beacons(
            server,
            *[*views("/start"), ("waited", "/start"), *views("/shown"), ("end", "/shown")],
        )
    finally:
        chromium.terminate()
        chromium.wait(60)
    # Nothing was loaded when it was opened.
    assert [beacon["page"] for beacon in beacons if beacon["custom_metric_name"]] == ["/start"]
    assert site.requested.count("/shown") == 1


def test_a_single_page_apps_views_are_the_changes_of_its_path(server, site, page):
    site.page("/spa/one", '<button data-beacon="end">x</button>')
    page.goto(site.url("/spa/one"))
    for change in (
        *["pushState(0, '', '/spa/two')", "pushState(0, '', '/spa/two')"],
        *["pushState(0, '', '?query')", "replaceState(0, '', '#hash')"],
        "replaceState({}, '', '/spa/three')",
    ):
        page.evaluate(f"history.{change}")
    for path in ("/spa/two", "/spa/two", "/spa/one"):
        page.evaluate(GO_BACK)
        assert page.evaluate("location.pathname") == path
    page.get_by_role("button").click()
    paths = ["/spa/one", "/spa/two", "/spa/three", "/spa/two", "/spa/one"]
    beacons = logged_beacons(server, *views(*paths), ("end", "/spa/one"))
    assert sum(has_load_time(beacons)) == 1 and has_load_time(beacons)[0]


def test_a_path_that_changes_before_the_page_has_loaded(server, site, page):
    site.page("/spa/one", '<img src="/picture">')
    site.page("/old", '<img src="/picture">')
    for path, change, wanted in (
        ("/spa/one", "pushState(0, '', '/spa/two')", ["/spa/one", "/spa/two"]),
        ("/old", "replaceState(0, '', '/new')", ["/spa/one", "/spa/two", "/new"]),
        ("/old", "replaceState(0, '', '?same')", ["/spa/one", "/spa/two", "/new", "/old"]),
    ):
        picture = site.held["/picture"] = threading.Event()
        page.goto(site.url(path), wait_until="domcontentloaded")
        page.evaluate(f"history.{change}")
        picture.set()
        page.wait_for_load_state("load")
        beacons = logged_beacons(server, *views(*wanted))
    assert has_load_time(beacons) == [False, False, False, True]


def test_a_click_is_sent_under_the_name_of_the_nearest_annotated_element(server, site, page):
    problems = []
    page.on("pageerror", lambda problem: problems.append(problem))
    page.goto(site.page("/page", CLICKS))
    for clicked in EVENTS:
        page.locator(f"#{clicked}").click()
    page.locator("#name").click()  # no submit yet
    page.keyboard.press("Enter")
    page.locator("#end").click()
    events = [event for event in EVENTS.values() if event]
    wanted = [(event, "/page") for event in ["pageview", *events, "login", "end"]]
    beacons = logged_beacons(server, *wanted)
    assert problems == []
    assert {beacon["automation"] for beacon in beacons} == {None}
    assert len({beacon["clientid"] for beacon in beacons}) == 1


def test_an_error_of_any_source_is_sent(server, site, page):
    site.files["/named.js"] = "setTimeout(() => null.x)\n//# sourceURL=widget.js"
    site.files["/other.js"] = "setTimeout(() => { throw new RangeError('x') })"
    add = "document.body.append(Object.assign(document.createElement('script'), {{ src: '{}' }}))"
    page.goto(site.page("/in/page", '<img src="data:nothing">'))
    for action in (
        *[add.format("/named.js"), add.format(site.url("/other.js", "localhost"))],
        "setTimeout(() => { eval('null.x\\n//# sourceURL=http://') })",
        "Promise.reject(new SyntaxError('secret'))",
        "Promise.reject('secret')",
        "setTimeout(() => { throw 'secret' })",
    ):
        page.evaluate(f"() => {{ {action} }}")
    # ResizeObserver's notice, and a picture that is missing, are no exceptions.
    page.evaluate("""() => new Promise(done => {
        addEventListener("error", ({ message }) => /ResizeObserver/.test(message) && done())
        let width = 1
        new ResizeObserver(([{ target }]) => target.style.width = `${width++}px`)
            .observe(document.body)
    })""")
    wanted = [*views("/in/page"), *[("exception", "/in/page")] * 6]
    beacons = logged_beacons(server, *wanted)
    texts = [beacon["custom_metric_string_value"] for beacon in beacons]
    texts = sorted(text.rstrip("0123456789 ") for text in texts if text)
    assert texts == sorted(
        [
            *["TypeError /in/widget.js", "Error /in/page", "TypeError"],
            *["SyntaxError /in/page", "Error /in/page", "Error /in/page"],
        ]
    )
    assert "secret" not in server.log.read_text()


def test_pages_are_readable_paths_wherever_the_beacons_go(server, site, page):
    site.page("/docs/api/intro", script="/api/beacon.js")
    site.page("/api/intro", more='data-endpoint="/api/beacon"')
    site.page("/proxy/80/kettle", script="/proxy/80/beacon.js")
    paths = ["/docs/api/intro", "/api/intro", "/proxy/80/kettle"]
    encoded = {"/商品/a%20b": "/商品/a b", "/%E4": "/%E4", "/a%2Fb%0A": "/a%2Fb"}
    for path in encoded:
        site.page(page.evaluate("path => new URL(path, 'http://a').pathname", path))
    for path in [*paths, *encoded]:
        page.goto(site.url(f"{path}?query#hash"))
    wanted = views("/docs/api/intro", "/api/intro", "/kettle", *encoded.values())
    logged_beacons(server, *wanted)
    assert "/api/beacon" in site.requested and "/proxy/80/beacon" in site.requested
    assert not any(word in server.log.read_text() for word in ("query", "hash"))


def test_the_first_view_has_the_source(server, site, page):
    site.page("/landed")
    site.page("/inside", "<iframe srcdoc='<script src=/beacon.js></script>'></iframe>")
    site.files["/elsewhere"] = f'<a href="{site.url("/landed")}">x</a>'
    page.goto(f"{site.url('/elsewhere', 'localhost')}?secret")
    page.get_by_role("link").click()
    page.wait_for_url("**/landed")
    page.evaluate("history.pushState(0, '', '/next')")
    logged_beacons(server, *views("/landed", "/next"))
    for url in ("/inside", "/landed?utm_source=letter&utm_campaign=july",
                "/landed?utm_source=%E6%97%A5%0d%0a%00x&utm_campaign=%F0%9F%8E%89",
                "/landed?utm_source=&utm_campaign="):  # fmt: skip
        before = server.log.read_text().count('"pageview"')
        page.evaluate("url => { location = url }", url)
        frames = 2 if url == "/inside" else 1
        until(lambda: server.log.read_text().count('"pageview"') == before + frames, 60)  # noqa: B023
    wanted = views("/landed", "/next", "/inside", "srcdoc", *["/landed"] * 3)
    sources = {}
    for beacon in logged_beacons(server, *wanted):
        if beacon["source"] or beacon["campaign"]:
            sources.setdefault(beacon["page"], []).append((beacon["source"], beacon["campaign"]))
    host = site.url("", "localhost").removeprefix("http://")
    assert sources == {"/landed": [(host, None), ("letter", "july"), ("日   x", "🎉")]}
    assert "secret" not in server.log.read_text()


def test_a_browser_whose_user_has_opted_out_sends_nothing_if_the_tag_asks_for_it(
    server, site, chromium
):
    site.page("/opt-out", '<button data-beacon="no">x</button>', more="data-opt-out")
    site.page("/all")
    wanted = []
    for signal, value in (
        *[("globalPrivacyControl", "true"), ("doNotTrack", "'1'")],
        *[("globalPrivacyControl", "false"), ("doNotTrack", "'0'")],
    ):
        with chromium.new_context() as context:
            context.add_init_script(f"({HAS.format(signal, value)})()")
            page = context.new_page()
            page.goto(site.url("/opt-out"))
            page.get_by_role("button").click()
            has_opted_out = value in ("true", "'1'")
            assert page.evaluate("sessionStorage.length") == (not has_opted_out)
            wanted += [] if has_opted_out else [*views("/opt-out"), ("no", "/opt-out")]
            wanted += views("/all")
            page.goto(site.url("/all"))
            logged_beacons(server, *wanted)


def test_without_storage_each_page_is_a_visitor(server, site, page):
    problems = []
    page.on("pageerror", lambda problem: problems.append(problem))
    site.page("/frame")
    page.goto(site.page("/outer", '<iframe sandbox="allow-scripts" src="/frame"></iframe>' * 2))
    beacons = logged_beacons(server, *views("/outer", "/frame", "/frame"))
    assert len({beacon["clientid"] for beacon in beacons}) == 3
    assert {beacon["source"] for beacon in beacons} == {None} and problems == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["own", "another site's"])
@pytest.mark.parametrize("asks_first", [True, False], ids=["by its user", "at once"])
def test_a_tab_that_is_closed_while_its_page_loads(server, site, context, host, asks_first):
    context.new_page()  # the browser stays
    page = context.new_page()
    site.held["/picture"] = threading.Event()
    site.page("/slow", '<img src="/picture">', script=site.url("/beacon.js", host))
    page.goto(site.url("/slow?utm_source=letter"), wait_until="domcontentloaded")
    page.close(run_before_unload=asks_first)
    beacon = logged_beacons(server, *views("/slow"))[0]
    assert (beacon["source"], beacon["custom_metric_name"]) == ("letter", None)


def test_a_browser_that_a_program_drives_is_named(server, site, context):
    context.add_init_script(f"({HAS.format('webdriver', 'true')})()")
    context.new_page().goto(site.page("/page"))
    assert logged_beacons(server, *views("/page"))[0]["automation"] == "webdriver"
