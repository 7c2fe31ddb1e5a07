"""The beacons in which a stage differs from the one before, and the likely cause, in words.

Only a difference leads to an AWS call here: a ledger that balances costs nothing.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers.core.aws_errors import explained
from helpers.core.beacon_definition import BUCKET_SECONDS
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, TemporaryFailure
from helpers.stores.archive import FIELDS, archive_interval, read_record
from helpers.stores.kinesis import records

from .dead_letters import PROCESS, PUBLISH, failure_queue
from .record_matching import matches
from .stage_counts import CELL

SAMPLE = 20  # how many beacons of a stage and kind are listed
MISSING, DOUBLE = "missing", "double"
# Flink, the functions and CloudWatch take a second or two, on a busy machine longer.
_ON_THE_WAY_SECONDS = 20
# On a very busy machine, or while Lambda retries a function, a stage may be minutes behind.
_BEHIND_SECONDS = 300
_STREAM_RECORDS = 500_000  # so much of the clicks stream is searched for a lost beacon
_FUNCTIONS = {"dynamodb": PROCESS, "cloudwatch": PUBLISH}
SAMPLE_COLUMNS = ["Stage", "Kind", "Time", "Metric", "Item", "beacon_id", "event", "clientid",
                  "page", "Cause"]  # fmt: skip


class Discrepancy(NamedTuple):
    """A beacon that a stage lacks or counted twice. A table of them has these columns.

    Args:
        kind: MISSING or DOUBLE.
        metric: the metric of the cell that counts it; None in the archive, which has no cells.
        item: the item of that cell.
        at: the start of that cell's bucket, epoch seconds; in the archive, the same as `since`.
        since: when it was shipped (if the archive lacks it, sent), epoch seconds; the start of
            its bucket where no archived record is known.
        beacons: how many beacons this row represents, because of some only the cell is known.
        searched: whether the whole clicks stream was searched for its beacon_id.
    """

    kind: str
    metric: str | None
    item: str | None
    at: float
    since: float
    beacons: int
    searched: bool
    beacon_id: str | None
    event: str | None
    clientid: str | None
    page: str | None


@dataclass(frozen=True)
class Context:
    """The state of a stage, on which the likely cause of its discrepancies depends.

    Args:
        stage: the stage's name.
        now: when reading the stages began, epoch seconds.
        newest: the newest bucket that it counted (archive: time of receipt), epoch seconds.
        lacking: how many beacons the stage before lacks.
        interval: seconds between two objects of the archive; 0 for other stages.
        status: the Flink application's status.
        gave_up: whether the function that fills the stage has batches in its dead-letter queue.
    """

    stage: str
    now: float
    newest: float = 0
    lacking: int = 0
    interval: int = 0
    status: str = "RUNNING"
    gave_up: bool = False

    @property
    def usual_seconds(self) -> int:
        """The longest time that a beacon takes to this stage when nothing fails."""
        return _ON_THE_WAY_SECONDS + 2 * self.interval


def archive_discrepancies(
    cloud: Cloud, lost: pd.DataFrame, doubles: pd.DataFrame, records: pd.DataFrame
) -> pd.DataFrame:
    """Return the beacons in which the archive differs from the journal.

    Args:
        cloud: where the clicks stream is, which is searched for the first of the lost beacons.
        lost: journal entries that were answered and are not in the archive.
        doubles: further archived records of a beacon that the journal has once.
        records: all archived records.
    """
    lost = lost.sort_values("sent_at")
    names, is_cut = _shipped(cloud, lost.head(SAMPLE), records)
    beacon_id = [own if pd.notna(own) else names.get(i) for i, own in lost["beacon_id"].items()]
    lost = lost.assign(beacon_id=beacon_id, searched=not is_cut)
    return _discrepancies(
        lost.assign(kind=MISSING, since=lost["sent_at"] / 1000),
        doubles.assign(kind=DOUBLE, since=doubles["shipped_at"] / 1000),
    )


def differing_cells(differences: pd.Series, records: pd.DataFrame | None) -> pd.DataFrame:
    """Return the beacons in which a stage counted more or less than the one before.

    Args:
        differences: this stage's count less the one before's, by cell.
        records: the archived records, each with the cell that counts it at this stage; None if
            the archive was not read.
    """
    cells = pd.DataFrame(
        {"kind": np.where(differences < 0, MISSING, DOUBLE), "beacons": differences.abs()}
    )
    if records is None:
        records = pd.DataFrame(columns=[*CELL, *FIELDS]).astype({"Bucket": "int64"})
    known = records.join(cells, on=CELL, how="inner").reset_index(drop=True)
    known = known.sort_values("received_at")
    # A stage that is behind lacks the newest beacons of a cell.
    known = known[known.groupby(CELL).cumcount(ascending=False) < known["beacons"]]
    rest = cells["beacons"].sub(known.groupby(CELL).size(), fill_value=0).astype("int64")
    unknown = cells.assign(beacons=rest)[rest > 0].reset_index()
    known = known.assign(beacons=1)
    tables = (
        rows.assign(since=since, at=rows["Bucket"], metric=rows["Metric"], item=rows["Item"])
        for rows, since in ((known, known["shipped_at"] / 1000), (unknown, unknown["Bucket"]))
    )
    return _discrepancies(*tables).sort_values("at", kind="stable")


def _discrepancies(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return one table with the columns of `Discrepancy`, with a default for those not given."""
    completed = [
        pd.DataFrame({"metric": None, "item": None, "at": table["since"], "beacons": 1,
                      "searched": True} | dict(table.items()))
        for table in tables if len(table)
    ]  # fmt: skip
    return pd.concat(completed, ignore_index=True).reindex(columns=list(Discrepancy._fields))


def context_of(cloud: Cloud, stage: str, discrepancies: pd.DataFrame, **known: Any) -> Context:
    """Return the context of a stage's discrepancies; calls AWS only if beacons are missing.

    Args:
        cloud: where the stages are.
        stage: the stage's name.
        discrepancies: the stage's discrepancies.
        known: `now`, `newest` and `lacking` of the `Context`.
    """
    context = Context(stage, **known)
    if not discrepancies["kind"].eq(MISSING).any():
        return context
    if stage == "archived":
        return replace(context, interval=archive_interval(cloud))
    if stage == "flink":
        described = cloud.client("kinesisanalyticsv2").describe_application(
            ApplicationName=cloud.name("analytics")
        )
        return replace(context, status=described["ApplicationDetail"]["ApplicationStatus"])
    return replace(context, gave_up=bool(dead_letters(cloud, _FUNCTIONS[stage])))


def pending(discrepancies: pd.DataFrame, context: Context) -> int:
    """Return how many of a stage's missing beacons may still arrive."""
    missing = discrepancies[discrepancies["kind"] == MISSING]
    return int(missing["beacons"][_may_come(missing["at"], missing["since"], context)].sum())


def diagnosed_sample(discrepancies: pd.DataFrame, context: Context) -> list[dict[str, Any]]:
    """Return a sample of a stage's discrepancies, each with its likely cause.

    Returns:
        At most SAMPLE of each kind, as dicts with SAMPLE_COLUMNS.
    """
    # Where some beacons of a cell are known, the others are not listed.
    repeats = discrepancies[["metric", "at", "item"]].duplicated()
    unknown = discrepancies["metric"].notna() & discrepancies["beacon_id"].isna()
    sample = discrepancies[~(repeats & unknown)].groupby("kind").head(SAMPLE).astype(object)
    return [
        {
            "Stage": context.stage,
            "Kind": row.kind,
            "Time": datetime.fromtimestamp(row.at // BUCKET_SECONDS * BUCKET_SECONDS, UTC),
            "Metric": row.metric,
            "Item": row.item,
            "beacon_id": row.beacon_id,
            "event": row.event,
            "clientid": row.clientid,
            "page": row.page,
            "Cause": diagnose(row, context),
        }
        for row in map(
            Discrepancy._make, sample.where(sample.notna(), None).itertuples(index=False)
        )
    ]


def diagnose(row: Discrepancy, context: Context) -> str:
    """Return the likely cause of a discrepancy.

    Args:
        row: the discrepancy.
        context: the context of its stage.

    Example:
        `diagnose(row, context)` -> `"put twice into CloudWatch: reconcile(cloud, repair=True)"`
    """
    if row.kind == DOUBLE:
        return _why_double(context)
    if _may_come(row.at, row.since, context):
        return _why_pending(context.now - row.since, context)
    if context.stage == "archived":
        return _why_not_archived(row)
    if context.stage == "flink":
        if context.status != "RUNNING":
            return f"Flink is stopped ({context.status}): start_analytics(cloud)"
        return "Flink did not count it, or is behind: read its log"
    if context.gave_up:
        return "in the dead-letter queue: replay_dead_letters(cloud)"
    if context.stage == "cloudwatch":
        return "missing in CloudWatch: reconcile(cloud, repair=True)"
    return "DynamoDB has no such row, or an older one: it was deleted, or process-metrics failed"


def _may_come(at: Any, since: Any, context: Context) -> Any:  # noqa: ANN401 - numbers or columns
    """Return whether missing beacons may still arrive at a stage."""
    age = context.now - since
    is_behind = (age < _BEHIND_SECONDS) & (at >= context.newest) & (not context.gave_up)
    return ((age < context.usual_seconds) | is_behind) & (context.status == "RUNNING")


def _why_pending(age: float, context: Context) -> str:
    if age >= context.usual_seconds:
        return f"still on its way: this stage is {age:.0f} s behind"
    if context.stage == "archived":
        return f"still on its way: the archive is written every {context.interval} s"
    return "still on its way: it takes a second or two"


def _why_not_archived(row: Discrepancy) -> str:
    if row.beacon_id is not None:
        return "shipped, but not in the archive: an object is missing, or Firehose failed"
    if not row.searched:
        return "not in the archive; the clicks stream is too long to be searched for it"
    return "the agent has not shipped it (yet): it is not in the clicks stream"


def _why_double(context: Context) -> str:
    if context.stage == "archived":
        return "logged twice, or its journal line was lost when the generator was killed"
    if context.lacking:
        return "not lost: only the stage before lacks it"
    if context.stage == "cloudwatch":
        return "put twice into CloudWatch: reconcile(cloud, repair=True)"
    return "counted twice, or put there by hand"


def dead_letters(cloud: Cloud, function: str | None = None) -> int | None:
    """Return how many batches are in the functions' dead-letter queues; None if it is not known.

    Args:
        cloud: where the queues are.
        function: count this function's batches only, e.g. `"process-metrics"`.

    Raises:
        WorkshopError: AWS refuses the request.
    """
    counts = [_queued(cloud, each) for each in ([function] if function else _FUNCTIONS.values())]
    return sum(filter(None, counts)) if any(each is not None for each in counts) else None


def _queued(cloud: Cloud, function: str) -> int | None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    try:
        with explained(f"The dead-letter queue of {function}", "2-analyze"):
            url = failure_queue(cloud, function)
            if url is None:
                return None
            queue = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    except (NotDeployed, TemporaryFailure):
        return None
    return sum(int(queue["Attributes"][name]) for name in names)


def _shipped(
    cloud: Cloud, entries: pd.DataFrame, records: pd.DataFrame
) -> tuple[dict[int, str], bool]:
    """Return the beacon_id of each lost entry that is in the clicks stream, by the entry's index.

    And whether the stream has more records than were searched.
    """
    if entries.empty:
        return {}, False
    since, archived = entries["sent_at"].min() / 1000 - 1, set(records["beacon_id"])
    clicks, is_cut = _clicks(cloud, since, archived)
    frame = pd.DataFrame(clicks, columns=list(FIELDS)).astype({"rejected": object})
    frame = frame.assign(outcome="accepted", reason=frame["rejected"])
    pairs = matches(entries, frame)
    return {entry: frame.loc[record, "beacon_id"] for entry, record in pairs.items()}, is_cut


def _clicks(cloud: Cloud, begins: float, known: set[str]) -> tuple[list[dict], bool]:
    """Return the records that arrived in the clicks stream since a moment and are not known.

    And whether the stream has more records than were searched.
    """
    clicks: list[dict[str, Any]] = []
    for number, entry in enumerate(records(cloud, "clicks", begins)):
        if number >= _STREAM_RECORDS:
            return clicks, True
        record = read_record(entry["Data"])
        if "beacon_id" in record and record["beacon_id"] not in known:
            clicks.append(record)
    return clicks, False
