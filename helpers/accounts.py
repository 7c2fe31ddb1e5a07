"""The ledger: at each stage of the journey how many beacons it counted, and which are missing.

    sent -> answered -> archived -> Flink's counts -> DynamoDB -> CloudWatch

Every stage is read on its own, none from the one before, and compared cell by cell (ten seconds,
and what was counted): one beacon too few and one too many do not make zero.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from . import stages
from .aws_errors import explained
from .balance import BUCKET_SECONDS
from .causes import Suspects, explained_causes
from .cloud import Cloud
from .comparing import REASONS, admitted_items, as_dimensions, differences, expected, row
from .epoch import times
from .errors import IncompleteError, NotDeployed, TemporaryFailure
from .generator import results
from .generator.connections import ANSWER_SECONDS
from .generator.process import running_pid, target_name
from .generator.run import journal_folder
from .matching import matches, repeated
from .memory import decided
from .picture import Picture
from .stages import Range
from .stream import stream_summary
from .time_span import span as checked_span
from .waiting import waiting

STAGES = ("sent", "answered", "archived", "flink", "dynamodb", "cloudwatch")
COLUMNS = ("Beacons", "Accepted", *REASONS, "other_reasons", "Duplicates", "Missing", "Double",
           "Pending")  # fmt: skip
# The metrics stream keeps a day. The rest is for the time that reading takes.
_LONGEST = timedelta(hours=23, minutes=50)
# A beacon is journaled once its answer is there (ten seconds at most) and the file is written.
_JOURNAL_SECONDS = 15


@dataclass(frozen=True)
class Ledger:
    """An account of every beacon of a range of time; as the last line of a cell it is shown.

    Args:
        frame: one row a stage and, between them, what is no loss: `unanswered`, `refused`,
            `unanswered_but_logged`, `not_in_journal`, `sent_again`, `undecided`, `dead_letters`.
            Columns: Beacons (= Accepted + the reasons + Duplicates), Missing and Double (against
            the stage before; 0 and 0 if it balances), Pending (those of Missing that may still
            come), Cause. A stage that is not deployed, or could not be read whole, has no numbers;
            of the latter Cause is the reason.
        missing: a sample of the beacons that are missing or counted twice. Columns Stage, Kind
            (`missing` or `double`), Time (of its ten seconds, UTC), Metric, Item, beacon_id, event,
            clientid, page, Cause.
        start: where the first bucket begins, UTC.
        end: where the last one ends; None for now.
    """

    frame: pd.DataFrame
    missing: pd.DataFrame
    start: datetime
    end: datetime | None

    @property
    def balances(self) -> bool:
        """Whether no stage that is there misses a beacon or counts one twice: each was read."""
        return not self.unread and not self.frame[["Missing", "Double"]].sum().any()

    @property
    def is_complete(self) -> bool:
        """Whether the ledger can tell; if not, beacons are still on their way: read it again."""
        return not self.unread and not self.frame["Pending"].sum()

    @property
    def unread(self) -> list[str]:
        """The stages that could not be read whole, of which nothing is known."""
        from .ledger_words import UNKNOWN, state

        return [stage for stage in STAGES if state(self.frame, stage) == UNKNOWN]

    @property
    def wrong(self) -> int:
        """How many beacons are lost or counted twice, without those that may still come."""
        from .ledger_words import faults

        return sum(faults(self.frame, stage) for stage in STAGES)

    @cached_property
    def sentence(self) -> str:
        """What the ledger says, in words."""
        from .ledger_words import sentence

        return sentence(self.frame)

    @cached_property
    def picture(self) -> Picture:
        """The ledger as a picture: each stage a bar, with what flows on and what is missing."""
        from .ledger_chart import draw_ledger

        return draw_ledger(self.frame, self.start, self.end)

    def _repr_html_(self) -> str:
        from .ledger_words import table_html

        return self.picture._repr_html_() + table_html(self.frame, self.missing)

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{self.frame.to_string()}"


@waiting("Asking every stage for its beacons")
def ledger(cloud: Cloud, start: datetime | None = None, end: datetime | None = None) -> Ledger:
    """Account for every beacon of a range of time, at every stage of its journey.

    A beacon belongs to the ten seconds in which it counts: those of its request if it is accepted,
    else those of its arrival. While traffic flows, the latest ones are still on their way.

    Args:
        cloud: where the stages are.
        start: an aware datetime; None for the earliest beacon of the journal (of this deployment,
            and of the last day). It is taken back to the edge of a bucket.
        end: an aware datetime (exclusive); None for now.

    Returns:
        The ledger: `.balances`, `.frame`, `.missing`, `.sentence`, `.picture`.

    Raises:
        WorkshopError: no time lies between start and end; an archived object is damaged.

    Example:
        `ledger(cloud).balances` -> `True`
    """
    span = _range(cloud, start, end)
    begun = time.time()
    unread: dict[str, str] = {}
    # The last stage first: what is on its way meanwhile is missing there, and never one too many.
    read = partial(_unless_absent, cloud, span, unread)
    counts = {
        "cloudwatch": read("cloudwatch", stages.shown),
        "dynamodb": read("dynamodb", stages.stored),
        "flink": read("flink", stages.counted_by_flink),
    }
    records = read("archived", stages.archived)
    journal = _journal(cloud)
    suspects = Suspects(cloud, records, begun)
    rows = _first_rows(journal, records, span, suspects)
    before = None if records is None else stages.cells(records[span.holds(records["Bucket"])])
    for name in STAGES[3:]:
        counted = counts[name]
        rows[name] = row(counted)
        if counted is None:
            continue
        if name == "cloudwatch" and before is not None:
            admitted = admitted_items(cloud)
            before = as_dimensions(before.rename("Value").reset_index(), admitted, span)
            before = stages.cells(before, before["Value"])
            records = None if records is None else as_dimensions(records, admitted, span)
        if before is not None:
            if name == "flink":
                before = decided(before, counted, records[span.holds(records["Bucket"])])
            found = differences(before, counted)
            suspects.cells(name, found, records, counted)
            rows[name] |= {
                "Missing": int(-found[found < 0].sum()),
                "Double": int(found[found > 0].sum()),
            }
        before = counted
    rows["dead_letters"] = {"Beacons": suspects.dead_letters()}
    frame = pd.DataFrame(list(rows.values()), list(rows), list(COLUMNS)).astype("Int64")
    pending = pd.Series(suspects.pending, dtype="Int64").reindex(frame.index, fill_value=0)
    frame["Pending"] = pending.where(frame["Missing"].notna())
    missing = explained_causes(suspects, frame)
    causes = [unread.get(name) or _words(missing[missing["Stage"] == name]) for name in frame.index]
    frame["Cause"] = causes
    return Ledger(frame.rename_axis("Stage"), missing, span.start, span.end)


def _range(cloud: Cloud, start: datetime | None, end: datetime | None) -> Range:
    if start is None:
        now = datetime.now(UTC)
        first = _own_times(_journal(cloud)).min()
        start = now - timedelta(hours=1)
        if first == first:  # there is one
            start = max(datetime.fromtimestamp(first, UTC), now - _LONGEST)
    checked_span(0, start, end)  # refuses an empty one, or a time without its zone
    return stages.whole_buckets(start, end)


def _journal(cloud: Cloud) -> pd.DataFrame:
    """Return the journal of what was sent since the stream was made: before, nothing was there."""
    folder, made = journal_folder(target_name(cloud)), _made(cloud)
    sizes = tuple((path.name, path.stat().st_size) for path in results.written_since(folder, made))
    journal = _read_once(folder, made, sizes)
    return journal[journal["sent_at"] >= made * 1000].reset_index(drop=True)


@lru_cache(maxsize=1)
def _read_once(folder: Path, since: float, sizes: tuple[tuple[str, int], ...]) -> pd.DataFrame:  # noqa: ARG001
    """Read the journals; while nothing is sent they need no second reading."""
    return results.frame(folder, since)


def _journaled_until(journal: pd.DataFrame) -> float:
    """Return until when all that was sent is in the journal, epoch seconds."""
    until = time.time() - _JOURNAL_SECONDS
    if journal.empty or not any(map(running_pid, ("live", "replay"))):
        return until
    # On a busy machine a generator that runs may write later; it writes all its answers at once.
    return min(until, journal["sent_at"].max() / 1000 - ANSWER_SECONDS)


def _made(cloud: Cloud) -> float:
    """Return when the clicks stream was made, epoch seconds; 0 if there is none."""
    try:
        return stream_summary(cloud, "clicks")["StreamCreationTimestamp"].timestamp()
    except NotDeployed:
        return 0


def _unless_absent(
    cloud: Cloud, span: Range, unread: dict[str, str], name: str, read: Callable
) -> Any:  # noqa: ANN401 - what the stage's reader returns
    """Return what a stage counted; None if it is not there, or not all of it can be read."""
    try:
        with explained():
            return read(cloud, span)
    except NotDeployed:
        return None
    except (IncompleteError, TemporaryFailure) as error:
        unread[name] = f"not read whole: {error.cause} {error.remedy}"
        return None


def _own_times(journal: pd.DataFrame) -> pd.Series:
    """Return where each entry counts as far as the journal knows, in epoch seconds."""
    late = journal["requested_at"].where(journal["expect"] == "accepted")
    requested = times(late)
    sent = times(journal["sent_at"])
    counted = requested.fillna(sent).dt.floor(f"{BUCKET_SECONDS}s")
    return counted.dt.as_unit("s").astype("int64") if len(counted) else pd.Series(dtype="int64")


def _first_rows(
    journal: pd.DataFrame, records: pd.DataFrame | None, span: Range, suspects: Suspects
) -> dict[str, dict[str, int | None]]:
    """Return the rows of the journal and of the archive; tell the suspects what is missing."""
    found = pd.Series(dtype="int64") if records is None else matches(journal, records)
    own = _own_times(journal)
    if len(found):
        own.update(pd.Series(records.loc[found.to_numpy(), "Bucket"].to_numpy(), index=found.index))
    inside = journal[span.holds(own)]
    status, known = inside["status"], inside.index.isin(found.index)
    answered = status.eq(200).fillna(False).astype(bool)
    unsent = status.eq(0).fillna(False).astype(bool)
    rows = {
        "sent": expected(inside[~unsent]),
        "unanswered": expected(inside[status.isna()]),
        "refused": expected(inside[~answered & ~unsent & status.notna()]),
        "answered": expected(inside[answered]) | {"Missing": 0, "Double": 0},
        "unanswered_but_logged": expected(inside[~answered & known]),
    }
    if records is None:
        return rows | {"not_in_journal": {}, "sent_again": {}, "undecided": {}, "archived": {}}
    rest = records[~records.index.isin(found) & span.holds(records["Bucket"])]
    # An agent sent it again, whether or not Flink remembers the first.
    is_copy = rest["fate"].eq("duplicate") | records["beacon_id"].duplicated()[rest.index]
    again, rest = rest[is_copy], rest[~is_copy]
    twice = repeated(journal, rest) & (rest["received_at"] < _journaled_until(journal) * 1000)
    lost = inside[answered & ~known]
    suspects.missing_records(lost)
    suspects.double_records(rest[twice])
    counted = records[span.holds(records["Bucket"])]
    differences: dict[str, int | None] = {"Missing": len(lost), "Double": int(twice.sum())}
    return rows | {
        "not_in_journal": row(stages.cells(rest[~twice])),
        "sent_again": row(stages.cells(again)),
        "undecided": row(stages.cells(counted[counted["undecided"].notna()])),
        "archived": row(stages.cells(counted)) | differences,
    }


def _words(rows: pd.DataFrame) -> str:
    return "; ".join(rows["Cause"].value_counts().index[:2])
