"""A page of another origin, open in the learner's browser, can make the emulator do nothing."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from tests.browser.lab import chromium_of_its_own
from tests.catcher import until
from tests.local.test_access import send, signed
from tests.local.test_access_of_functions import ROLE, zipped
from tests.running_emulator import running_emulator

REBOUND = "rebound.example"  # a stranger's name that leads to 127.0.0.1 by now
CREATE, INVOKE = "/2015-03-31/functions", "/2015-03-31/functions/{}/invocations"
FETCH = """async ([url, body]) => {
    try { await fetch(url, {method: "POST", mode: "no-cors", body}); return "sent"; }
    catch (error) { return String(error); }
}"""
# The text of a form is NAME=VALUE: the sign is put inside a string that is ignored.
FORM = """([url, body]) => {
    const frame = document.createElement("iframe");
    frame.name = "answer";
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: url, enctype: "text/plain", target: "answer"});
    const field = document.createElement("input");
    field.name = body.slice(0, -1) + ', "Description": "';
    field.value = '"}';
    form.append(field);
    document.body.append(frame, form);
    form.submit();
}"""
WAYS = {"a no-cors fetch": FETCH, "a form": FORM}


class Page(BaseHTTPRequestHandler):
    """The stranger's page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title><body>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    """The address of another origin."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    with running_emulator(folder) as cloud:
        yield cloud, folder / "log"


@pytest.fixture(scope="module")
def browser():
    with chromium_of_its_own(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as chromium:
        yield chromium


def function(name: str, marker) -> str:
    """The body of CreateFunction: a function that leaves a file."""

    code = f"def handler(event, context):\n    open({str(marker)!r}, 'w').close()\n"
    made = {"FunctionName": name, "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler"}
    return json.dumps(made | {"Code": {"ZipFile": base64.b64encode(zipped(code)).decode()}})


def names(cloud) -> list[str]:
    return [each["FunctionName"] for each in cloud.client("lambda").list_functions()["Functions"]]


def test_the_same_two_requests_with_the_key_run_a_program(target, tmp_path):
    cloud, _ = target
    marker = tmp_path / "marker"
    assert send(cloud, "POST", CREATE, signed(cloud, "lambda"), function("own", marker))[0] == 201
    assert send(cloud, "POST", INVOKE.format("own"), signed(cloud, "lambda"), "{}")[0] == 200
    assert marker.exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", ["127.0.0.1", "localhost", REBOUND])
def test_a_page_of_another_origin_creates_and_runs_nothing(
    target, browser, elsewhere, tmp_path, way, at
):
    cloud, log = target
    marker, name = tmp_path / "marker", f"stranger-{at.partition('.')[0]}-{len(way)}"
    port, page = urlsplit(cloud.endpoint).port, browser.new_page()
    page.goto(elsewhere)
    for path, body in ((CREATE, function(name, marker)), (INVOKE.format(name), "{ }")):
        before = log.read_text().count(f"refused with 403: POST {path!r}")

        def is_refused(path=path, body=body, before=before):
            # Sent again and again: the log has one line a second for all that is refused.
            page.evaluate(WAYS[way], [f"http://{at}:{port}{path}", body])
            return log.read_text().count(f"refused with 403: POST {path!r}") > before

        until(is_refused, 60)
    page.close()
    assert name not in names(cloud) and not marker.exists()


def test_a_page_that_has_the_emulators_address_by_a_name_of_its_own_reads_nothing(target, browser):
    """The browser takes the two for one origin: no Origin, and any header may be sent."""
    cloud, _ = target
    page = browser.new_page()
    answer = page.goto(f"http://{REBOUND}:{urlsplit(cloud.endpoint).port}/_ministack/health")
    assert answer.status == 403
    read = """async headers => (await fetch("/", {headers})).status"""
    assert page.evaluate(read, signed(cloud)) == 403
    page.close()


def test_the_address_typed_into_the_browser_is_no_client_of_ours(target, browser):
    cloud, _ = target
    page = browser.new_page()
    assert page.goto(f"{cloud.endpoint}/").status == 403
    page.close()
