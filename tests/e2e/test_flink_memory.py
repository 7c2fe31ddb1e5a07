"""The real SQL forgets a beacon_id when the recount does: each copy renews it, also a rejected one.

Flink's memory is made short, and how long ago a copy came is taken from Flink's own clock. So it
does not matter how slow this machine is.
"""

import json
import time
from datetime import timedelta

import pandas as pd
import pytest

from assets.agent.access_log import log_time
from helpers.audit import record_outcomes as balance
from tests.e2e.flink_target import Target

SECONDS, MARGIN = 10, 1
# Which copy Flink took each record for, and when.
SEEN = """INSERT INTO metrics
SELECT
  'seen', shipped_at, beacon_id, copy, CAST(NULL AS DOUBLE), shipped_at, received_at,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP)
FROM copies
"""


@pytest.fixture
def target(emulator, own_home):
    target = Target(emulator, own_home, "memory")
    target.run_controller()
    yield target
    target.delete()
    target.end_controller()


def record(name, number):
    now = int(time.time() * 1000)
    made = {"beacon_id": name, "received_at": now, "shipped_at": number}
    if name == "rejected":
        return made | {"rejected": "unparsable", "line": "x"}
    return made | {
        "datetime": log_time(now / 1000),
        "requested_at": now,
        "request": "GET /beacon HTTP/1.1",
        "response": 200,
    }


def test_flink_and_the_recount_forget_at_the_same_time(target, monkeypatch):
    monkeypatch.setattr(balance, "MEMORY", timedelta(seconds=SECONDS))
    monkeypatch.setattr(balance, "MARGIN", timedelta(seconds=MARGIN))
    names, seen = ("accepted", "rejected"), []
    target.upload("code/seen.zip", {"30_seen.sql": SEEN})
    target.create("code/seen.zip", **{"table.exec.state.ttl": f"{SECONDS} s"})
    target.start()

    def touch():
        number = len(seen) // len(names)
        lines = [json.dumps(record(name, number)).encode() for name in names]
        target.put(lines, list(names))

        def has_rows():
            rows = (row["after"] for row in target.read_metrics())
            seen.extend(row for row in rows if row["MetricType"] == "seen")
            return len(seen) == len(names) * (number + 1)

        target.wait_for(has_rows, "Flink does not see it")

    def wait(seconds):
        last = max(row["EmittedAt"] for row in seen) / 1000
        target.wait_for(lambda: time.time() > last + seconds, "time does not pass")

    def recounted():
        """A row for each record: how Flink and how the recount saw it."""
        frame = pd.DataFrame(
            [(row["MetricItem"], row["EmittedAt"], row["UnitValueInt"]) for row in seen],
            columns=["beacon_id", "shipped_at", "copy"],
        ).astype({"shipped_at": "Int64"})
        is_copy, is_undecided = balance.copies(frame)
        return frame.assign(is_copy=is_copy, is_undecided=is_undecided)

    def renewed():
        """Whether each was a copy for longer than Flink remembers an unused beacon_id."""
        frame = recounted()
        spans = []
        for _, rows in frame.groupby("beacon_id"):
            first = rows[rows["copy"] == 1].iloc[-1]["shipped_at"]
            spans.append(rows.iloc[-1]["shipped_at"] - first)
        return min(spans) > (SECONDS + MARGIN) * 1000

    touch()
    deadline = time.monotonic() + 200
    while not renewed():
        assert time.monotonic() < deadline, recounted()
        wait(SECONDS / 3)
        touch()
    wait(SECONDS + 2 * MARGIN)
    touch()

    frame = recounted()
    decided = frame[~frame["is_undecided"]]
    assert (decided["is_copy"] == (decided["copy"] > 1)).all(), frame
    last = frame.tail(len(names))
    assert set(last["beacon_id"]) == set(names) and (last["copy"] == 1).all(), frame
    assert target.end_controller() == 0
