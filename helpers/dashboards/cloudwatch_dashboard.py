"""The CloudWatch dashboard, drawn in the notebook from its own JSON.

The same definition that the template deploys and the console shows, on the same 24 columns.
"""

import json
import time
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from helpers.core.aws_errors import explained
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.metric_math import Unsupported
from helpers.core.waiting import waiting
from helpers.plotting.figure import Box, Picture
from helpers.plotting.live_view import LiveChart
from helpers.plotting.metric_figure import clock
from helpers.plotting.palette import DESK

from . import widgets as draw
from .body import COLUMNS, Widget, widgets
from .charts import NEW_IN_CLOUDWATCH
from .expressions import Line, lines, whole_range
from .queries import NO_POINTS, Points, Query, Reader

WIDTH = 9.6  # inches: 920 CSS pixels, what a laptop's window leaves to an output
_COLUMN, _ROW, _GAP = WIDTH / COLUMNS, 0.42, 0.035
# One malformed widget must not hide the others.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def dashboard(cloud: Cloud, live: bool = False, period: float = 2) -> Picture | LiveChart:
    """Draw the workshop's CloudWatch dashboard.

    Args:
        cloud: where the dashboard is.
        live: redraw it in place until `.stop()`, or return one picture. The sentence below a live
            one names its price on AWS, where GetMetricData costs $0.01 for each 1,000 metrics. So
            bars of the whole time range are read every ten seconds only.
        period: seconds between two pictures of a live one.

    Returns:
        A picture, or a running chart. As the last line of a cell it is shown.

    Raises:
        WorkshopError: there is no dashboard yet.

    Example:
        `dashboard(cloud, live=True)`
    """
    body, reader = dashboard_json(cloud), Reader(cloud)
    name = cloud.name("dashboard")

    def show(picture: Picture) -> str:
        return draw_dashboard(picture, name, body, reader)

    def show_price(picture: Picture) -> str:
        words = show(picture)  # first: it counts what it reads
        return f"{words} On AWS, reading it costs ${reader.dollars_an_hour(period):.2f} an hour."

    if live:
        return LiveChart(show_price, name=name, period=period, size=size(body)).start()
    picture = Picture(*size(body))
    with waiting(f"Reading the metrics of {name}"):
        picture.sentence = show(picture)
    return picture


def dashboard_json(cloud: Cloud) -> dict[str, Any]:
    """Return the dashboard's JSON, as CloudWatch keeps it.

    Raises:
        NotDeployed: there is no dashboard.
        WorkshopError: it is not JSON.

    Example:
        `dashboard_json(cloud)["widgets"][0]`
    """
    name = cloud.name("dashboard")
    with explained(f"The dashboard {name}", "3-visualize"):
        text = cloud.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    try:
        return json.loads(text)
    except ValueError as error:
        raise WorkshopError(
            f"The dashboard {name} is not valid JSON: {error}.",
            'Deploy it again: deploy(cloud, "3-visualize").',
        ) from None


def size(body: dict[str, Any]) -> tuple[float, float]:
    """Return the width and height, in inches, that a dashboard takes."""
    bottom = max((each.y + each.height for each in widgets(body)), default=3)
    return WIDTH, bottom * _ROW


def draw_dashboard(
    picture: Picture, name: str, body: dict[str, Any], reader: Reader, now: float | None = None
) -> str:
    """Draw a dashboard; return the sentence that describes it.

    Args:
        picture: of the dashboard's `size`; drawn into.
        name: the dashboard's name.
        body: its JSON.
        reader: reads the metrics.
        now: epoch seconds; the clock's by default.
    """
    now = time.time() if now is None else now
    picture.set_facecolor(DESK)
    every = widgets(body)
    points = _read(every, reader, now)
    states = _alarm_states(every, reader.cloud)
    phrases, empty = [], []
    for each in every:
        box = Box(
            picture,
            each.x * _COLUMN + _GAP,
            each.y * _ROW + _GAP,
            each.width * _COLUMN - 2 * _GAP,
            each.height * _ROW - 2 * _GAP,
        )
        box.card()
        try:
            phrases.append(_draw_widget(box, each, reader, points, states, now))
            if each.kind == "metric" and not phrases[-1]:
                empty.append(str(each.properties.get("title", "a chart")))
        except Unsupported as reason:
            draw.not_drawn(box, each, str(reason))
        except _MALFORMED as error:
            draw.not_drawn(box, each, f"this definition ({error!r})")
    if not any(len(times) for times, _ in points.values()):
        phrases.append(
            "no data yet → send beacons (Traffic(cloud)) with modules 1 to 3 deployed, "
            f"and wait {NEW_IN_CLOUDWATCH}"
        )
    elif empty:
        phrases.append(f"no data yet: {', '.join(empty)}")
    return f"{name}, read at {clock(now)}. {'; '.join(filter(None, phrases))}."


def add_widget(cloud: Cloud, properties: dict[str, Any], *, height: int = 6) -> None:
    """Put a chart at the bottom of the dashboard, or in the place of the one with the same title.

    Args:
        cloud: where the dashboard is.
        properties: a metric widget's, as CloudWatch documents them ("Dashboard Body Structure and
            Syntax"), a `title` among them; the region is added.
        height: in rows of the dashboard.

    Raises:
        WorkshopError: there is no title or no metric in it, CloudWatch refuses it, or there is no
            dashboard yet.

    Example:
        `add_widget(cloud, {"title": "Load time", "metrics": [["RealtimeWebAnalytics", "load"]]})`
    """
    if not properties.get("title") or not properties.get("metrics"):
        raise WorkshopError(
            "This widget has no title or no metrics.", 'Give both: {"title": ..., "metrics": ...}.'
        )
    with explained():
        body = dashboard_json(cloud)
        same = [w for w in body["widgets"] if w["properties"].get("title") == properties["title"]]
        bottom = max((each.y + each.height for each in widgets(body)), default=0)
        new = {"type": "metric", "x": 0, "y": bottom, "width": COLUMNS, "height": height}
        if not same:
            body["widgets"].append(new)
        (same[0] if same else new)["properties"] = {"region": cloud.region} | properties
        try:
            cloud.client("cloudwatch").put_dashboard(
                DashboardName=cloud.name("dashboard"), DashboardBody=json.dumps(body)
            )
        except ClientError as error:
            if not error.response["Error"]["Code"].startswith("InvalidParameter"):
                raise
            raise WorkshopError(
                f"CloudWatch refuses the widget: {error.response['Error']['Message']}",
                "Correct it, then run this cell again.",
            ) from None
    print(f"✓ “{properties['title']}” is on {cloud.name('dashboard')}.")


def _draw_widget(
    box: Box,
    widget: Widget,
    reader: Reader,
    points: dict[Query, Points],
    states: dict[str, dict[str, Any]],
    now: float,
) -> str:
    start = now - widget.seconds
    match widget.kind:
        case "metric":
            return draw.metric(box, widget, _lines(widget, reader, points, start), start, now)
        case "text":
            return draw.text(box, widget)
        case "alarm":
            return draw.alarm(box, widget, states)
    raise Unsupported(f'widgets of type "{widget.kind}"')


def _read(every: list[Widget], reader: Reader, now: float) -> dict[Query, Points]:
    """Collect the queries of all widgets, and read them in one request."""
    asked: dict[bool, list[Query]] = {True: [], False: []}  # sums of the whole range, and others

    def note(query: Query) -> Points:
        asked[whole].append(query)
        return NO_POINTS

    for each in every:
        if each.kind == "metric":
            with suppress(Unsupported, *_MALFORMED):  # its box shows the reason when it is drawn
                whole = whole_range(each)
                lines(each, reader, note)
    queries = asked[False] + asked[True]
    if not queries:
        return {}
    slow = set(asked[True]) - set(asked[False])
    return reader.fetch(queries, now - max(each.seconds for each in every), now + 1, slow)


def _lines(widget: Widget, reader: Reader, points: dict[Query, Points], start: float) -> list[Line]:
    first = start // 60 * 60 - (0 if whole_range(widget) else 60)

    def fetch(query: Query) -> Points:
        times, values = points.get(query, NO_POINTS)
        return times[times >= first], values[times >= first]

    return lines(widget, reader, fetch)


def _alarm_states(every: list[Widget], cloud: Cloud) -> dict[str, dict[str, Any]]:
    names = [name for each in every if each.kind == "alarm" for name in draw.alarm_names(each)]
    if not names:
        return {}
    answer = cloud.client("cloudwatch").describe_alarms(AlarmNames=names[:100])
    return {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
