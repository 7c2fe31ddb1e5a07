"""Puts data into CloudWatch, each once as far as the answers show.

CloudWatch adds up all data and can't detect a repeated call. So a call is retried here only if
CloudWatch certainly did not count it: it was throttled, or the connection failed. A call is never
split here: if one half were counted and the other failed, Lambda would send both again.
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

# botocore would also retry a call after a read timeout, though CloudWatch may have counted it.
_cloudwatch = boto3.client(
    "cloudwatch",
    config=Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=15),
)
_units = set(_cloudwatch.meta.service_model.shape_for("StandardUnit").enum)


class Refused(Exception):
    """CloudWatch refuses a call with an invalid datum, and has counted no datum of it."""


def datum(metric: Metric, statistic: str, dimension: str, bucket: int, total: Sum) -> dict | None:
    """Return a MetricDatum that changes CloudWatch's value by the differences.

    Args:
        metric: its catalog row.
        statistic: `Sum`, `Average` or `Maximum`.
        dimension: the item's dimension value.
        bucket: start of the bucket, epoch seconds.
        total: the sum of the differences.

    Returns:
        The datum; None if there is no difference, or none that CloudWatch can add.
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
        # CloudWatch's Average is Sum / SampleCount, so differences of both keep it exact.
        changed = total.mean()
        if changed is None:
            return None
        sum_, samples = changed
        mean = rounded(float(sum_ / samples))
        values = {"SampleCount": float(samples), "Sum": rounded(float(sum_))}
        return result | {"StatisticValues": values | {"Minimum": mean, "Maximum": mean}}
    difference = rounded(float(total.difference))
    return None if difference == 0 else result | {"Value": difference}


def why_invalid(datum: dict) -> str | None:
    """Return why CloudWatch would refuse a datum; None if it is valid."""
    return problem(datum, _units)


def put(data: list[dict]) -> None:
    """Put data with one call.

    Args:
        data: up to 1,000 MetricDatum, together up to 1 MB (boto3 compresses them).

    Raises:
        Refused: one of them is invalid, so CloudWatch counted none of them.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: the call failed. After
        a timeout or a lost connection, CloudWatch may or may not have counted them.
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
