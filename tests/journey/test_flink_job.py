"""The real controller runs the real job: what comes out is compared with a recomputation."""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from helpers.home import read_json
from tests.journey.flink_reference import expected, records, stamp
from tests.journey.flink_target import Target, java_free_path, newest

# None of these may stop the job or change a number.
GARBAGE = [
    b'{"broken":',
    b"[]",
    b"[1, 2]",
    b"null",
    b'"text"',
    b"{}",
    b"\x00\xff\xfe",
    b"",
    b"\n\n",
    b'{"beacon_id": {"a": 1}, "shipped_at": "soon"}',
    b'{"beacon_id": "g1", "shipped_at": 1e400, "request": ["GET /beacon "]}',
    b'{"beacon_id": "g2", "shipped_at": 99999999999999999999999, "response": true}',
    b"[" * 5000,
    b'{"beacon_id": "g3", "page": "' + b"x" * 900_000 + b'"}',
]
# 127.0.0.1, and the same as an IPv6 socket sees it.
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
WRONG = "INSERT INTO metrics\nSELECT colour FROM beacons\n"
MEAN = """-- What a learner adds: one file.
INSERT INTO metrics
SELECT
  'avg_pg_ld', bucket, 'All Pages', CAST(NULL AS BIGINT),
  AVG(CAST(custom_metric_int_value AS DOUBLE)), COUNT(*), MAX(received_at),
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP)
FROM beacons
WHERE custom_metric_name = 'page_load_time'
GROUP BY bucket
"""


@pytest.fixture
def target(emulator, tmp_path, own_home):
    target = Target(emulator, own_home, "job", shards=2)
    target.run_controller(path=java_free_path(tmp_path / "bin"))
    yield target
    target.delete()
    target.end_controller()
    assert not processes(own_home), "nothing of ours may be left running"


def processes(home) -> list[str]:
    """Return the command lines of all processes that mention a folder: the job and its JVM."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


def open_ports(group: int) -> list[str]:
    """Return the addresses (hexadecimal, as Linux writes them) where a process group listens."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(process.name)) == group:
                inodes |= {str(link.readlink()) for link in process.glob("fd/*")}
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.append(fields[1].split(":")[0])
    return found


def put(target: Target, clicks: list[dict], firsts: dict[str, int], delay: float = 0) -> None:
    """Put records as the agent does, stamped now, keyed by their beacon_ids; and garbage.

    Args:
        target: whose stream.
        clicks: the records.
        firsts: the stamps of all that was put.
        delay: how long ago they are stamped, seconds.
    """
    stamp(clicks, time.time() - delay, firsts)
    lines = [json.dumps(click, ensure_ascii=False).encode() + b"\n" for click in clicks]
    keys = [click["beacon_id"] for click in clicks]
    target.put(lines + GARBAGE, keys + [str(n) for n in range(len(GARBAGE))])


def settle(target: Target, rows: list[dict], wanted: dict) -> None:
    """Read the metrics stream until it says what is wanted; then a little more, for what is not."""

    def arrived() -> bool:
        # Scores have a test of their own: what they are depends on when beacons came.
        new = target.read_metrics()
        rows.extend(row for row in new if row["after"]["MetricType"] != "event_anomaly")
        return newest(rows) == wanted

    try:
        target.wait_for(arrived, 300, "the metrics are not what they should be")
        time.sleep(2)
        assert arrived()
    except AssertionError:
        found = newest(rows)
        wrong = [key for key in wanted | found if wanted.get(key) != found.get(key)]
        print(f"{len(wrong)} of {len(wanted)} rows are wrong, as (wanted, found):")
        print(*((key, wanted.get(key), found.get(key)) for key in wrong[:10]), sep="\n")
        raise


def without(metric: str, rows: dict, before: int = 2**60) -> dict:
    """Return the rows but for those of one metric whose buckets begin before a moment."""
    return {key: row for key, row in rows.items() if key[0] != metric or key[1] >= before}


def test_every_metric_is_exact_through_a_kill_wrong_sql_and_a_new_metric(target):
    # The first third is old enough that some buckets begin before a replay's edge.
    now, old = int(time.time() * 1000), 900
    clicks = records(3_000, now - old * 1000)[:1000] + records(3_000, now)[1000:]
    rows: list[dict] = []
    firsts: dict[str, int] = {}

    target.upload("code/first.zip")
    target.create("code/first.zip")
    put(target, clicks[:1000], firsts, delay=old)
    target.start()
    settle(target, rows, without("avg_pg_ld", expected(clicks[:1000])))
    assert target.status()["state"] == "running"

    # Killed while it reads: it goes on from its last checkpoint.
    put(target, clicks[1000:2000], firsts)
    time.sleep(0.4)
    target.kill_job()
    put(target, clicks[2000:2500], firsts)
    settle(target, rows, without("avg_pg_ld", expected(clicks[:2500])))
    assert target.status()["restarts"] == 1

    # A statement that Flink refuses: the reason stands in the status, and it is not tried again.
    target.upload("code/wrong.zip", {"17_wrong.sql": WRONG})
    target.update("code/wrong.zip")
    put(target, clicks[2500:], firsts)
    target.wait_for(lambda: target.status()["state"] == "failed", 240, "wrong SQL goes unnoticed")
    reason = target.status()["reason"]
    assert reason.startswith("17_wrong.sql: ") and "'colour' not found" in reason
    assert "line 2, column 8" in reason and target.status()["pid"] is None

    # One file more: all is read again, and nothing changes but that the new metric is there too.
    target.upload("code/mean.zip", {"17_avg_pg_ld.sql": MEAN})
    target.update("code/mean.zip")
    target.wait_for(lambda: target.status()["version"] == 3, 60, "the update goes unnoticed")
    begin = read_json(target.home / "flink" / target.application / "application.json")["begin"]
    wanted = expected(clicks)
    assert begin > 0 and any(key[1] < begin for key in wanted)
    settle(target, rows, without("avg_pg_ld", wanted, before=begin))

    # Stopped, it reads nothing; started, it goes on where it was.
    target.analytics.stop_application(ApplicationName=target.application)
    target.wait_for(lambda: target.status()["state"] == "stopped", 60, "it does not stop")
    copies = [dict(click) for click in clicks[:100]]  # of what was counted long ago
    put(target, copies, {})
    target.start()
    settle(target, rows, without("avg_pg_ld", expected(clicks + copies), before=begin))
    assert target.end_controller() == 0


def test_a_killed_controller_leaves_no_job_and_no_jvm(target):
    target.upload("code/first.zip")
    target.create("code/first.zip")
    target.start()
    target.wait_for(lambda: len(processes(target.home)) > 1, 120, "no JVM starts")
    if Path("/proc/net/tcp").exists():
        job = target.status()["pid"]
        running = target.wait_for(lambda: target.status()["state"] == "running", 240, "no start")
        ports = open_ports(job)
        assert running and ports and set(ports) <= LOOPBACK, ports
    target.process.kill()
    deadline = time.monotonic() + 20
    while processes(target.home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(target.home)
