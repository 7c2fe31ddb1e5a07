"""A dashboard and its metrics, put into the emulator's CloudWatch."""

import json
import time

SEARCH = "SEARCH('{RealtimeWebAnalytics,Stack,Item} MetricName=\"%s\" Stack=\"board\"', 'Sum', 10)"


def put(cloud, name, items, buckets=6):
    start = int(time.time() // 10 * 10)
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Stack", "Value": "board"}, {"Name": "Item", "Value": item}],
            "Timestamp": start - 10 * back,
            "Value": value,
            "StorageResolution": 1,
        }
        for item, value in items.items()
        for back in range(1, buckets + 1)
    ]
    cloud.client("cloudwatch").put_metric_data(Namespace="RealtimeWebAnalytics", MetricData=data)


def define(cloud, *found):
    body = {"start": "-PT15M", "widgets": list(found)}
    cloud.client("cloudwatch").put_dashboard(
        DashboardName="board-dashboard", DashboardBody=json.dumps(body)
    )


def metric(y=0, **properties):
    known = {"title": "Pages", "stat": "Sum", "period": 10}
    return {
        "type": "metric",
        "x": 0,
        "y": y,
        "width": 12,
        "height": 6,
        "properties": known | properties,
    }


def words(picture):
    return [text.get_text() for text in picture.texts]
