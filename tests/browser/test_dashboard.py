"""The live dashboard in a real JupyterLab, reading an emulator's CloudWatch."""

import json
import time

from playwright.sync_api import expect

CONNECT = """
import boto3
from helpers import dashboard
from helpers.core.cloud import Cloud
session = boto3.Session(*{key}, region_name="us-east-1")
cloud = Cloud(session, "{account}", prefix="browser", endpoint="{endpoint}")
"""
SEARCH = (
    "SEARCH('{RealtimeWebAnalytics,Stack,Item} MetricName=\"%s\" Stack=\"browser\"', 'Sum', 10)"
)
ITEMS = {
    "event_count": {"pageview": 60, "click": 31, "login": 8, "conversion": 4},
    "top_pages": {f"/shop/page-{n}.html": 40 // n for n in range(1, 30)}
    | {"<img src=x onerror=window.hacked=1> $x^$": 33},
}


def put(cloud):
    start = int(time.time() // 10 * 10)
    stack = {"Name": "Stack", "Value": "browser"}
    data = [
        {
            "MetricName": name,
            "Dimensions": [stack, {"Name": "Item", "Value": item}],
            "Timestamp": start - back,
            "Value": value,
            "StorageResolution": 1,
        }
        for name, items in ITEMS.items()
        for item, value in items.items()
        for back in range(10, 300, 10)
    ]
    for first in range(0, len(data), 1000):
        cloud.client("cloudwatch").put_metric_data(
            Namespace="RealtimeWebAnalytics", MetricData=data[first : first + 1000]
        )


def define(cloud):
    def widget(x, y, width, metric, **properties):
        row = {"expression": SEARCH % metric, "label": "${PROP('Dim.Item')}"}
        known = {"metrics": [[row]], "period": 10, "stat": "Sum"}
        place = {"type": "metric", "x": x, "y": y, "width": width, "height": 7}
        return place | {"properties": known | properties}

    text = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2}
    body = {
        "start": "-PT5M",
        "widgets": [
            text | {"properties": {"markdown": "# What visitors do"}},
            widget(0, 2, 16, "event_count", title="Events every 10 seconds", stacked=True),
            widget(16, 2, 8, "top_pages", title="Pages", view="bar", setPeriodToTimeRange=True),
            widget(0, 9, 24, "top_pages", title="Pages every 10 seconds"),
        ],
    }
    cloud.client("cloudwatch").put_dashboard(
        DashboardName="browser-dashboard", DashboardBody=json.dumps(body)
    )


def test_the_dashboard_is_drawn_in_place_in_both_themes(open_notebook, emulator):
    put(emulator)
    define(emulator)
    key = tuple(emulator.session.get_credentials().get_frozen_credentials()[:2])
    connect = CONNECT.format(key=key, account=emulator.account, endpoint=emulator.endpoint)
    notebook = open_notebook(connect, "board = dashboard(cloud, live=True); board", "board.stop()")
    notebook.run(0)
    notebook.run(1)
    status, image = notebook.output(1).get_by_role("status"), notebook.output(1).locator("img")
    expect(status).to_contain_text("Events every 10 seconds: \u2068pageview\u2069 60")
    before, box = image.get_attribute("src"), image.bounding_box()
    page = notebook.page.locator(".jp-Notebook").bounding_box()
    assert box["x"] + box["width"] <= page["x"] + page["width"]  # it shrinks to fit
    notebook.screenshot("dashboard-light")

    expect(image).not_to_have_attribute("src", before)
    assert image.bounding_box() == box
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    notebook.screenshot("dashboard-dark")
    notebook.command("apputils:change-theme", theme="JupyterLab Light")

    notebook.run(2)
    expect(notebook.output(1).locator("figcaption")).to_contain_text("Stopped at")
    assert notebook.page.evaluate("window.hacked") is None
