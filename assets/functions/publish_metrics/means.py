"""Computes what must be put so that CloudWatch's mean changes to another one.

CloudWatch's mean is Sum / SampleCount of all that was put. It can add samples and remove none. So
if a corrected mean has no more beacons than the wrong one, the right beacons are put again, until
the number is positive: CloudWatch's mean is right then, and has a multiple of its beacons.
"""

from decimal import Decimal
from typing import TypeVar

CLOSE = 10**9  # one part of so many is a rounding error
N = TypeVar("N", Decimal, float)


def to_put(difference: tuple[N, N], right: tuple[N, N]) -> tuple[N, N] | None:
    """Return the sum and the number of samples to put.

    Args:
        difference: the right sum and number of beacons, less those that CloudWatch has.
        right: the right sum and number of beacons.

    Returns:
        None if the mean is right already (a sum of floats depends on its order), or if no beacon is
        left.

    Example:
        >>> to_put((3.0, 1.0), (21.0, 7.0))
        (3.0, 1.0)
        >>> to_put((2.0 - 21.0, 2.0 - 7.0), (2.0, 2.0))  # CloudWatch then has 8 s of 8 beacons
        (-13.0, 1.0)
    """
    (total, samples), (right_total, right_samples) = difference, right
    if samples > 0:
        return difference
    if right_samples <= 0:
        return None
    # Both means, times the product of their numbers of beacons.
    right_mean = right_total * (right_samples - samples)
    former_mean = (right_total - total) * right_samples
    if abs(right_mean - former_mean) * CLOSE <= abs(right_mean):
        return None
    times = -samples // right_samples + 1
    return total + times * right_total, samples + times * right_samples
