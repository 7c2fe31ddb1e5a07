"""Late beacons and duplicates, with foreign records in the stream."""

import json
import random

from helpers.generator.clicks_stream import ClicksStream
from helpers.generator.delayed_delivery import DelayedDelivery
from helpers.generator.settings import DEFAULTS
from helpers.generator.shop import Shop
from tests.catcher import until

FOREIGN = [
    b"",
    b"no JSON",
    b"[]",
    b"7",
    b'{"hello": 1}',
    b'{"beacon_id": 1}',
    b'{"beacon_id": "x"}',
]


class Stream:
    """One shard whose reader finds foreign records; it keeps what is put."""

    def __init__(self):
        self.put, self.reads = [], 0

    def list_shards(self, **_):
        return {"Shards": [{"ShardId": "0"}]}

    def get_shard_iterator(self, **_):
        return {"ShardIterator": "0"}

    def get_records(self, **_):
        self.reads += 1
        return {"NextShardIterator": "0", "Records": [{"Data": data} for data in FOREIGN]}

    def put_records(self, Records, **_):  # noqa: N803 - boto3's name
        self.put += [json.loads(each["Data"]) for each in Records]
        return {"Records": [{} for _ in Records]}


def test_foreign_records_do_not_keep_late_beacons_from_being_sent():
    shop, stream, noted = Shop(random.Random(1)), Stream(), []
    shop.set_mix(DEFAULTS["mix"])
    clicks = ClicksStream(lambda: stream, "clicks", noted.append)
    delayed = DelayedDelivery(clicks)
    delayed.duplicates.enabled = True
    delayed.duplicates.request(5)
    until(lambda: stream.reads >= 2)
    delayed.late.add(shop.beacon(visitors=5, bots=0))
    delayed.close(60)
    assert clicks.problem is None
    assert [entry["status"] for entry in noted] == [200] and len(stream.put) == 1
