"""The ledger: how many beacons each stage of the pipeline counted, and which are missing.

    sent -> answered -> archived -> Flink's counts -> DynamoDB -> CloudWatch

Each stage is read independently of the others, and compared cell by cell (a metric's item in ten
seconds), so that a missing beacon and a double one do not cancel each other out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.epoch import times
from helpers.core.errors import IncompleteError, NotDeployed, TemporaryFailure
from helpers.core.time_span import span as checked_span
from helpers.core.waiting import waiting
from helpers.generator.connections import ANSWER_SECONDS
from helpers.generator.run import journal_folder
from helpers.plotting.figure import Picture
from helpers.stores.cloudwatch import OTHER
from helpers.stores.dynamodb import catalog
from helpers.stores.kinesis import stream_summary
from helpers.traffic import journal_reader
from helpers.traffic.generator_process import running_pid

from . import stage_counts
from .diagnosis import (
    SAMPLE_COLUMNS,
    archive_discrepancies,
    context_of,
    dead_letters,
    diagnosed_sample,
    differing_cells,
    pending,
)
from .ledger_text import UNKNOWN, faults, lacking, sentence, state, table_html
from .reconcile import by_dimension, moved_from_other
from .record_matching import matches, repeated
from .record_outcomes import ACCEPTED, BOTS, DUPLICATES, IN_TIME, REJECTED, decided
from .stage_counts import Range

STAGES = ("sent", "answered", "archived", "flink", "dynamodb", "cloudwatch")
REASONS = ("unparsable", "too_long", "from_the_future", "too_late")
COLUMNS = ("Beacons", "Accepted", "Bots", *REASONS, "other_reasons", "Duplicates", "Missing",
           "Double", "Pending")  # fmt: skip
# The metrics stream keeps a day; ten minutes are left for reading it.
_LONGEST = timedelta(hours=23, minutes=50)
# A beacon is in the journal once it was answered (ten seconds at most) and the file is written.
_JOURNAL_SECONDS = 15


@dataclass(frozen=True)
class Ledger:
    """An account of every beacon of a range of time. A notebook shows it as a picture and a table.

    Args:
        frame: one row for each stage and, between the stages, rows that are no losses:
            `unanswered`, `refused`, `unanswered_but_logged`, `not_in_journal`, `sent_again`,
            `undecided`, `dead_letters`. Columns: Beacons (= Accepted + Bots + the reasons +
            Duplicates), Missing and Double (compared with the stage before; both 0 if it balances),
            Pending (how many of Missing may still arrive), Cause. A stage that is not deployed, or
            was not read completely, has no numbers; in the second case Cause is the reason.
        missing: a sample of the beacons that are missing or counted twice. Columns Stage, Kind
            (`missing` or `double`), Time (start of the ten seconds, UTC), Metric, Item, beacon_id,
            event, clientid, page, Cause.
        start: the start of the first bucket, UTC.
        end: the end of the last bucket, UTC; None for now.
    """

    frame: pd.DataFrame
    missing: pd.DataFrame
    start: datetime
    end: datetime | None

    @property
    def balances(self) -> bool:
        """Whether each deployed stage was read, and none lacks a beacon or counts one twice."""
        return not self.unread and not self.frame[["Missing", "Double"]].sum().any()

    @property
    def is_complete(self) -> bool:
        """Whether every stage was read, and no beacon is still on its way to one."""
        return not self.unread and not self.frame["Pending"].sum()

    @property
    def unread(self) -> list[str]:
        """The stages that could not be read completely."""
        return [stage for stage in STAGES if state(self.frame, stage) == UNKNOWN]

    @property
    def wrong(self) -> int:
        """How many beacons are lost or counted twice, without those that may still arrive."""
        return sum(faults(self.frame, stage) for stage in STAGES)

    @cached_property
    def sentence(self) -> str:
        """A description of the ledger, in words."""
        return sentence(self.frame)

    @cached_property
    def picture(self) -> Picture:
        """The ledger as a picture: a bar for each stage, flows between them, and losses."""
        from .ledger_figure import draw_ledger

        return draw_ledger(self.frame, self.start, self.end)

    def _repr_html_(self) -> str:
        return self.picture._repr_html_() + table_html(self.frame, self.missing)

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{self.frame.to_string()}"


@waiting("Reading the counts of every stage")
def ledger(cloud: Cloud, start: datetime | None = None, end: datetime | None = None) -> Ledger:
    """Account for every beacon of a range of time, at every stage of the pipeline.

    A beacon belongs to the ten seconds that count it: those of its request if it is accepted or a
    bot's, else those of its arrival. While traffic flows, the latest ones are still on their way.

    Args:
        cloud: where the stages are.
        start: an aware datetime; None for the earliest beacon of the journal (of this deployment,
            and of the last day). It is rounded down to the start of a bucket.
        end: an aware datetime (exclusive); None for now.

    Returns:
        The ledger: `.balances`, `.frame`, `.missing`, `.sentence`, `.picture`.

    Raises:
        WorkshopError: the range is empty; an archived object is damaged.

    Example:
        `ledger(cloud).balances` -> `True`
    """
    span, now = _range(cloud, start, end), time.time()
    counts, unread = _read_stages(cloud, span)
    rows, discrepancies = _first_rows(cloud, _journal(cloud), counts["archived"], span)
    later_rows, later_discrepancies = _later_rows(cloud, counts, span)
    rows |= later_rows | {"dead_letters": {"Beacons": dead_letters(cloud)}}
    frame = pd.DataFrame(list(rows.values()), list(rows), list(COLUMNS)).astype("Int64")
    frame["Pending"] = frame["Missing"] * 0
    sample = []
    for stage, differing in (discrepancies | later_discrepancies).items():
        known = {"now": now, "newest": _newest(counts[stage]), "lacking": lacking(frame, stage)}
        context = context_of(cloud, stage, differing, **known)
        frame.loc[stage, "Pending"] = pending(differing, context)
        sample += diagnosed_sample(differing, context)
    missing = pd.DataFrame(sample, columns=SAMPLE_COLUMNS).astype({"Time": "datetime64[ns, UTC]"})
    frame["Cause"] = [
        unread.get(name)
        or "; ".join(missing["Cause"][missing["Stage"] == name].value_counts().index[:2])
        for name in frame.index
    ]
    return Ledger(frame.rename_axis("Stage"), missing, span.start, span.end)


def _range(cloud: Cloud, start: datetime | None, end: datetime | None) -> Range:
    if start is None:
        now = datetime.now(UTC)
        first = _own_times(_journal(cloud)).min()
        start = now - timedelta(hours=1)
        if pd.notna(first):
            start = max(datetime.fromtimestamp(first, UTC), now - _LONGEST)
    checked_span(0, start, end)  # raises if it is empty, or if a time has no time zone
    return stage_counts.whole_buckets(start, end)


def _journal(cloud: Cloud) -> pd.DataFrame:
    """Return the journal since the creation of the clicks stream, which is this deployment's."""
    folder, made = journal_folder(cloud.identity), _made(cloud)
    sizes = tuple(
        (path.name, path.stat().st_size) for path in journal_reader.written_since(folder, made)
    )
    journal = _read_once(folder, made, sizes)
    return journal[journal["sent_at"] >= made * 1000].reset_index(drop=True)


@lru_cache(maxsize=1)
def _read_once(folder: Path, since: float, sizes: tuple[tuple[str, int], ...]) -> pd.DataFrame:  # noqa: ARG001
    """Read the journals; the cached result is valid while the files' sizes are the same."""
    return journal_reader.frame(folder, since)


def _journaled_until(journal: pd.DataFrame) -> float:
    """Return the time until which the journal is complete, epoch seconds."""
    until = time.time() - _JOURNAL_SECONDS
    if journal.empty or not any(map(running_pid, ("live", "replay"))):
        return until
    # On a busy machine a running generator may write later; it writes all its answers at once.
    return min(until, journal["sent_at"].max() / 1000 - ANSWER_SECONDS)


def _made(cloud: Cloud) -> float:
    """Return when the clicks stream was created, epoch seconds; 0 if there is none."""
    try:
        return stream_summary(cloud, "clicks")["StreamCreationTimestamp"].timestamp()
    except NotDeployed:
        return 0


def _read_stages(cloud: Cloud, span: Range) -> tuple[dict[str, Any], dict[str, str]]:
    """Return each stage's counts, None where they are unknown, and why a stage was not read.

    The archive's counts are its records, the other stages' their cells.
    """
    counts, unread = {}, {}
    # The last stage first: a beacon that passes meanwhile is then missing, and never a double.
    for name, read in (
        ("cloudwatch", stage_counts.shown),
        ("dynamodb", stage_counts.stored),
        ("flink", stage_counts.counted_by_flink),
        ("archived", stage_counts.archived),
    ):
        counts[name], problem = _read_stage(cloud, span, read)
        if problem:
            unread[name] = f"not read completely: {problem}"
    return counts, unread


def _read_stage(cloud: Cloud, span: Range, read: Callable) -> tuple[Any, str | None]:
    """Return a stage's counts, None if it is not deployed or not readable, and why it is not."""
    try:
        with explained():
            return read(cloud, span), None
    except NotDeployed:
        return None, None
    except (IncompleteError, TemporaryFailure) as error:
        return None, f"{error.cause} {error.remedy}"


def _newest(counted: pd.DataFrame | pd.Series) -> int:
    """Return the newest bucket of a stage (archive: receipt of a beacon), epoch seconds, or 0."""
    if isinstance(counted, pd.DataFrame):
        newest = counted["received_at"].max() // 1000
    else:
        newest = counted.index.get_level_values("Bucket").max()
    return 0 if pd.isna(newest) else int(newest)


def _own_times(journal: pd.DataFrame) -> pd.Series:
    """Return the bucket of each entry, as far as the journal knows it, in epoch seconds."""
    requested = times(journal["requested_at"].where(journal["expect"].isin(IN_TIME)))
    counted = requested.fillna(times(journal["sent_at"])).dt.floor(f"{BUCKET_SECONDS}s")
    return counted.dt.as_unit("s").astype("int64") if len(counted) else pd.Series(dtype="int64")


def _first_rows(
    cloud: Cloud, journal: pd.DataFrame, records: pd.DataFrame | None, span: Range
) -> tuple[dict[str, dict[str, int | None]], dict[str, pd.DataFrame]]:
    """Return the rows of the journal and of the archive, and the archive's discrepancies."""
    record_of = pd.Series(dtype="int64") if records is None else matches(journal, records)
    own = _own_times(journal)
    if records is not None and len(record_of):
        buckets = records.loc[record_of.to_numpy(), "Bucket"].to_numpy()
        own.update(pd.Series(buckets, index=record_of.index))
    inside = journal[span.holds(own)]
    status, is_archived = inside["status"], inside.index.isin(record_of.index)
    answered = status.eq(200).fillna(False).astype(bool)
    unsent = status.eq(0).fillna(False).astype(bool)
    rows = {
        "sent": _journal_row(inside[~unsent]),
        "unanswered": _journal_row(inside[status.isna()]),
        "refused": _journal_row(inside[~answered & ~unsent & status.notna()]),
        "answered": _journal_row(inside[answered]) | {"Missing": 0, "Double": 0},
        "unanswered_but_logged": _journal_row(inside[~answered & is_archived]),
    }
    if records is None:
        return rows | {"not_in_journal": {}, "sent_again": {}, "undecided": {}, "archived": {}}, {}
    counted = records[span.holds(records["Bucket"])]
    others = counted[~counted.index.isin(record_of)]
    # An agent sent these again, whether or not Flink remembers the first copy.
    is_copy = others["outcome"].eq("duplicate") | records["beacon_id"].duplicated()[others.index]
    copies, others = others[is_copy], others[~is_copy]
    twice = repeated(journal, others) & (others["received_at"] < _journaled_until(journal) * 1000)
    lost = inside[answered & ~is_archived]
    differences: dict[str, int | None] = {"Missing": len(lost), "Double": int(twice.sum())}
    rows |= {
        "not_in_journal": _stage_row(stage_counts.cells(others[~twice])),
        "sent_again": _stage_row(stage_counts.cells(copies)),
        "undecided": _stage_row(stage_counts.cells(counted[counted["undecided"].notna()])),
        "archived": _stage_row(stage_counts.cells(counted)) | differences,
    }
    if lost.empty and not twice.any():
        return rows, {}
    return rows, {"archived": archive_discrepancies(cloud, lost, others[twice], records)}


def _later_rows(
    cloud: Cloud, counts: dict[str, Any], span: Range
) -> tuple[dict[str, dict[str, int | None]], dict[str, pd.DataFrame]]:
    """Return the rows of the stages after the archive, and their discrepancies."""
    rows, discrepancies = {}, {}
    records, before = counts["archived"], None
    if records is not None:
        inside = records[span.holds(records["Bucket"])]
        before = stage_counts.cells(inside)
    for name in STAGES[3:]:
        counted = counts[name]
        rows[name] = _stage_row(counted)
        if counted is None:
            continue
        if before is not None:
            if name == "cloudwatch":
                admitted = _admitted_items(cloud)
                before = _as_dimensions(before.rename("Value").reset_index(), admitted, span)
                before = stage_counts.cells(before, before["Value"])
                records = None if records is None else _as_dimensions(records, admitted, span)
            if name == "flink":
                before = decided(before, counted, inside)
            differing = differences(before, counted)
            rows[name] |= {
                "Missing": int(-differing[differing < 0].sum()),
                "Double": int(differing[differing > 0].sum()),
            }
            if len(differing):
                discrepancies[name] = differing_cells(differing, records)
        before = counted
    return rows, discrepancies


def _journal_row(entries: pd.DataFrame) -> dict[str, int | None]:
    """Return the row of journal entries, by the outcome that the generator expected."""
    counts = entries["expect"].value_counts()
    reasons = {reason: int(counts.get(reason, 0)) for reason in REASONS}
    numbers = {
        "Accepted": int(counts.get("accepted", 0)),
        "Bots": int(counts.get("bot", 0)),
        **reasons,
        "Duplicates": int(counts.get("duplicate", 0)),
    }
    other = len(entries) - sum(numbers.values())
    return {"Beacons": len(entries), **numbers, "other_reasons": other}


def _stage_row(counted: pd.Series | None) -> dict[str, int | None]:
    """Return the row of a stage's cells; an empty row if the stage was not read."""
    if counted is None:
        return {}
    metrics = counted.index.get_level_values("Metric")
    reasons = counted[metrics == REJECTED].groupby(level="Item").sum()
    known = {reason: int(reasons.get(reason, 0)) for reason in REASONS}
    return {
        "Beacons": int(counted.sum()),
        "Accepted": int(counted[metrics == ACCEPTED].sum()),
        "Bots": int(counted[metrics == BOTS].sum()),
        **known,
        "other_reasons": int(reasons.sum()) - sum(known.values()),
        "Duplicates": int(counted[metrics == DUPLICATES].sum()),
    }


def differences(before: pd.Series, counted: pd.Series) -> pd.Series:
    """Return a stage's counts less those of the stage before, in the cells that differ."""
    differing = counted.sub(before, fill_value=0).astype("int64")
    differing = differing[differing != 0]
    copies = differing.index.get_level_values("Metric") == DUPLICATES
    if differing[copies].sum() == 0:
        # While Flink catches up, it may read a later copy first, and then counts the duplicate in
        # the bucket in which the first one arrived. No beacon is missing or counted twice.
        differing = differing[~copies]
    for cell in differing[differing.index.get_level_values("Item") == OTHER].index:
        of_bucket = differing.loc[cell[:2]]
        if moved_from_other(of_bucket):
            differing = differing.drop([(*cell[:2], item) for item in of_bucket.index])
    return differing


def _admitted_items(cloud: Cloud) -> dict[str, set[str]]:
    """Return, by metric, the items that are dimension values in CloudWatch."""
    rows = catalog(cloud)
    return dict(zip(rows["MetricType"], map(set, rows["Items"]), strict=True))


def _as_dimensions(rows: pd.DataFrame, admitted: dict[str, set[str]], span: Range) -> pd.DataFrame:
    """Return the rows with CloudWatch's cells: by dimension value, and by period."""
    items = [
        by_dimension(of_metric["Item"], admitted.get(metric, set()))
        for metric, of_metric in rows.groupby("Metric")
    ]
    named = pd.concat(items) if items else rows["Item"]
    return rows.assign(Item=named, Bucket=rows["Bucket"] // span.seconds * span.seconds)
