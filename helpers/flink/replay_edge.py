"""Where a replay begins: from when on it reads, and from which bucket on its values are sent.

A replay starts changed SQL without the state of the former SQL. Everything follows from four
facts about a record: q is when its request came, S its stamp (`shipped_at`), P when the stream had
it, and X the moment until which the former job had counted all that was in the stream.

1. It amends a bucket only if S - q <= HORIZON (04_firsts.sql; older ones are too_late).
2. P - S <= LONGEST_PUT_SECONDS (assets/agent/shipping.py).
3. The former job has not counted it: P >= X.
4. So q >= X - HORIZON - LONGEST_PUT_SECONDS: no bucket that begins earlier can change any more.

`first_bucket` is that moment, with MARGIN in the place of the longest put, rounded down to where
buckets of every length begin: q is on its right side exactly if q's bucket is. Buckets before it
are finished, and the replay leaves their values alone. All later ones are counted again, so the
replay must read every beacon in them: their records came at P >= q, those of the hour before them
are needed for the first sums of hourly_events (LOOK_BACK), and a server's clock may differ from
the stream's (MARGIN once more). That is `reading_start`.

MARGIN is larger than the longest put by what else may pass: clocks that differ, 10 s for which
hourly.py gathers amendments, the time between counting and sending.
"""

from helpers.core.beacon_definition import HORIZON_SECONDS

LOOK_BACK_SECONDS = 3600
MARGIN_SECONDS = 600
LONGEST_BUCKET_SECONDS = 60


def first_bucket(counted_until: float) -> int:
    """Return the first bucket (epoch seconds) of which a replay sends values.

    Args:
        counted_until: all that was in the stream before it has been counted; epoch seconds.

    Example:
        >>> first_bucket(1_795_500_059.5)
        1795495800
    """
    edge = int(counted_until - HORIZON_SECONDS - MARGIN_SECONDS)
    return edge // LONGEST_BUCKET_SECONDS * LONGEST_BUCKET_SECONDS


def reading_start(first: int) -> int:
    """Return from when on (epoch seconds) a replay reads the stream.

    Args:
        first: the first bucket of which it sends values.

    Example:
        >>> reading_start(1_795_495_800)
        1795491600
    """
    return first - LOOK_BACK_SECONDS - MARGIN_SECONDS


def bucket_of_reading(start: float) -> int:
    """Return the first bucket (epoch seconds) of which a replay sends values, from its start.

    Args:
        start: from when on the replay reads the stream, epoch seconds.

    Example:
        >>> bucket_of_reading(1_795_491_600)
        1795495800
    """
    return int(start) + LOOK_BACK_SECONDS + MARGIN_SECONDS
