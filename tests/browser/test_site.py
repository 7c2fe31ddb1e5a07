"""The demo shop in a real browser, served by a real beacon server: the log of a visit."""

import http.client
import http.server
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import SCREENSHOTS
from tests.browser.website import logged_beacons

PAGES = sorted(path.name for path in Path("assets/site").glob("*.html"))
SHOW = "from helpers.deployment.shop_frame import SiteFrame\nSiteFrame({url!r}, height=560)"
DELAY_SECONDS = 0.5


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 1100, "height": 760})
    yield context
    context.close()


def test_each_step_of_a_visit_is_logged_though_the_pages_are_left_at_once(server, context):
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/?q=secret#there")
    film = page.locator("video")
    expect(film).to_have_js_property("readyState", 4)
    film.focus()
    page.keyboard.press("Space")
    expect(page.locator(".strip")).to_contain_text("play /")
    page.keyboard.press("Space")
    expect(page.locator(".strip")).to_contain_text("stop /")
    page.locator(".goods a", has_text="grinder").click()
    page.get_by_role("button", name="voucher").click()
    page.get_by_role("link", name="Buy").click()
    # A page sends beacons once its deferred scripts ran, which is when its DOM is ready.
    page.wait_for_url("**/thank-you.html", wait_until="domcontentloaded")
    page.goto(f"http://127.0.0.1:{server.port}/login.html")
    page.get_by_role("textbox").fill("Ann")
    page.keyboard.press("Enter")
    page.wait_for_url(f"http://127.0.0.1:{server.port}/?")
    expect(page.locator(".strip")).to_contain_text("pageview / · page_load_time")
    grinder = "/grinder.html"
    beacons = logged_beacons(
        server,
        *[("pageview", "/"), ("play", "/"), ("stop", "/"), ("click", "/")],
        *[("pageview", grinder), ("click", grinder), ("exception", grinder)],
        *[("conversion", grinder), ("pageview", "/thank-you.html"), ("pageview", "/login.html")],
        *[("login", "/login.html"), ("pageview", "/")],
    )
    assert len({beacon["clientid"] for beacon in beacons}) == 1
    assert {beacon["referrer"] for beacon in beacons} == {None}
    for beacon in beacons:
        value = beacon["custom_metric_int_value"]
        if beacon["event"] == "pageview":
            assert beacon["custom_metric_name"] == "page_load_time" and 0 < value < 30_000
        elif beacon["event"] == "exception":
            assert beacon["custom_metric_name"] == "exception"
            assert beacon["custom_metric_string_value"].startswith("TypeError /shop.js ")
        else:
            assert beacon["custom_metric_name"] is None
    assert "Ann" not in server.log.read_text()
    assert not any("secret" in str(beacon) for beacon in beacons)
    assert context.cookies() == []


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another site, which has pasted the script's tag."""

    def do_GET(self):
        html = f"""<!doctype html><title>x</title><a href="/next?secret">Next</a>
            <button data-beacon="conversion">Buy</button>
            <script src="{self.server.beacons}/beacon.js" defer></script>"""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(server):
    """The URL of another site, from which every word to the beacon servers is long on its way."""
    listener = socket.create_server(("127.0.0.1", 0))
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    site.beacons = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def pass_on(source, target, delay):
        try:
            while data := source.recv(65536):
                time.sleep(delay)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept():
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            far = server.raw()
            for ends in ((client, far, DELAY_SECONDS), (far, client, 0)):
                threading.Thread(target=pass_on, args=ends, daemon=True).start()

    for target in (accept, site.serve_forever):
        threading.Thread(target=target, daemon=True).start()
    yield f"http://localhost:{site.server_address[1]}"
    site.shutdown()
    site.server_close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_another_site_loses_nothing_when_a_page_is_left_or_its_tab_closed(
    server, elsewhere, context
):
    context.new_page()  # the browser stays, its tabs go
    page = context.new_page()
    page.goto(f"{elsewhere}/shop")
    page.get_by_role("link").click()  # before the servers have allowed requests from another site
    page.wait_for_url("**/next?secret")
    page.get_by_role("button").click()
    page.close()
    steps = [
        ("pageview", "/shop"),
        ("click", "/shop"),
        ("pageview", "/next"),
        ("conversion", "/next"),
    ]
    beacons = logged_beacons(server, *steps)
    assert len({beacon["clientid"] for beacon in beacons}) == 1
    log = server.log.read_text()
    assert '"OPTIONS /beacon HTTP/1.1" 204' in log and "secret" not in log


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_shop(server, chromium, scheme):
    with chromium.new_context(color_scheme=scheme, viewport={"width": 1100, "height": 760}) as shop:
        page = shop.new_page()
        for name in PAGES:
            page.goto(f"http://127.0.0.1:{server.port}/{name}")
            expect(page.locator(".strip")).to_contain_text("pageview")
            found = Axe().run(page).response["violations"]
            assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == [], name
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"site-{name[:-5]}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("is_reachable", [True, False], ids=["reachable", "through the proxy"])
def test_the_notebook_shows_the_shop_wherever_the_browser_is(server, open_notebook, is_reachable):
    """Where the port is out of the browser's reach, the Jupyter server passes everything on."""
    # The server listens on IPv4 alone. (A route that Playwright cuts would do, but where it looks
    # into a page's requests, those that outlive the page are lost now and then.)
    url = f"http://{'127.0.0.1' if is_reachable else '[::1]'}:{server.port}/"
    notebook = open_notebook(SHOW.format(url=url))
    notebook.run(0)
    frame = notebook.output(0).frame_locator("iframe")
    frame.locator(".goods a", has_text="kettle").click(timeout=300_000)
    frame.get_by_role("link", name="Buy").click()
    expect(frame.locator("h1")).to_have_text("Thank you")
    expect(frame.locator(".strip")).to_contain_text("conversion /kettle.html")
    kettle = "/kettle.html"
    steps = [("pageview", "/"), ("click", "/"), ("pageview", kettle), ("conversion", kettle)]
    logged_beacons(server, *steps, ("pageview", "/thank-you.html"))
    link = notebook.output(0).get_by_role("link").get_attribute("href")
    assert (link == url) is is_reachable and link.endswith(("/", f"/proxy/{server.port}/"))
    notebook.screenshot(f"site-in-notebook-{'direct' if is_reachable else 'proxy'}")


def test_the_proxy_leads_to_this_machine_alone_and_asks_who_is_there(server, jupyterlab):
    token = {"Authorization": f"token {jupyterlab.token}"}
    port = server.port
    for at, headers, status in (
        (f"{port}", token, 200),
        (f"{port}", {}, 302),  # to the login page
        (f"192.0.2.1:{port}", token, 403),
        (f"example.com:{port}", token, 403),
    ):
        connection = http.client.HTTPConnection(urlsplit(jupyterlab.url).netloc, timeout=20)
        connection.request("GET", f"/proxy/{at}/", headers=headers)
        assert connection.getresponse().status == status, at
        connection.close()
