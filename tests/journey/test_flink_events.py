"""Two thousand invented names of events beside five real ones, through the real job."""

import random
import time

from tests.journey.flink_reference import click, expected
from tests.journey.flink_target import newest
from tests.journey.test_flink_job import put, target, without  # noqa: F401 - a fixture

REAL = ["click", "conversion", "exception", "login", "pageview"]
NEW = "new after the flood"


def beacons(rng: random.Random, events: list[str], first: int) -> list[dict]:
    """Return a beacon of each event, of the last two minutes, in any order."""
    now = int(time.time() * 1000)
    made = [click(rng, first + n, now) | {"event": event} for n, event in enumerate(events)]
    rng.shuffle(made)
    return made


def test_invented_names_keep_no_event_out_of_its_metrics(target):  # noqa: F811
    rng, rows, firsts = random.Random(5), [], {}
    invented = [f"invented-{n}" for n in range(2_000)]
    clicks = beacons(rng, invented + REAL * 60, 0)

    def wait_for(wanted: dict, what: str) -> None:
        def wrong() -> list[tuple]:
            rows.extend(target.read_metrics())
            kept = {k: v for k, v in newest(rows).items() if k[0] != "event_anomaly"}
            return [
                (key, wanted.get(key), kept.get(key))
                for key in wanted | kept
                if wanted.get(key) != kept.get(key)
            ]

        try:
            target.wait_for(lambda: not wrong(), 300, what)
        except AssertionError:
            print(len(wrong()), "rows are wrong, as (key, wanted, found):", wrong()[:10])
            raise

    target.upload("code/first.zip")
    target.create("code/first.zip")
    put(target, clicks, firsts)
    target.start()
    wait_for(without("avg_pg_ld", expected(clicks)), "the flood")

    # Killed: what was put aside is in the checkpoint. Names come back, and a real one is new.
    target.kill_job()
    again = beacons(rng, rng.sample(invented, 500) + REAL * 20 + [NEW] * 20, 5_000)
    put(target, again, firsts)
    wait_for(without("avg_pg_ld", expected(clicks + again)), "names that came back")

    def scored() -> bool:
        rows.extend(target.read_metrics())
        scores = {key[2] for key in newest(rows) if key[0] == "event_anomaly"}
        return scores >= {*REAL, NEW}

    target.wait_for(scored, 180, "scores of the real events")
