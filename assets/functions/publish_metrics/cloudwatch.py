"""Put data into CloudWatch, each once as far as that can be known.

CloudWatch adds up what it is given and has no way to say "this is the same again". So a call is
repeated here only when CloudWatch certainly did not count it: it was throttled, or never connected.
And a call is never split here: where one half is counted and the other one fails, the batch comes
again with both.
"""

import os
import random
import time
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)
from catalog import Metric
from changes import Sum
from limits import problem, rounded

NAMESPACE = "RealtimeWebAnalytics"
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.1
NOT_COUNTED = {"LimitExceeded", "LimitExceededException", "RequestLimitExceeded", "Throttling",
               "ThrottlingException", "TooManyRequestsException"}  # fmt: skip
INVALID = ("InvalidParameter", "MissingParameter", "MissingRequiredParameter", "ValidationE")

# botocore would also repeat what timed out after it was sent, and CloudWatch may have counted it.
_cloudwatch = boto3.client(
    "cloudwatch",
    config=Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=15),
)
_units = set(_cloudwatch.meta.service_model.shape_for("StandardUnit").enum)


class Refused(Exception):
    """CloudWatch finds a datum of the call invalid, and has counted none of the call."""


def datum(metric: Metric, statistic: str, dimension: str, bucket: int, total: Sum) -> dict | None:
    """Return a MetricDatum that changes CloudWatch's sum by what was added up.

    Args:
        metric: its catalog row.
        statistic: `Sum`, `Average` or `Maximum`.
        dimension: the item's dimension value.
        bucket: start of the bucket, epoch seconds.
        total: the differences.

    Returns:
        The datum; None if CloudWatch need not, or cannot, be told.
    """
    result = {
        "MetricName": metric.name,
        "Dimensions": [
            {"Name": "Stack", "Value": os.environ["PREFIX"]},
            {"Name": "Item", "Value": dimension},
        ],
        "Timestamp": datetime.fromtimestamp(bucket, UTC),
        "StorageResolution": 1,
        "Unit": metric.unit if metric.unit in _units else "None",
    }
    if statistic == "Maximum":
        return result | {"Value": rounded(float(total.maximum or 0))}
    if statistic == "Average":
        # CloudWatch's Average is Sum / SampleCount: differences of both keep it exact. A mean that
        # changed with no beacon more has no such difference (SampleCount must be positive).
        if total.samples <= 0:
            return None
        mean = rounded(float(total.total / total.samples))
        values = {"SampleCount": float(total.samples), "Sum": rounded(float(total.total))}
        return result | {"StatisticValues": values | {"Minimum": mean, "Maximum": mean}}
    difference = rounded(float(total.difference))
    return None if difference == 0 else result | {"Value": difference}


def why_invalid(datum: dict) -> str | None:
    """Return why CloudWatch would refuse a datum; None if it would take it."""
    return problem(datum, _units)


def put(data: list[dict]) -> None:
    """Put data with one call.

    Args:
        data: up to 1,000 MetricDatum, together up to 1 MB (boto3 compresses them).

    Raises:
        Refused: CloudWatch finds one of them invalid, so none of them is counted.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: CloudWatch did not take
        them. After a timeout or a lost connection nobody can tell whether it counted them.
    """
    for attempt in range(ATTEMPTS):
        try:
            _cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
            return
        except ParamValidationError as error:
            raise Refused(str(error)) from None
        except (ConnectTimeoutError, EndpointConnectionError):
            if attempt == ATTEMPTS - 1:
                raise
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code.startswith(INVALID):
                raise Refused(str(error)) from None
            if code not in NOT_COUNTED or attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))
