"""Loads the Lambda functions as Lambda does: each container imports its own modules."""

import base64
import importlib
import json
import sys
import uuid
from types import SimpleNamespace

import boto3

from helpers.core.cloud import Cloud
from helpers.core.paths import REPOSITORY


def own_tables(emulator: Cloud, monkeypatch) -> Cloud:
    """Create the tables with a new prefix, and set the functions' environment to them."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    cloud = Cloud(emulator.session, emulator.account, prefix, emulator.endpoint)
    dynamodb = cloud.client("dynamodb")
    tables = {
        "Metrics": ["MetricType"],
        "MetricDetails": ["MetricType", "Bucket"],
        "Published": ["Name"],
    }
    for table, keys in tables.items():
        stream = {"StreamEnabled": table == "MetricDetails"}
        if stream["StreamEnabled"]:
            stream["StreamViewType"] = "NEW_AND_OLD_IMAGES"
        dynamodb.create_table(
            TableName=cloud.name(table),
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=stream,
        )
    for name, value in cloud.child_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFIX", cloud.prefix)
    monkeypatch.setenv("DETAILS_TABLE", cloud.name("MetricDetails"))
    monkeypatch.setenv("CATALOG_TABLE", cloud.name("Metrics"))
    monkeypatch.setenv("PUBLISHED_TABLE", cloud.name("Published"))
    return cloud


def container(function: str) -> SimpleNamespace:
    """Import a function's modules again, as a new container does; two calls share no state.

    Returns:
        Its modules by name, e.g. `.handler`, `.rows`, and its handler as `.run`.
    """
    folder = REPOSITORY / "assets" / "functions" / function
    names = [path.stem for path in folder.glob("*.py")]
    before = {name: sys.modules.pop(name, None) for name in names}
    # boto3 keeps the credentials of its first client, which may be those of another emulator.
    session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
    sys.path.insert(0, str(folder))
    try:
        modules = {name: importlib.import_module(name) for name in names}
    finally:
        boto3.DEFAULT_SESSION = session
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
            if before[name] is not None:
                sys.modules[name] = before[name]
    return SimpleNamespace(run=modules["handler"].handler, **modules)


def row(samples=7, item="/cart", bucket=1795500000, metric="top_pages", **fields) -> dict:
    """Return a metric row as Flink writes it; a count unless `UnitValueFloat` is given."""
    return {
        "MetricType": metric,
        "EventTimestamp": bucket,
        "MetricItem": item,
        "UnitValueInt": None if "UnitValueFloat" in fields else samples,
        "UnitValueFloat": None,
        "Samples": samples,
        "NewestBeacon": 1795500000123,
        "EmittedAt": 1795500001456,
    } | fields


def image(item: str, samples: int, bucket: int, **fields) -> dict:
    """Return a row's image in the table's stream; a count unless `UnitValueFloat` is given."""
    if "UnitValueFloat" not in fields:
        fields = {"UnitValueInt": {"N": str(samples)}} | fields
    return {
        "MetricType": {"S": "top_pages"},
        "MetricItem": {"S": item},
        "EventTimestamp": {"N": str(bucket)},
        "Samples": {"N": str(samples)},
    } | fields


FIRST_NUMBER = 49590338271490256608559692538361571095921575989136588800


def kinesis_event(rows: list) -> dict:
    """Return a batch as Lambda passes it, of rows (dict) or raw data (bytes)."""
    records = []
    for number, data in enumerate(rows, FIRST_NUMBER):
        if not isinstance(data, bytes):
            data = json.dumps({"before": None, "after": data, "op": "c"}).encode()
        data = base64.b64encode(data).decode()
        records.append({"kinesis": {"data": data, "sequenceNumber": str(number)}})
    return {"Records": records}


def stored(cloud: Cloud) -> dict[tuple[str, str], dict]:
    """Return all rows of the details table by key, with Python's numbers."""
    items = cloud.client("dynamodb").scan(TableName=cloud.name("MetricDetails"))["Items"]
    plain = [
        {k: v["S"] if "S" in v else float(v["N"]) if "." in v["N"] or "E" in v["N"] else int(v["N"])
         for k, v in item.items()}
        for item in items
    ]  # fmt: skip
    return {(item["MetricType"], item["Bucket"]): item for item in plain}


def changes(cloud: Cloud) -> list[dict]:
    """Return all records of the details table's stream, oldest first."""
    streams = cloud.client("dynamodbstreams")
    arn = streams.list_streams(TableName=cloud.name("MetricDetails"))["Streams"][0]["StreamArn"]
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator, Limit=1000)
            records += page["Records"]
            iterator = page.get("NextShardIterator") if page["Records"] else None
    # Lambda passes JSON, in which a time is a number.
    for record in records:
        at = record["dynamodb"]["ApproximateCreationDateTime"]
        record["dynamodb"]["ApproximateCreationDateTime"] = at.timestamp()
    return records


def put_catalog(cloud: Cloud, metric: str = "top_pages", **fields) -> None:
    """Put a metric's catalog row; by default a count with the statistic Sum and 20 items."""
    item = {
        "MetricType": {"S": metric},
        "Unit": {"S": fields.get("Unit", "Count")},
        "Statistic": {"S": fields.get("Statistic", "Sum")},
        "MaxItems": {"N": str(fields.get("MaxItems", 20))},
        "BucketSeconds": {"N": "10"},
        "IsWholeNumber": {"BOOL": fields.get("IsWholeNumber", True)},
        "Title": {"S": metric},
        "LatestEventTimestamp": {"N": "0"},
    }
    cloud.client("dynamodb").put_item(TableName=cloud.name("Metrics"), Item=item)


def catalog_row(cloud: Cloud, metric: str = "top_pages") -> dict:
    """Return a metric's catalog row as DynamoDB returns it."""
    return cloud.client("dynamodb").get_item(
        TableName=cloud.name("Metrics"), Key={"MetricType": {"S": metric}}
    )["Item"]


def marks(cloud: Cloud) -> dict[str, dict]:
    """Return publish_metrics' marks: metrics -> DynamoDB's value."""
    answer = cloud.client("dynamodb").get_item(
        TableName=cloud.name("Published"), Key={"Name": {"S": "published"}}
    )
    item = answer.get("Item", {})
    return {name.removeprefix("m:"): mark["M"] for name, mark in item.items() if name != "Name"}


def printed(capsys) -> list[dict]:
    """Return the JSON lines that were printed since the last call."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def put_datum(cloud, metric, item, at, **value):
    """Put a datum into CloudWatch as publish_metrics does."""
    dimensions = [{"Name": "Stack", "Value": cloud.prefix}, {"Name": "Item", "Value": item}]
    datum = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at}
    datum |= {"StorageResolution": 1, "Unit": "Count"} | value
    cloud.client("cloudwatch").put_metric_data(Namespace="RealtimeWebAnalytics", MetricData=[datum])
