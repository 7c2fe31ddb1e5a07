"""A small real flash crowd: sends it through the chain, and measures when each stage is passed.

The times are read from what the stages store: the generator's journal, the clicks stream, and the
rows of the metrics stream. CloudWatch stores no arrival times, so its total is read five times a
second.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.waiting import bucket_edge, wait_until, waiting
from helpers.generator.run import journal_folder
from helpers.planning.bottlenecks import planned
from helpers.planning.capacity import Run
from helpers.planning.queue_model import (
    AGENT,
    FLINK,
    FUNCTIONS,
    SENT,
    STEP,
    simulate,
    stages_of,
    waiting_at,
)
from helpers.plotting.figure import Picture
from helpers.stores.archive import read_record
from helpers.stores.kinesis import records
from helpers.timing.datapoint_probe import CloudWatchWatch, seconds_until_counted
from helpers.traffic.journal_reader import frame
from helpers.traffic.traffic import Traffic

EVENT = "pageview"  # all visitors of a flash crowd open the same page
PATIENCE_SECONDS = 120  # for the last beacon to be counted
METRIC = "event_count"
_STEP_SECONDS = 0.5


@dataclass(frozen=True)
class CrowdRun:
    """A small flash crowd as measured and as simulated.

    As the last line of a cell it shows both in a picture.

    Args:
        real: beacons that had passed each stage, over time (see `flash_crowd.simulate`).
        simulated: the same from the simulation, with the same beacons as input.
        run: the highest rate and the median seconds to a datapoint, for `scale_planner`.
    """

    real: pd.DataFrame
    simulated: pd.DataFrame
    run: Run

    @property
    def all_counted(self) -> bool:
        """Whether every answered beacon was counted at the end."""
        return self.real.iloc[-1].nunique() == 1

    def picture(self) -> Picture:
        """Return a picture of the beacons that wait at each stage, simulated and real."""
        from helpers.planning.queue_figure import draw_comparison  # matplotlib only if needed

        return draw_comparison(waiting_at(self.simulated), waiting_at(self.real), self.run)

    def _repr_html_(self) -> str:
        return self.picture()._repr_html_()

    def __repr__(self) -> str:
        return self.picture().sentence


def run_flash_crowd(cloud: Cloud, rate: float = 20, factor: float = 10) -> CrowdRun:
    """Send a small flash crowd through the chain; return how many beacons waited at each stage.

    It takes half a minute, and first ends any running traffic.

    Args:
        cloud: with modules 1 to 3 deployed, and the Flink application running.
        rate: beacons a second before and after the crowd.
        factor: the rate rises to `factor` times within four seconds, for ten seconds.

    Raises:
        WorkshopError: no beacon was counted, or the servers do not respond.

    Example:
        `crowd = run_flash_crowd(cloud, rate=20, factor=10)`
    """
    traffic = Traffic(cloud)
    traffic.stop()
    since = bucket_edge()
    with (
        CloudWatchWatch(cloud, METRIC, EVENT, since) as watch,
        waiting(f"{rate:g} beacons a second, {rate * factor:g}, and {rate:g} again"),
    ):
        for wanted in _rates(rate, factor):
            traffic.start(rate=wanted, mix={EVENT: 1})
            time.sleep(_STEP_SECONDS)
        totals = traffic.stop()
        wait_until(lambda: watch.total() >= totals.answered, PATIENCE_SECONDS, delay=0.3)
        time.sleep(0.3)  # until the watch has read it, too
        seen = watch.seen()
    if not seen or seen[-1][1] == 0:
        raise WorkshopError(
            f"No {EVENT} was counted in {PATIENCE_SECONDS} s.",
            "If the machine is busy, run this cell again. Otherwise run deploy(cloud, "
            '"3-visualize") and start_analytics(cloud) before it.',
        )
    return _compared(cloud, since, seen, rate * factor)


def _rates(rate: float, factor: float) -> Iterator[float]:
    """Yield the rate for each half second: 4 s normal, 4 s rising, 10 s high, 4 s normal."""
    yield from [rate] * 8
    for step in range(1, 9):
        yield rate * (1 + (factor - 1) * step / 8)
    yield from [rate * factor] * 20
    yield from [rate] * 8


def _compared(
    cloud: Cloud, since: datetime, seen: list[tuple[float, float]], highest_rate: float
) -> CrowdRun:
    sent = _sent_times(cloud, since)
    moments = {
        SENT: (sent, np.ones(len(sent))),
        AGENT: _of_stream(cloud, since),
        FLINK: _of_flink(cloud, since),
        FUNCTIONS: _of_watch(seen),
    }
    begin = float(sent.min()) - 1
    end = max(float(times.max()) for times, _ in moments.values() if len(times)) + 1
    times = np.arange(begin, end, STEP)
    real = pd.DataFrame(
        {name: _passed(*each, times) for name, each in moments.items()},
        index=pd.Index(times - begin, name="seconds"),
    )
    rates = np.diff(real[SENT].to_numpy(), prepend=0) / STEP
    simulated = simulate(rates, stages_of(planned(1e6)))
    run = Run(rate=highest_rate, lag=_median_lag(moments))
    return CrowdRun(real, simulated.set_index(real.index), run)


def _passed(when: np.ndarray, counts: np.ndarray, times: np.ndarray) -> np.ndarray:
    order = np.argsort(when, kind="stable")
    totals = np.concatenate([[0.0], np.cumsum(counts[order])])
    return totals[np.searchsorted(when[order], times, side="right")]


def _median_lag(moments: dict[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the median seconds from the request to the total that holds it."""
    when, counts = moments[FUNCTIONS]
    sent = np.sort(moments[SENT][0])
    return float(np.median(seconds_until_counted(sent, when, np.cumsum(counts))))


def _sent_times(cloud: Cloud, since: datetime) -> np.ndarray:
    journal = frame(journal_folder(cloud.identity))
    mine = (journal["sent_at"] >= since.timestamp() * 1000) & (journal["status"] == 200)
    return journal.loc[mine & (journal["event"] == EVENT), "sent_at"].to_numpy(float) / 1000


def _of_stream(cloud: Cloud, since: datetime) -> tuple[np.ndarray, np.ndarray]:
    times = [at for at, click in _records(cloud, "clicks", since) if click.get("event") == EVENT]
    return np.array(times), np.ones(len(times))


def _of_flink(cloud: Cloud, since: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Return when each row of event_count arrived in the metrics stream, and what it added."""
    times, added = [], []
    so_far: dict[int, int] = {}
    for at, change in _records(cloud, "metrics", since):
        row = change.get("after") if change.get("op") in ("c", "u") else None
        if not row or (row["MetricType"], row["MetricItem"]) != (METRIC, EVENT):
            continue
        bucket, samples = row["EventTimestamp"], row["Samples"]
        if bucket < since.timestamp() or samples <= so_far.get(bucket, 0):
            continue
        times.append(at)
        added.append(samples - so_far.get(bucket, 0))
        so_far[bucket] = samples
    return np.array(times), np.array(added, dtype=float)


def _of_watch(seen: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    times, totals = (np.array(column, dtype=float) for column in zip(*seen, strict=True))
    added = np.diff(np.maximum.accumulate(totals), prepend=0)
    return times[added > 0], added[added > 0]


def _records(cloud: Cloud, stream: str, since: datetime) -> Iterator[tuple[float, dict]]:
    """Yield when each record arrived in a stream, epoch seconds, and its content."""
    for record in records(cloud, stream, since):
        yield record["ApproximateArrivalTimestamp"].timestamp(), read_record(record["Data"])
