"""Beacons of earlier moments, put to the stream as the agent of a server does that was cut off."""

import time
from collections.abc import Sequence
from typing import Any

from assets.agent import access_log
from assets.agent.user_agent import described
from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import HORIZON_SECONDS
from helpers.core.cloud import Cloud
from helpers.generator.beacon import Beacon
from helpers.generator.delayed_delivery import SERVER, log_line
from helpers.generator.journal import NOT_SENT, entry
from helpers.traffic.send_beacon import note

HOST = "203.0.113.7"  # reserved for documentation (RFC 5737)


def put_past_beacons(
    cloud: Cloud, beacons: Sequence[tuple[Beacon, float]], host: str = HOST
) -> list[dict[str, Any]]:
    """Put beacons to the clicks stream now that were requested earlier.

    The agent's own code makes records from their log lines. Each beacon is added to the journal.

    Args:
        cloud: its stream receives the records.
        beacons: up to 500, each with the time of its request, epoch seconds.
        host: the visitor's address.

    Returns:
        The click records.

    Raises:
        NotDeployed: the stream does not exist yet.

    Example:
        `put_past_beacons(cloud, [(Beacon(b"click", b"me", b"/"), time.time() - 600)])`
    """
    now = time.time()
    shipped_at = int(now * 1000)
    records, entries, facts = [], [], []
    for number, (beacon, then) in enumerate(beacons):
        beacon.kind = "late"
        beacon.expect = "too_late" if now - then > HORIZON_SECONDS else "accepted"
        line = log_line(beacon, then, host)
        name = access_log.beacon_id(SERVER, shipped_at, number, line)
        record = described(access_log.click_record(line, name, shipped_at))
        entries.append({"Data": access_log.encode(record, shipped_at), "PartitionKey": name})
        facts.append(entry(beacon, now, 200, beacon_id=name, requested_at=record["requested_at"]))
        records.append(record | {"shipped_at": shipped_at})
    stream = cloud.name("clicks")
    with explained(f"The stream {stream}", "1-capture"):
        answer = cloud.client("kinesis").put_records(StreamName=stream, Records=entries)
    # In the journal only now: the ledger expects every beacon that Kinesis accepted.
    for fact, result in zip(facts, answer["Records"], strict=True):
        note(cloud, fact | {"status": NOT_SENT if "ErrorCode" in result else 200})
    return records
