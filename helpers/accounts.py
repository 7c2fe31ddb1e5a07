"""The ledger: at each stage of the journey how many beacons it counted, and which are missing.

    sent -> answered -> archived -> Flink's counts -> DynamoDB -> CloudWatch

Every stage is read on its own, none from the one before, and compared cell by cell (ten seconds,
and what was counted): one beacon too few and one too many do not make zero.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd
from botocore.exceptions import ClientError

from . import stages
from .balance import ACCEPTED, BUCKET_SECONDS, DUPLICATES, REJECTED
from .causes import Suspects, explained_causes
from .cloud import Cloud
from .data import OTHER, catalog
from .errors import WorkshopError
from .generator import results
from .generator.process import target_name
from .generator.run import journal_folder
from .matching import matches, repeated
from .picture import Picture
from .reading import span as checked_span
from .reconciling import by_dimension, moved_from_other
from .stages import Range
from .waiting import waiting

STAGES = ("sent", "answered", "archived", "flink", "dynamodb", "cloudwatch")
REASONS = ("unparsable", "too_long", "from_the_future", "too_late")
COLUMNS = ("Beacons", "Accepted", *REASONS, "other_reasons", "Duplicates", "Missing", "Double")
# The metrics stream keeps a day. The rest is for the time that reading takes.
_LONGEST = timedelta(hours=23, minutes=50)
# A beacon is journaled once its answer is there (ten seconds at most) and the file is written.
_JOURNAL_SECONDS = 15


@dataclass(frozen=True)
class Ledger:
    """An account of every beacon of a range of time; as the last line of a cell it is shown.

    Args:
        frame: one row a stage and, between them, what is no loss: `unanswered`, `refused`,
            `unanswered_but_logged`, `not_in_journal`, `sent_again`, `dead_letters`. Columns:
            Beacons (= Accepted + the reasons + Duplicates), Missing and Double (against the stage
            before; 0 and 0 if it balances), Cause. A stage that is not deployed has no numbers.
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
        """Whether no stage that is there misses a beacon or counts one twice."""
        return not self.frame[["Missing", "Double"]].sum().any()

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
    # The last stage first: what is on its way meanwhile is missing there, and never one too many.
    shown = _unless_absent(stages.shown, cloud, span)
    stored = _unless_absent(stages.stored, cloud, span)
    flink = _unless_absent(stages.counted_by_flink, cloud, span)
    records = _unless_absent(stages.archived, cloud, span)
    journal = _journal(cloud)
    suspects = Suspects(cloud, records, begun)
    rows = _first_rows(journal, records, span, suspects)
    before = None if records is None else stages.cells(records[span.holds(records["Bucket"])])
    for name, counted in (("flink", flink), ("dynamodb", stored), ("cloudwatch", shown)):
        rows[name] = _row(counted)
        if counted is None:
            continue
        if name == "cloudwatch":
            admitted = _admitted(cloud)
            before = _as_dimensions(before.rename("Value").reset_index(), admitted, span)
            before = stages.cells(before, before["Value"])
            records = _as_dimensions(records, admitted, span)
        differences = _differences(before, counted)
        suspects.cells(name, differences, records, counted)
        rows[name] |= {
            "Missing": int(-differences[differences < 0].sum()),
            "Double": int(differences[differences > 0].sum()),
        }
        before = counted
    rows["dead_letters"] = {"Beacons": suspects.dead_letters()}
    frame = pd.DataFrame(list(rows.values()), list(rows), list(COLUMNS)).astype("Int64")
    missing = explained_causes(suspects, frame)
    frame["Cause"] = [_words(missing[missing["Stage"] == name]) for name in frame.index]
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


def _made(cloud: Cloud) -> float:
    """Return when the clicks stream was made, epoch seconds; 0 if there is none."""
    kinesis = cloud.client("kinesis")
    try:
        told = kinesis.describe_stream_summary(StreamName=cloud.name("clicks"))
    except kinesis.exceptions.ResourceNotFoundException:
        return 0
    return told["StreamDescriptionSummary"]["StreamCreationTimestamp"].timestamp()


def _unless_absent(read: Callable, cloud: Cloud, span: Range) -> pd.Series | pd.DataFrame | None:
    try:
        return read(cloud, span)
    except WorkshopError as error:
        # An answer that it does not exist; whatever else went wrong is no "not deployed".
        if isinstance(error.__cause__, ClientError):
            return None
        raise


def _own_times(journal: pd.DataFrame) -> pd.Series:
    """Return where each entry counts as far as the journal knows, in epoch seconds."""
    late = journal["requested_at"].where(journal["expect"] == "accepted")
    requested = pd.to_datetime(late.astype("Int64"), unit="ms", utc=True)
    sent = pd.to_datetime(journal["sent_at"].astype("Int64"), unit="ms", utc=True)
    times = requested.fillna(sent).dt.floor(f"{BUCKET_SECONDS}s")
    return times.dt.as_unit("s").astype("int64") if len(times) else pd.Series(dtype="int64")


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
        "sent": _expected(inside[~unsent]),
        "unanswered": _expected(inside[status.isna()]),
        "refused": _expected(inside[~answered & ~unsent & status.notna()]),
        "answered": _expected(inside[answered]) | {"Missing": 0, "Double": 0},
        "unanswered_but_logged": _expected(inside[~answered & known]),
    }
    if records is None:
        return rows | dict.fromkeys(("not_in_journal", "sent_again", "archived"), {})
    rest = records[~records.index.isin(found) & span.holds(records["Bucket"])]
    again = rest[rest["fate"] == "duplicate"]
    rest = rest[rest["fate"] != "duplicate"]
    settled = rest["received_at"] < (datetime.now(UTC).timestamp() - _JOURNAL_SECONDS) * 1000
    twice = repeated(journal, rest) & settled
    lost = inside[answered & ~known]
    suspects.missing_records(lost)
    suspects.double_records(rest[twice])
    counted = records[span.holds(records["Bucket"])]
    differences: dict[str, int | None] = {"Missing": len(lost), "Double": int(twice.sum())}
    return rows | {
        "not_in_journal": _row(stages.cells(rest[~twice])),
        "sent_again": _row(stages.cells(again)),
        "archived": _row(stages.cells(counted)) | differences,
    }


def _expected(entries: pd.DataFrame) -> dict[str, int | None]:
    counts = entries["expect"].value_counts()
    reasons = {reason: int(counts.get(reason, 0)) for reason in REASONS}
    numbers = {
        "Accepted": int(counts.get("accepted", 0)),
        **reasons,
        "Duplicates": int(counts.get("duplicate", 0)),
    }
    other = len(entries) - sum(numbers.values())
    return {"Beacons": len(entries), **numbers, "other_reasons": other}


def _row(counted: pd.Series | None) -> dict[str, int | None]:
    if counted is None:
        return {}
    metrics = counted.index.get_level_values("Metric")
    reasons = counted[metrics == REJECTED].groupby(level="Item").sum()
    known = {reason: int(reasons.get(reason, 0)) for reason in REASONS}
    return {
        "Beacons": int(counted.sum()),
        "Accepted": int(counted[metrics == ACCEPTED].sum()),
        **known,
        "other_reasons": int(reasons.sum()) - sum(known.values()),
        "Duplicates": int(counted[metrics == DUPLICATES].sum()),
    }


def _differences(before: pd.Series, counted: pd.Series) -> pd.Series:
    """Return by how much a stage counted more (or less) than the one before, where it differs."""
    differences = counted.sub(before, fill_value=0).astype("int64")
    differences = differences[differences != 0]
    copies = differences.index.get_level_values("Metric") == DUPLICATES
    if differences[copies].sum() == 0:
        # Flink that catches up may read a copy before its first: the copy then counts where the
        # first arrived. Their number is the same, and no beacon is missing or counted twice.
        differences = differences[~copies]
    for cell in differences[differences.index.get_level_values("Item") == OTHER].index:
        of_bucket = differences.loc[cell[:2]]
        if moved_from_other(of_bucket):
            differences = differences.drop([(*cell[:2], item) for item in of_bucket.index])
    return differences


def _admitted(cloud: Cloud) -> dict[str, set[str]]:
    rows = catalog(cloud)
    return dict(zip(rows["MetricType"], map(set, rows["Items"]), strict=True))


def _as_dimensions(rows: pd.DataFrame, admitted: dict[str, set[str]], span: Range) -> pd.DataFrame:
    """Return rows with the cells in which CloudWatch counts: by dimension value, and by period."""
    items = [
        by_dimension(some["Item"], admitted.get(metric, set()))
        for metric, some in rows.groupby("Metric")
    ]
    items = pd.concat(items) if items else rows["Item"]
    return rows.assign(Item=items, Bucket=rows["Bucket"] // span.seconds * span.seconds)


def _words(rows: pd.DataFrame) -> str:
    return "; ".join(rows["Cause"].value_counts().index[:2])
