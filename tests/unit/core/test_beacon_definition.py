"""The server, the agent and every stage use the same definition of a beacon, line by line.

tests/parity tests Apache with the same lines, and tests/e2e/test_flink_job.py the SQL.
"""

import gzip
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from access_log import click_record

from helpers.audit.record_outcomes import archived_outcomes
from helpers.core.beacon_definition import is_beacon_line
from helpers.core.cloud import Cloud
from helpers.generator import duplicates
from helpers.stores.archive import FIELDS, archived_beacons, is_beacon
from tests import beacon_lines
from tests.e2e import flink_reference
from tests.parity import hostile
from tests.running_server import Server, all_of

SENT = beacon_lines.SENT


def test_the_server_answers_200_only_to_requests_that_are_counted(tmp_path):
    server = Server(tmp_path / "access.log")
    try:
        answers = {}
        for line in SENT:
            with server.raw() as client:
                client.sendall(hostile.get(line=line))
                answers[line] = int(all_of(client).split(b" ", 2)[1])
    finally:
        server.end()
    assert answers == SENT
    now = int(time.time() * 1000)
    logged = [click_record(line, "s:1:0:0", now) for line in server.log.read_bytes().splitlines()]
    assert [entry["response"] for entry in logged] == [*SENT.values()]
    counted = [
        is_beacon_line(entry["request"], entry["response"], entry["agent"]) for entry in logged
    ]
    assert counted == [status == 200 for status in SENT.values()]
    assert 10 < sum(counted) < len(SENT) - 40


def records() -> list[tuple[dict, bool]]:
    now = int(time.time() * 1000)
    whole = dict.fromkeys(FIELDS) | {
        "requested_at": now // 1000 * 1000,
        "received_at": now,
        "shipped_at": now,
    }
    del whole["rejected"], whole["line"]
    return [
        (whole | fields | {"beacon_id": f"s:1:{number}:0"}, counted)
        for number, (fields, counted) in enumerate(beacon_lines.stored())
    ]


@pytest.fixture
def cloud(emulator):
    """A cloud with its own archive."""
    cloud = Cloud(emulator.session, emulator.account, uuid.uuid4().hex[:8], emulator.endpoint)
    cloud.client("s3").create_bucket(Bucket=cloud.bucket("archive"))
    return cloud


def test_the_archive_the_ledger_the_generator_and_the_reference_agree(cloud):
    table = records()
    wanted = [record["beacon_id"] for record, counted in table if counted]
    assert 10 < len(wanted) < len(table) - 60
    named = {
        "generator": [row["beacon_id"] for row, _ in table if duplicates.is_beacon(row)],
        "reference": [row["beacon_id"] for row, _ in table if flink_reference.is_beacon(row)],
    }
    key = datetime.now(UTC).strftime("beacons/year=%Y/month=%m/day=%d/hour=%H/one.gz")
    body = "".join(json.dumps(record) + "\n" for record, _ in table).encode()
    cloud.client("s3").put_object(Bucket=cloud.bucket("archive"), Key=key, Body=gzip.compress(body))
    frame = archived_beacons(cloud)
    assert len(frame) == len(table)
    named["archive"] = list(frame[is_beacon(frame)]["beacon_id"])
    outcomes = archived_outcomes(cloud, datetime.now(UTC) - timedelta(hours=1))
    assert set(outcomes["outcome"]) == {"accepted"}
    named["ledger"] = list(outcomes["beacon_id"])
    assert named == dict.fromkeys(named, wanted)
