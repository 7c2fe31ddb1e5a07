"""Logs in S3 are downloaded, then read like files."""

import gzip

import pytest

from helpers.core.errors import WorkshopError
from helpers.generator.logs.files import find_logs
from helpers.traffic import s3_logs

LINE = '192.0.2.7 - - [25/Nov/2026:00:{}:00 +0000] "GET /{} HTTP/1.1" 200 5\n'


def test_the_objects_below_an_address_are_replayed_in_the_order_of_their_times(emulator, own_home):
    own_home.mkdir()
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="someones-logs")
    for key, minute in {"a/2.log.gz": 20, "a/x/1.log.gz": 10, "b/3.log.gz": 30}.items():
        body = gzip.compress(LINE.format(minute, minute).encode())
        s3.put_object(Bucket="someones-logs", Key=key, Body=body)
    s3.put_object(Bucket="someones-logs", Key="a/", Body=b"")
    for _ in range(2):
        logs = find_logs(s3_logs.download(emulator, "s3://someones-logs/a/"))
        assert [log.begins % 3600 for log in logs] == [600, 1200]
    with pytest.raises(WorkshopError, match="no object at s3://someones-logs/c"):
        s3_logs.download(emulator, "s3://someones-logs/c")
    with pytest.raises(WorkshopError, match="no object at s3://no-such-bucket/"):
        s3_logs.download(emulator, "s3://no-such-bucket/")
