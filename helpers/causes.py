"""Which beacons a stage lacks or counted twice, and the likely reason, in words.

Only a difference asks for this, and only for a sample: an account that balances costs nothing here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from .archive import FIELDS
from .cloud import Cloud
from .dead_letter_queue import PROCESS, PUBLISH, failure_queue
from .matching import matches
from .stream import records

SAMPLE = 20  # beacons of a stage that are named
# Flink, the functions and CloudWatch take a second or two; on a busy machine longer.
_ON_THE_WAY_SECONDS = 20
# On a very busy machine, or while a function is tried again, a stage may be minutes behind.
_BEHIND_SECONDS = 300
_STREAM_RECORDS = 500_000  # as many of the clicks stream are looked at for a lost beacon
_FUNCTIONS = {"dynamodb": PROCESS, "cloudwatch": PUBLISH}
_COLUMNS = ["Stage", "Kind", "Time", "Metric", "Item", "beacon_id", "event", "clientid", "page",
            "Cause"]  # fmt: skip


class Suspects:
    """What differs between two stages, as it is found, and where to look for the reason.

    Args:
        cloud: where the stages are.
        records: the archived records, as `stages.archived` returns them; None if there are none.
        now: when the stages were read, epoch seconds: reading them takes a while, too.

    Attributes:
        rows: a sample of the beacons in which stages differ.
        pending: by stage, how many of the missing beacons may still come.
    """

    def __init__(self, cloud: Cloud, records: pd.DataFrame | None, now: float) -> None:
        self.cloud, self.records, self.now = cloud, records, now
        self._newest: dict[str, int] = {}
        self._failed: dict[str, bool] = {}
        self.rows: list[dict] = []
        self.pending: Counter[str] = Counter()
        self._lost = pd.DataFrame()
        self._cut = False  # whether more is in the clicks stream than was looked at
        if records is not None and records["received_at"].notna().any():
            self._newest["archived"] = int(records["received_at"].max()) // 1000

    def missing_records(self, entries: pd.DataFrame) -> None:
        """Take note of journal entries that were answered and are not in the archive."""
        times = entries["sent_at"] / 1000
        self.pending["archived"] = self._pending("archived", zip(times, times, strict=True))
        self._lost = entries.sort_values("sent_at").head(SAMPLE)
        names = self._shipped
        for index, entry in self._lost.iterrows():
            told = entry["beacon_id"] if pd.notna(entry["beacon_id"]) else names.get(index)
            self._add("archived", "missing", entry, entry["sent_at"], told)

    def double_records(self, records: pd.DataFrame) -> None:
        """Take note of archived records that say once more what the journal says."""
        for _, record in records.head(SAMPLE).iterrows():
            self._add("archived", "double", record, record["shipped_at"], record["beacon_id"])

    def cells(
        self, stage: str, differences: pd.Series, records: pd.DataFrame | None, counted: pd.Series
    ) -> None:
        """Take note of the cells in which a stage counted more or less than the one before.

        Args:
            stage: its name.
            differences: this stage's count less the one before's, by cell.
            records: the archived records, each with the cell in which this stage counts it; None if
                the archive was not read.
            counted: all that this stage counted, by cell.
        """
        self._newest[stage] = counted.index.get_level_values("Bucket").max() if len(counted) else 0
        if differences.empty:
            return
        of_cell = {}
        if records is not None:
            of_cell = dict(list(records.groupby(["Metric", "Bucket", "Item"], sort=False)))
        left = {"missing": SAMPLE, "double": SAMPLE}
        for cell, difference in differences.sort_index(level="Bucket").items():
            kind = "missing" if difference < 0 else "double"
            # The newest of a cell are those that a stage lacks which is behind.
            some = of_cell.get(cell, pd.DataFrame(columns=[*FIELDS])).sort_values("received_at")
            some = some.tail(abs(difference))
            if kind == "missing":
                # Of what the archive lacks, too, only the bucket is known.
                times = [*(some["shipped_at"] / 1000), *[cell[1]] * (-difference - len(some))]
                self.pending[stage] += self._pending(stage, ((cell[1], at) for at in times))
            some = some.tail(left[kind])
            left[kind] -= len(some)
            for _, record in some.iterrows():
                self._add(stage, kind, record, record["shipped_at"], record["beacon_id"], cell)
            if some.empty and left[kind]:
                left[kind] -= 1
                self._add(stage, kind, pd.Series(dtype=object), cell[1] * 1000, None, cell)

    def dead_letters(self, function: str | None = None) -> int | None:
        """Return how many batches wait in the queues of what functions gave up; None without one.

        Args:
            function: of this function only, e.g. `"process-metrics"`.
        """
        found = [self._queued(name) for name in ([function] if function else _FUNCTIONS.values())]
        return sum(filter(None, found)) if any(each is not None for each in found) else None

    def _queued(self, function: str) -> int | None:
        try:
            url = failure_queue(self.cloud, function)
        except ClientError:
            return None
        if url is None:
            return None
        sqs = self.cloud.client("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def _add(
        self,
        stage: str,
        kind: str,
        beacon: pd.Series,
        at: float,
        beacon_id: str | None,
        cell: tuple[str | None, int | None, str | None] = (None, None, None),
    ) -> None:
        seconds = at / 1000 if cell[1] is None else cell[1]
        says = {name: beacon.get(name) for name in ("event", "clientid", "page")}
        self.rows.append(
            {
                "Stage": stage,
                "Kind": kind,
                "Time": datetime.fromtimestamp(seconds // 10 * 10, UTC),
                "Metric": cell[0],
                "Item": cell[2],
                "beacon_id": beacon_id,
                "age": self.now - at / 1000,
                **says,
            }
        )

    @cached_property
    def _shipped(self) -> dict[int, str]:
        """The beacon_id of each lost entry that is in the clicks stream, by the entry's index."""
        if self._lost.empty:
            return {}
        known = set() if self.records is None else set(self.records["beacon_id"])
        found, self._cut = _clicks(self.cloud, self._lost["sent_at"].min() / 1000 - 1, known)
        frame = pd.DataFrame(found, columns=list(FIELDS)).astype({"rejected": object})
        frame = frame.assign(fate="accepted", reason=frame["rejected"])
        pairs = matches(self._lost, frame)
        return {entry: frame.loc[record, "beacon_id"] for entry, record in pairs.items()}

    @cached_property
    def _interval(self) -> int:
        """Seconds between two objects of the archive."""
        described = self.cloud.client("firehose").describe_delivery_stream(
            DeliveryStreamName=self.cloud.name("archive")
        )["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
        return int(described.get("BufferingHints", {}).get("IntervalInSeconds", 300))

    @cached_property
    def _status(self) -> str:
        """The Flink application's status."""
        described = self.cloud.client("kinesisanalyticsv2").describe_application(
            ApplicationName=self.cloud.name("analytics")
        )
        return described["ApplicationDetail"]["ApplicationStatus"]

    def cause(self, row: dict, behind: int) -> str:
        """Return the likely reason of one row.

        Args:
            row: one of `rows`.
            behind: how many beacons the stage before lacks.
        """
        stage, kind, age = row["Stage"], row["Kind"], row["age"]
        if kind == "double":
            return self._why_double(stage, behind)
        at = self.now - age if stage == "archived" else row["Time"].timestamp()
        awaited = self._awaited(stage, at, age)
        if awaited is not None:
            return awaited
        if stage == "archived":
            return self._why_not_archived(row["beacon_id"])
        if stage == "flink" and self._status != "RUNNING":
            return f"Flink is stopped ({self._status}): start_analytics(cloud)"
        if stage != "flink" and self._gave_up(stage):
            return "in the dead-letter queue: replay_dead_letters(cloud)"
        if stage == "flink":
            return "Flink did not count it, or is behind: read its log"
        if stage == "cloudwatch":
            return "missing in CloudWatch: reconcile(cloud, repair=True)"
        return (
            "DynamoDB has no such row, or an older one: it was deleted, or process-metrics failed"
        )

    def _pending(self, stage: str, times: Iterable[tuple[float, float]]) -> int:
        return sum(self._awaited(stage, at, self.now - sent) is not None for at, sent in times)

    def _awaited(self, stage: str, at: float, age: float) -> str | None:
        """Return in words that a beacon may still come to a stage; None if it should be there.

        Args:
            stage: the stage that lacks it.
            at: when it was sent (archived) or in which bucket it counts, epoch seconds.
            age: for how many seconds it has been on its way.
        """
        usual = _ON_THE_WAY_SECONDS
        if stage == "archived":
            usual += 2 * self._interval
            if age < usual:
                return f"still on its way: the archive is written every {self._interval} s"
        if stage == "flink" and self._status != "RUNNING":
            return None
        if age < usual:
            return "still on its way: it takes a second or two"
        if age < _BEHIND_SECONDS and at >= self._newest.get(stage, 0) and not self._gave_up(stage):
            return f"still on its way: this stage is {age:.0f} s behind"
        return None

    def _gave_up(self, stage: str) -> bool:
        """Return whether batches of the function that fills a stage wait in its queue."""
        if stage not in self._failed:
            function = _FUNCTIONS.get(stage)
            self._failed[stage] = bool(function and self.dead_letters(function))
        return self._failed[stage]

    def _why_not_archived(self, beacon_id: str | None) -> str:
        if beacon_id is None or pd.isna(beacon_id):
            if self._cut:
                return "not in the archive; too much is in the clicks stream to look for it there"
            return "the agent has not shipped it (yet): it is not in the clicks stream"
        return "shipped, but not in the archive: an object is missing, or Firehose failed"

    def _why_double(self, stage: str, behind: int) -> str:
        if stage == "archived":
            return "logged twice, or its journal line was lost when the generator was killed"
        if behind:
            return "not lost: only the stage before lacks it"
        if stage == "cloudwatch":
            return "put twice into CloudWatch: reconcile(cloud, repair=True)"
        return "counted twice, or put there by hand"


def explained_causes(suspects: Suspects, frame: pd.DataFrame) -> pd.DataFrame:
    """Return all that was noted as a table, each with its likely cause.

    Args:
        suspects: after the last stage was compared.
        frame: the ledger's, in the order of the stages.
    """
    behind = defaultdict(int)
    last = 0
    for stage, missing in frame["Missing"].items():
        behind[stage] = last
        last = last if pd.isna(missing) else int(missing)
    rows = [row | {"Cause": suspects.cause(row, behind[row["Stage"]])} for row in suspects.rows]
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"Time": "datetime64[ns, UTC]"})


def _clicks(cloud: Cloud, begins: float, known: set[str]) -> tuple[list[dict], bool]:
    """Return the records that came to the clicks stream since a moment and are not known.

    And whether there is more in the stream than was looked at.
    """
    found: list[dict[str, Any]] = []
    for looked_at, entry in enumerate(records(cloud, "clicks", begins)):
        if looked_at >= _STREAM_RECORDS:
            return found, True
        record = _record(entry)
        if record and record["beacon_id"] not in known:
            found.append(record)
    return found, False


def _record(entry: dict) -> dict | None:
    try:
        record = json.loads(entry["Data"])
    except ValueError:
        return None
    return record if isinstance(record, dict) and "beacon_id" in record else None
