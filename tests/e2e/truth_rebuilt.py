"""The end of test_truth.py: a wrong past is corrected, and a lost table is rebuilt."""

import subprocess
import sys
from functools import partial

from helpers.audit.recount import METRICS
from helpers.backfill.rebuild import rebuild
from helpers.core.paths import REPOSITORY
from helpers.deployment.flink_application import update_analytics
from helpers.experiments.lost_table import delete_rows
from helpers.stores.cloudwatch import cloudwatch_values
from tests.catcher import until
from tests.e2e.flink_reference import expected
from tests.settling import settled

SLOW, MEAN = "slow_pages", "avg_pg_ld"
REBUILT = (*METRICS, MEAN, SLOW)
WRONG_MS, RIGHT_MS = 1000, 3000
LONGEST_SECONDS = 3600  # the wait also ends with the process that it waits for
PROGRAM = """
import sys
from datetime import datetime
from helpers import connect, rebuild
rebuild(connect("local"), start=datetime.fromisoformat(sys.argv[1]))
"""


def slow_pages_sql(milliseconds: int) -> str:
    """Return a statement that counts the page views that took so long, or longer."""
    return f"""\
INSERT INTO metrics
SELECT
  '{SLOW}' AS MetricType, bucket AS EventTimestamp, 'All Pages' AS MetricItem,
  COUNT(*) AS UnitValueInt, CAST(NULL AS DOUBLE) AS UnitValueFloat,
  COUNT(*) AS Samples, MAX(received_at) AS NewestBeacon,
  EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000
    + EXTRACT(MILLISECOND FROM CURRENT_TIMESTAMP) AS EmittedAt
FROM beacons
WHERE custom_metric_name = 'page_load_time' AND custom_metric_int_value >= {milliseconds}
GROUP BY bucket
"""


def slow_pages(sent: list[dict], milliseconds: int) -> dict[tuple, tuple]:
    """Return (value, Samples) of each row that the statement must give."""
    slow = [r for r in sent if (r.get("custom_metric_int_value") or 0) >= milliseconds]
    means = {key: row for key, row in expected(slow).items() if key[0] == MEAN}
    return {(SLOW, *key[1:]): (samples, samples) for key, (_, samples, _) in means.items()}


def correct_the_past(cloud, file, start, stored, sent, wait_until_equal) -> dict[tuple, tuple]:
    """Correct the wrong statement in `file`, and all values; return the right ones.

    The rebuild is killed while it counts, and while it sends.
    """
    table = partial(stored, cloud, start)
    wrong, right = slow_pages(sent, WRONG_MS), slow_pages(sent, RIGHT_MS)
    counted = table(SLOW)
    assert counted and all(counted[key] == wrong[key] for key in counted)
    file.write_text(slow_pages_sql(RIGHT_MS), encoding="utf-8")
    update_analytics(cloud)

    home = file.parents[1]
    # Flink starts when its settings are written.
    killed(start, lambda: (home / "flink" / "rebuild" / "settings.json").exists())
    assert table(SLOW) == counted, "the update alone lowers no value, and nothing was sent"
    killed(start, lambda: table(SLOW) != counted)
    frame = rebuild(cloud, start=start).set_index("Metric")
    assert frame.drop([SLOW, MEAN])["Sent"].sum() == 0, frame
    whole = {key: row[:2] for key, row in expected(sent).items()} | right
    wait_until_equal(table, whole, REBUILT)
    return whole


def lose_the_table(cloud, start, stored, whole, wait_until_equal) -> None:
    """Delete all rows, and have them rebuilt; the first attempt is killed while it sends."""
    delete_rows(cloud)
    assert stored(cloud, start, *REBUILT) == {}
    # One metric is enough to see that it sends: reading all takes time from what it waits for.
    killed(start, lambda: len(stored(cloud, start, "event_count")) > 50)
    assert len(stored(cloud, start, *REBUILT)) < len(whole), "it was killed before the end"
    rebuild(cloud, start=start)
    wait_until_equal(partial(stored, cloud, start), whole, REBUILT)


def assert_cloudwatch_has_means(cloud, start, whole) -> None:
    """Assert that CloudWatch's means equal the right ones, as soon as nothing changes."""
    right = {key[1]: value for key, (value, _) in whole.items() if key[0] == MEAN}

    def wrong() -> dict:
        frame = cloudwatch_values(cloud, MEAN, start=start)
        shown = {int(row.Time.timestamp()): row.Value for row in frame.itertuples()}
        both = {at: (right.get(at, 0), shown.get(at, 0)) for at in right | shown}
        # A mean consists of differences of 64-bit floats.
        return {at: pair for at, pair in both.items() if abs(pair[0] - pair[1]) > 1e-6}

    found = settled(wrong, lambda found: not found)
    assert not found, found


def killed(start, is_time) -> None:
    """Run a rebuild in a process of its own, and kill it; its Flink goes on for a while."""
    command = [sys.executable, "-c", PROGRAM, start.isoformat()]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        assert until(lambda: is_time() or process.poll() is not None, LONGEST_SECONDS)
        assert process.poll() is None, "it ended before it was killed"
    finally:
        process.kill()
        process.wait()
