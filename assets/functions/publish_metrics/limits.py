"""CloudWatch's limits: finds an invalid datum before it is put.

CloudWatch refuses a whole call for one invalid datum. Its data are then put in several calls, of
which some may be counted and others fail. So no invalid datum is sent.
Limits: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html,
API_Dimension.html and API_PutMetricData.html there.
"""

import math
from typing import Any

# AWS' documentation had 8.515920e-109 to 1.174271e+108 earlier, and today has -2^360 to 2^360.
# These are within both.
LARGEST, SMALLEST = 1.174271e108, 8.515920e-109
# The limit of one row, so that the differences of a call's 500 changes together are below LARGEST.
# process_metrics stores no larger one.
LARGEST_OF_A_ROW = 1e100
# Both minus five minutes for the call.
OLDEST_SECONDS = 14 * 86400 - 300
NEWEST_SECONDS = 2 * 3600 - 300
MOST_VALUES, MOST_DIMENSIONS, NAME_CHARACTERS, VALUE_CHARACTERS = 150, 30, 255, 1024


def is_timely(bucket: int, now: float) -> bool:
    """Return whether CloudWatch accepts this time: from two weeks ago to two hours ahead.

    Args:
        bucket: start of the bucket, epoch seconds.
        now: epoch seconds.
    """
    return now - OLDEST_SECONDS < bucket < now + NEWEST_SECONDS


def rounded(number: float) -> float:
    """Return 0 for a number that is too close to 0 for CloudWatch, else the number.

    Example:
        >>> rounded(1e-200), rounded(-0.5)
        (0.0, -0.5)
    """
    return 0.0 if abs(number) < SMALLEST else number


def problem(datum: dict[str, Any], units: set[str]) -> str | None:
    """Return why CloudWatch would refuse a datum; None if it is valid.

    Args:
        datum: a MetricDatum.
        units: CloudWatch's units.
    """
    dimensions = datum["Dimensions"]
    names = [datum["MetricName"], *(each["Name"] for each in dimensions)]
    if not all(_is_text(name, NAME_CHARACTERS) and name[0] != ":" for name in names):
        return "a name is not 1 to 255 printable ASCII characters, or begins with a colon"
    if not all(_is_text(each["Value"], VALUE_CHARACTERS) for each in dimensions):
        return "a dimension's value is not 1 to 1,024 printable ASCII characters"
    if len(dimensions) > MOST_DIMENSIONS:
        return f"more than {MOST_DIMENSIONS} dimensions"
    if datum["Unit"] not in units or datum["StorageResolution"] not in (1, 60):
        return "the unit or the storage resolution is not one of CloudWatch's"
    return _problem_of_numbers(datum)


def _problem_of_numbers(datum: dict[str, Any]) -> str | None:
    statistics = datum.get("StatisticValues", {})
    values, counts = datum.get("Values", []), datum.get("Counts", [])
    numbers = [*statistics.values(), *values, *counts]
    numbers += [datum["Value"]] if "Value" in datum else []
    if not numbers or len(values) > MOST_VALUES or len(values) != len(counts):
        return f"no value, more than {MOST_VALUES} values, or not a count for each value"
    if not all(_is_number(number) for number in numbers):
        return f"a number is neither 0 nor from {SMALLEST} to {LARGEST}"
    if statistics and not statistics["SampleCount"] > 0:
        return "SampleCount is not above 0"
    if statistics and statistics["Minimum"] > statistics["Maximum"]:
        return "Minimum is above Maximum"
    return None if all(count > 0 for count in counts) else "a count is not above 0"


def _is_text(text: str, most: int) -> bool:
    printable = text.isascii() and text.isprintable()
    return printable and bool(text.strip()) and len(text) <= most


def _is_number(number: float) -> bool:
    return math.isfinite(number) and (number == 0 or SMALLEST <= abs(number) <= LARGEST)
