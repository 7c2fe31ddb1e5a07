"""The exercises of module 1: which shard is hot, and how many shards a site needs."""

import hashlib
import math
from typing import Any

from helpers.planning.limits import SHARD_BYTES, SHARD_RECORDS

from .exercise import Exercise, NotYet, result_of

SHARDS = 4
HASHES = 2**128  # a partition key's MD5 is one of so many numbers
KEYS = ("me", "fleet-1", "fleet-2", "", "東京", "a" * 256, *(f"visitor-{n}" for n in range(200)))


def shard_of(key: str, shards: int = SHARDS) -> int:
    """Return the number of the shard to which Kinesis puts a record.

    Each shard has an equal part of the hash keys, in their order.
    https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key

    Args:
        key: the record's PartitionKey.
        shards: of a stream that was not resharded.

    Example:
        >>> shard_of("me")
        2
    """
    number = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")
    return number * shards // HASHES


def shards_needed(rate: float, record_bytes: float, factor: float = 2) -> int:
    """Return the number of shards for a site, with room for a rise.

    Args:
        rate: beacons a second, usually.
        record_bytes: of a beacon.
        factor: of the usual rate that must be possible.

    Example:
        >>> shards_needed(700, 500), shards_needed(700, 2_000)
        (2, 3)
    """
    most = rate * factor
    return max(1, math.ceil(most / SHARD_RECORDS), math.ceil(most * record_bytes / SHARD_BYTES))


def check_shard_of(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from a partition key to the number of a shard, of four."""
    found = {key: result_of(work, key) for key in KEYS}
    for key, shard in found.items():
        if isinstance(shard, bool) or not isinstance(shard, int):
            raise NotYet(f"For {key!r:.40} it returns {shard!r:.40}, which is no whole number.")
        if not 0 <= shard < SHARDS:
            raise NotYet(f"For {key!r:.40} it returns {shard}: the shards are 0 to {SHARDS - 1}.")
    right = {key: shard_of(key) for key in KEYS}
    if found == right:
        return f"each of {len(KEYS)} keys is in its shard"
    if found == {key: int(hashlib.md5(key.encode()).hexdigest(), 16) % SHARDS for key in KEYS}:
        raise NotYet(
            "It distributes the keys by the remainder. A shard has a range of hash keys instead: "
            "the first shard has the smallest ones."
        )
    if found != {key: result_of(work, key) for key in KEYS} or found == {
        key: hash(key) % SHARDS for key in KEYS
    }:
        raise NotYet("Python's hash() is another number in each process. Kinesis uses MD5.")
    wrong = [key for key in KEYS if found[key] != right[key]]
    raise NotYet(f"{len(wrong)} of {len(KEYS)} keys are in another shard, e.g. {wrong[0]!r:.40}.")


SITES = ((20, 700), (600, 700), (900, 700), (1_500, 300), (400, 4_000), (2_000, 700), (0.5, 200))


def check_shards_needed(work: Any) -> str:  # noqa: ANN401 - whatever a learner passes
    """Check a function from a site's rate and record size to the number of shards."""
    found = {site: result_of(work, *site) for site in SITES}
    if found == {site: shards_needed(*site) for site in SITES}:
        return f"{len(SITES)} sites have as many shards as they need"
    if any(number < 1 for number in found.values()):
        raise NotYet("It returns less than one shard for a small site. A stream has at least one.")
    if found == {site: shards_needed(site[0], site[1], 1) for site in SITES}:
        raise NotYet("It is enough for the usual traffic. The task asks for twice as much.")
    if found == {site: math.ceil(site[0] * 2 / SHARD_RECORDS) for site in SITES}:
        raise NotYet("It limits the records a second only. A shard has a second limit.")
    for site, number in found.items():
        if number != math.ceil(number):
            raise NotYet(f"For {site} it returns {number}: no stream has a part of a shard.")
        if number != shards_needed(*site):
            much = "more than" if number > shards_needed(*site) else "not"
            raise NotYet(f"For {site[0]:g} beacons a second of {site[1]} bytes, {number:g} shards "
                         f"are {much} enough.")  # fmt: skip
    raise AssertionError("a difference without a sentence")


EXERCISES = (
    Exercise("1-1", "Which shard?", check_shard_of),
    Exercise("1-2", "How many shards?", check_shards_needed),
)
