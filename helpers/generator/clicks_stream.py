"""Puts records directly to the clicks stream, without the beacon servers."""

from collections.abc import Callable
from typing import Any

from assets.agent import access_log

from .beacon import Beacon
from .journal import NOT_SENT, entry

MOST_RECORDS = 500  # of one PutRecords call


class ClicksStream:
    """The clicks stream; to be used by one thread only.

    Args:
        kinesis: returns the boto3 client of Kinesis; called when it is first needed.
        name: the stream's name.
        note: called with the journal entry of each record that was put.
    """

    def __init__(
        self, kinesis: Callable[[], Any], name: str, note: Callable[[dict], object]
    ) -> None:
        self._make_client, self._name, self._note = kinesis, name, note
        self._client: Any = None
        self.problem: str | None = None

    def attempt(self, action: Callable[[Any, str], Any]) -> Any:  # noqa: ANN401 - as the action's
        """Return the result of an action; None if AWS fails: `problem` then contains the error.

        Args:
            action: called with the boto3 client of Kinesis and the stream's name.
        """
        import botocore.exceptions

        try:
            if self._client is None:
                self._client = self._make_client()
            result = action(self._client, self._name)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self.problem = f"Late beacons and duplicates can't reach {self._name}: {error}"
            return None
        self.problem = None
        return result

    def put(self, beacons: list[Beacon], records: list[dict], now: float) -> None:
        """Put records, and report the outcome of each.

        Args:
            beacons: the beacon of each record, for the journal.
            records: click records, at most `MOST_RECORDS`.
            now: their `shipped_at`, epoch seconds.
        """
        shipped_at = int(now * 1000)
        entries = [
            {"Data": access_log.encode(record, shipped_at), "PartitionKey": record["beacon_id"]}
            for record in records
        ]
        answer = self.attempt(
            lambda kinesis, name: kinesis.put_records(StreamName=name, Records=entries)
        )
        results = answer["Records"] if answer else [{"ErrorCode": "NotSent"}] * len(records)
        for beacon, record, result in zip(beacons, records, results, strict=True):
            status = NOT_SENT if "ErrorCode" in result else 200
            more = {name: record[name] for name in ("beacon_id", "requested_at")}
            self._note(entry(beacon, now, status, **more))
