"""Hostile page, agent, referrer and event, shown in each view of a notebook.

Sent as real beacons through the whole chain; opened in a real browser, which
must show all of it as text.
"""

import json
import re
import threading
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from helpers.deployment.fleet import beacon_url
from helpers.local import supervisor
from helpers.stores.archive import archived_beacons
from helpers.stores.dynamodb import metric_values
from tests.catcher import until
from tests.running_server import Client

MARKUP = "<img src=x onerror=window.hacked=1><script>window.hacked=1;alert(1)</script>"
BROKEN_OUT = "\"><svg/onload=window.hacked=1>'</td></table><iframe src=javascript:alert(1)>"
FORMULA = r"$\href{javascript:window.hacked=1}{press}$ \(\unicode{x41}\)"
LINK = "javascript:window.hacked=1"
NAMES = "購入 prämie شراء 🎉"
WORDS = "[press](javascript:alert(1)) <b>bold</b> &lt;i&gt; {{7*7}} \x1b[31m"
BEACONS = [
    {"page": f"/{MARKUP}", "User-Agent": FORMULA, "Referer": LINK, "event": BROKEN_OUT},
    {"page": f"/{FORMULA}", "User-Agent": MARKUP, "Referer": BROKEN_OUT, "event": MARKUP},
    {"page": f"/{BROKEN_OUT}", "User-Agent": BROKEN_OUT, "Referer": MARKUP, "event": FORMULA},
    # As beacon.js sends names: the bytes of UTF-8.
    {"page": f"/{MARKUP}", "User-Agent": MARKUP, "Referer": MARKUP, "event": NAMES.encode()},
]
EVENTS = 'bar_chart(metric_values(cloud, "event_count", minutes=9))'
# Each view, and whether it shows the texts as letters of the page (else as those of a picture).
VIEWS = {
    'metric_values(cloud, "top_pages", minutes=9)': True,
    'archived_beacons(cloud, minutes=9)[["page", "agent", "referrer", "event", "clientid"]]': True,
    "newest_records(cloud, seconds=500)": True,
    f'bar_chart(metric_values(cloud, "top_pages", minutes=9), title={MARKUP!r})': True,
    'chart(cloud, "agent_count", source="dynamodb", minutes=9)': True,
    'live_chart(cloud, "top_pages", source="dynamodb", minutes=9)': True,
    EVENTS: True,
    'live_chart(cloud, "referral_count", source="dynamodb", minutes=9)': True,
    "live_stream_chart(cloud)": False,
    "dashboard(cloud, live=True)": False,
    "live_dashboard(cloud)": True,
    "alarm_messages(cloud)": True,
    "ledger(cloud)": False,
    'show_sql("event_count")': False,
    f"raise WorkshopError({MARKUP!r}, {WORDS!r})": True,
}
IMPORTS = """
import os, pandas
os.environ["WORKSHOP_HOME"] = {home!r}
from helpers import *
pandas.set_option("display.max_colwidth", None)
cloud = connect("local")
"""
ELEMENTS = ".jp-OutputArea " + ", .jp-OutputArea ".join(
    ["script", "iframe", "[onerror]", "[onload]", "img[src='x']", "a[href^='javascript:' i]"]
)


@pytest.fixture
def target_home(own_home):
    """A target of this test's own: no other beacons push these out of a chart's few lines."""
    yield own_home
    supervisor.stop()


@pytest.fixture
def visitors(chain):
    """Send these beacons repeatedly: a live chart shows the last minute."""
    url, ending = urlsplit(beacon_url(chain)), threading.Event()

    def send() -> None:
        while not ending.wait(0.5):
            connection = Client(url.port).connect()
            for headers in (*BEACONS, BEACONS[-1]):  # a chart's sentence names the largest ones
                connection.request("GET", url.path, headers=headers | {"clientid": MARKUP})
                connection.getresponse().read()
            connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    yield
    ending.set()
    thread.join()


def write_to_the_inbox(chain) -> None:
    alarm = {
        "AlarmName": MARKUP,
        "NewStateValue": BROKEN_OUT,
        "NewStateReason": FORMULA,
        "StateChangeTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    queue = chain.client("sqs").get_queue_url(QueueName=chain.name("inbox"))["QueueUrl"]
    for text in (json.dumps(alarm), WORDS):
        body = {"Message": text, "MessageId": str(time.time_ns()), "Timestamp": "2026-11-25"}
        chain.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(body))


def test_what_visitors_send_is_shown_as_text_and_nothing_else(
    chain, visitors, open_notebook, own_home
):
    write_to_the_inbox(chain)
    pages = {headers["page"] for headers in BEACONS}
    until(lambda: pages <= set(metric_values(chain, "top_pages", minutes=9)["Item"]), 900)
    until(lambda: NAMES in set(metric_values(chain, "event_count", minutes=9)["Item"]), 900)
    until(lambda: pages <= set(archived_beacons(chain, minutes=9)["page"]), 900)

    imports = IMPORTS.format(home=str(own_home))
    notebook, dialogs = open_notebook(imports, *VIEWS, "stop_charts()"), []
    notebook.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    notebook.run(0)
    for number, (view, shows_letters) in enumerate(VIEWS.items(), 1):
        notebook.run(number)
        output = notebook.output(number)
        if shows_letters:
            # A chart's sentence shortens a long name in its middle.
            expect(output).to_contain_text(re.compile("onerror|onload|href"))
        else:
            expect(output).not_to_be_empty()
        if "WorkshopError" not in view:
            expect(output).not_to_contain_text("Traceback")
    expect(notebook.output(1)).to_contain_text(MARKUP)
    expect(notebook.output([*VIEWS].index(EVENTS) + 1)).to_contain_text(NAMES)
    expect(notebook.output(len(VIEWS))).to_contain_text("<b>bold</b> &lt;i&gt; {{7*7}}")
    notebook.page.wait_for_timeout(2000)  # for what a picture or a formula would load
    notebook.screenshot("hostile-text")
    notebook.run(len(VIEWS) + 1)

    found = notebook.page.locator(ELEMENTS)
    assert found.count() == 0, found.first.evaluate("element => element.outerHTML")
    assert notebook.formulas() == []
    assert notebook.page.evaluate("window.hacked") is None
    assert dialogs == []
