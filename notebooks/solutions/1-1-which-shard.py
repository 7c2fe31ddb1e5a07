# ruff: noqa: F821
# Return the number of the shard for a partition key, of a stream of four shards.
# `check` and `cloud` come from the notebook.
import hashlib


def shard_of(key):
    number = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
    # Each shard has an equal range of the hashes, not every fourth hash.
    return number // (2**128 // 4)


check.exercise(cloud, "1-1", shard_of)
