"""The real controller runs the real job: what comes out is compared with a recomputation.

Machine and JVM are German, in other time zones: nothing may depend on that.
"""

import json
import random
import subprocess
import time

import psutil
import pytest

from helpers.audit.recounted_visits import METRICS as VISITS
from helpers.core.cloud import Cloud
from helpers.core.paths import read_json
from helpers.core.text import shorten
from helpers.deployment.flink_log import failure
from helpers.local.flink import checkpoints
from tests.catcher import until
from tests.e2e.flink_reference import click, expected, records, stamp
from tests.e2e.flink_target import Target, java_free_path, newest
from tests.e2e.foreign_controller import GERMAN
from tests.processes import LOOPBACK, listening

# None of these may stop the job or change a number.
MALFORMED = [
    *(b'{"broken":', b"[]", b"[1, 2]", b"null", b'"text"', b"{}", b"\x00\xff\xfe", b"", b"\n\n"),
    b'{"beacon_id": {"a": 1}, "shipped_at": "soon"}',
    b'{"beacon_id": "g1", "shipped_at": 1e400, "request": ["GET /beacon "]}',
    b'{"beacon_id": "g2", "shipped_at": 99999999999999999999999, "response": true}',
    b"[" * 5000,
    b'{"beacon_id": "g3", "page": "' + b"x" * 900_000 + b'"}',
]
REAL = ["click", "conversion", "exception", "login", "pageview"]
NEW = "new after the flood"
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
def target(emulator, tmp_path, monkeypatch):
    home = tmp_path / "the workshop of a learner"
    monkeypatch.setenv("WORKSHOP_HOME", str(home))
    target = Target(emulator, home, "job", shards=2)
    target.run_controller(GERMAN, path=java_free_path(tmp_path / "bin"))
    yield target
    target.delete()
    target.end_controller()
    assert not processes(home), "nothing of ours may be left running"


def processes(home) -> list[str]:
    """Return the command lines of all processes that mention a folder: the job and its JVM."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


def put(target: Target, clicks: list[dict], firsts: dict[str, int], delay: float = 0) -> None:
    """Put records as the agent does, stamped now, keyed by their beacon_ids; and malformed ones.

    Args:
        target: whose stream.
        clicks: the records.
        firsts: the stamps of all that was put.
        delay: how long ago they are stamped, seconds.
    """
    stamp(clicks, time.time() - delay, firsts)
    lines = [json.dumps(click, ensure_ascii=False).encode() + b"\n" for click in clicks]
    keys = [click["beacon_id"] for click in clicks]
    target.put(lines + MALFORMED, keys + [str(n) for n in range(len(MALFORMED))])


def settle(target: Target, rows: list[dict], wanted: dict, unread: range = range(0)) -> None:
    """Read the metrics stream until it has the wanted values, then longer for unwanted ones.

    Args:
        target: whose stream.
        rows: what was read so far; more is added.
        wanted: the values.
        unread: buckets (epoch seconds) of records that a replay does not read. They are left out,
            and so are visits of earlier minutes: one that began before a replay's first bucket
            keeps the values that it had.
    """

    def compared(values: dict) -> dict:
        return {
            key: row
            for key, row in values.items()
            if key[1] not in unread and (key[0] not in VISITS or key[1] >= unread.stop)
        }

    def found() -> dict:
        # Scores are left out: what they are depends on when beacons came (see test_truth.py).
        return compared(without("event_anomaly", newest(rows)))

    def arrived() -> bool:
        rows.extend(target.read_metrics())
        return found() == wanted

    wanted = compared(wanted)
    try:
        target.wait_for(arrived, "the metrics are not what they should be")
        time.sleep(2)
        assert arrived()
    except AssertionError:
        last = found()
        wrong = [key for key in wanted | last if wanted.get(key) != last.get(key)]
        print(f"{len(wrong)} of {len(wanted)} rows are wrong, as (wanted, found):")
        print(*((key, wanted.get(key), last.get(key)) for key in wrong[:10]), sep="\n")
        raise


def without(metric: str, rows: dict, before: int = 2**60) -> dict:
    """Return the rows but for those of one metric whose buckets begin before a moment."""
    return {key: row for key, row in rows.items() if key[0] != metric or key[1] >= before}


def of_events(rng: random.Random, events: list[str], first: int) -> list[dict]:
    """Return a beacon of each event, of the last two minutes, in any order."""
    now = int(time.time() * 1000)
    made = [click(rng, first + n, now) | {"event": event} for n, event in enumerate(events)]
    rng.shuffle(made)
    return made


def kill_twice_within_a_file(target: Target, clicks: list[dict]) -> None:
    """Have the job read a long file, and kill it at two checkpoints at which it is half read."""
    stamp(clicks, time.time(), {})
    root, name = target.home / "flink" / target.application, "9-1-2.json"  # as of a tenth shard
    draft = root / "long.draft"
    draft.write_text("".join(json.dumps(click) + "\n" for click in clicks), encoding="utf-8")
    draft.replace(root / "in" / name)
    former: set = set()
    for _ in range(2):

        def half_read(former=former) -> bool:
            own = [c for c in checkpoints.complete(root / "checkpoints") if c.parent not in former]
            return any(name in checkpoints.unread(checkpoint) for checkpoint in own[-1:])

        target.wait_for(half_read, "no checkpoint while the file is read")
        former |= set((root / "checkpoints").iterdir())
        target.kill_job()


def test_every_metric_is_exact_whatever_is_sent_and_killed_on_a_german_machine(target):
    now, old, rng = int(time.time() * 1000), 900, random.Random(5)
    invented = [f"invented-{n}" for n in range(2_000)]
    # The first are old enough that some buckets begin before a replay's edge.
    first = records(3_000, now - old * 1000)[:1000]
    flood = of_events(rng, invented + REAL * 60, 100_000)
    others = records(3_000, now)[1000:]
    rows: list[dict] = []
    firsts: dict[str, int] = {}

    target.upload("code/first.zip")
    target.create("code/first.zip")
    put(target, first, firsts, delay=old)
    put(target, flood, firsts)
    target.start()
    settle(target, rows, without("avg_pg_ld", expected(first + flood)))
    assert target.status()["state"] == "running"
    job = psutil.Process(target.status()["pid"])
    addresses = {address for _, address, _ in listening([job, *job.children(recursive=True)])}
    assert addresses and addresses <= LOOPBACK

    # Killed while it reads: it goes on from a checkpoint, where the invented names are that were
    # put aside. Some of them come back; an event is new; copies are of what was counted.
    again = of_events(rng, rng.sample(invented, 500) + REAL * 20 + [NEW] * 20, 200_000)
    put(target, others[:1000], firsts)
    # These are not in the stream, so a replay does not count them. No hour includes them.
    alone = {"event": None, "custom_metric_name": None}
    long = [
        click(rng, n, now - 2 * old * 1000) | alone | {"clientid": f"long {n % 50}"}
        for n in range(300_000, 360_000)
    ]
    kill_twice_within_a_file(target, long)
    copies = [dict(record) for record in first[:100]]
    put(target, again + others[1000:1500], firsts)
    put(target, copies, firsts)
    sent = first + flood + others[:1000] + long + again + others[1000:1500] + copies
    settle(target, rows, without("avg_pg_ld", expected(sent)))
    assert target.status()["restarts"] == 2

    def scored() -> bool:
        rows.extend(target.read_metrics())
        return {key[2] for key in newest(rows) if key[0] == "event_anomaly"} >= {*REAL, NEW}

    target.wait_for(scored, "no invented name keeps a real event from its scores")

    # A statement that Flink refuses: the status contains the reason, and there is no retry.
    target.upload("code/wrong.zip", {"17_wrong.sql": WRONG})
    target.update("code/wrong.zip")
    put(target, others[1500:], firsts)
    target.wait_for(lambda: target.status()["state"] == "failed", "wrong SQL goes unnoticed")
    reason = target.status()["reason"]
    assert reason.startswith("17_wrong.sql: ") and "'colour' not found" in reason
    assert "line 2, column 8" in reason and target.status()["pid"] is None
    # It is in the application's log, too, where the learner's helpers read it, as on AWS.
    own = Cloud(target.cloud.session, target.cloud.account, target.prefix, target.cloud.endpoint)
    assert failure(own, time.time() - 60) == shorten(reason, 400)

    # One file more: all is read again, and nothing changes but that the new metric is there too.
    target.upload("code/mean.zip", {"17_avg_pg_ld.sql": MEAN})
    target.update("code/mean.zip")
    target.wait_for(lambda: target.status()["version"] == 3, "the update goes unnoticed")
    begin = read_json(target.home / "flink" / target.application / "application.json")["begin"]
    wanted = expected(sent + others[1500:])
    minutes = [record["requested_at"] // 60_000 * 60 for record in long]
    unread = range(min(minutes), max(minutes) + 60)
    assert begin < unread.start
    assert begin > 0 and any(key[1] < begin for key in wanted)
    settle(target, rows, without("avg_pg_ld", wanted, before=begin), unread=unread)

    # A controller that is killed leaves no job and no JVM.
    assert len(processes(target.home)) > 1
    target.process.kill()
    until(lambda: not processes(target.home))
