"""The exercises of module 6: what a stream costs a month, and how long a crowd's beacons wait."""

import math
from collections.abc import Callable
from typing import Any

from helpers.planning.prices import HOURS_PER_MONTH, price_list

from .exercise import Exercise, NotYet, result_of

PUT_BYTES = 25_000  # a PUT payload unit: https://aws.amazon.com/kinesis/data-streams/pricing/
# Beacons a second, bytes of a record, shards.
STREAMS = ((20, 700, 1), (1_000, 700, 2), (100, 30_000, 4), (100, 25_000, 4), (0, 700, 3))


def stream_dollars(
    rate: float, record_bytes: float, shards: int, hours: float = HOURS_PER_MONTH
) -> float:
    """Return what a provisioned stream costs a month, in dollars.

    Args:
        rate: records a second.
        record_bytes: of a record.
        shards: of the stream.
        hours: of the month.

    Example:
        >>> round(stream_dollars(20, 700, 1), 2)
        11.69
    """
    prices = price_list()["prices"]
    puts = rate * hours * 3600 * math.ceil(record_bytes / PUT_BYTES) / 1e6
    return shards * hours * prices["shard"]["dollars"] + puts * prices["million puts"]["dollars"]


def check_stream_dollars(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from a rate, a record's size and shards to dollars a month."""
    found = [result_of(work, *stream) for stream in STREAMS]
    if not all(isinstance(dollars, int | float) for dollars in found):
        raise NotYet(f"It returns {found[0]!r:.40}, which is no number.")

    def is_like(compute: Callable[..., float]) -> bool:
        return all(
            math.isclose(dollars, compute(*stream), rel_tol=0.01, abs_tol=0.005)
            for dollars, stream in zip(found, STREAMS, strict=True)
        )

    if is_like(stream_dollars):
        return f"{len(STREAMS)} streams have the right price"
    sentences: tuple[tuple[Callable[..., float], str], ...] = (
        (lambda r, b, s: stream_dollars(r, b, 0), "The hours of the shards are missing."),
        (lambda r, b, s: stream_dollars(0, b, s), "The puts are missing."),
        (lambda r, b, s: stream_dollars(r, 1, s), "A record of 30 KB is billed as two units."),
        (
            lambda r, b, s: stream_dollars(r * b / PUT_BYTES, 1, s),
            "A small record is billed as a whole unit of 25 KB.",
        ),
        (
            lambda r, b, s: stream_dollars(r, b, s, hours=720),
            "A month has 730 hours here: a year's hours, divided by twelve.",
        ),
    )
    for compute, sentence in sentences:
        if is_like(compute):
            raise NotYet(sentence)
    pairs = zip(found, STREAMS, strict=True)
    dollars, stream = next(
        (dollars, stream)
        for dollars, stream in pairs
        if not math.isclose(dollars, stream_dollars(*stream), rel_tol=0.01, abs_tol=0.005)
    )
    much = "more" if dollars > stream_dollars(*stream) else "less"
    raise NotYet(f"For {stream[0]} records a second of {stream[1]} bytes and {stream[2]} shards, "
                 f"${dollars:,.2f} is {much} than AWS bills.")  # fmt: skip


# Usual rate, the crowd's rate, its length in seconds, what the stream accepts a second.
CROWDS = (
    (20, 200, 60, 1_000),
    (1_000, 3_000, 360, 2_000),
    (1_300, 13_000, 360, 3_000),
    (500, 2_000, 600, 1_250),
    (2_000, 3_000, 60, 2_000),
)


def backlog_seconds(usual: float, crowd: float, seconds: float, capacity: float) -> float:
    """Return how long beacons wait after a crowd, until the stream has accepted all of them.

    Args:
        usual: beacons a second before and after the crowd.
        crowd: beacons a second of the crowd.
        seconds: its length.
        capacity: beacons that the stream accepts a second.

    Returns:
        Seconds from the crowd's end; infinite if the backlog never ends.

    Example:
        >>> backlog_seconds(1_000, 3_000, 360, 2_000)
        360.0
    """
    waiting = max(0.0, (crowd - capacity) * seconds)
    if not waiting:
        return 0.0
    return waiting / (capacity - usual) if capacity > usual else math.inf


def check_backlog(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from a crowd to the seconds until its backlog has ended."""
    for usual, crowd, seconds, capacity in CROWDS:
        found = result_of(work, usual, crowd, seconds, capacity)
        right = backlog_seconds(usual, crowd, seconds, capacity)
        if not isinstance(found, int | float):
            raise NotYet(f"It returns {found!r:.40}, which is no number of seconds.")
        if math.isclose(found, right, rel_tol=0.01):
            continue
        case = (f"Usually {usual:,} a second, in the crowd {crowd:,} for {seconds:,} s, with a "
                f"capacity of {capacity:,}")  # fmt: skip
        waiting = (crowd - capacity) * seconds
        if found < 0:
            raise NotYet(f"{case}: it returns {found:g}. No beacon waits a negative time.")
        if right == math.inf:
            raise NotYet(f"{case}: when does this backlog end?")
        if math.isclose(found, waiting):
            raise NotYet(f"{case}: {waiting:,} beacons wait then. How fast do they get fewer?")
        if math.isclose(found, waiting / capacity, rel_tol=0.01):
            raise NotYet(f"{case}: new beacons keep arriving while the others wait.")
        raise NotYet(f"{case}: it is not {found:,.0f} s.")
    return f"{len(CROWDS)} crowds have the right backlog"


EXERCISES = (
    Exercise("6-1", "What does a stream cost?", check_stream_dollars),
    Exercise("6-2", "How long do beacons wait?", check_backlog),
)
