"""Records that go straight to the clicks stream, past the beacon servers."""

from collections.abc import Callable
from typing import Any

from assets.agent import access_log

from .beacon import Beacon
from .journal import NOT_SENT, entry

MOST_RECORDS = 500  # of one PutRecords call


class ClicksStream:
    """The clicks stream, for one thread.

    Args:
        kinesis: makes the boto3 client of Kinesis; called once it is needed.
        name: the stream's name.
        note: called with the journal entry of each record that was put.
    """

    def __init__(self, kinesis: Callable[[], Any], name: str, note: Callable[[dict], None]) -> None:
        self._make_client, self._name, self._note = kinesis, name, note
        self._client: Any = None
        self.problem: str | None = None

    def attempt(self, action: Callable[[Any, str], Any]) -> Any:  # noqa: ANN401 - as the action's
        """Return what an action returns; None if AWS fails, and `problem` then says why.

        Args:
            action: takes the boto3 client of Kinesis and the stream's name.
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
        """Put records, and note each one's outcome.

        Args:
            beacons: what the journal says of each record.
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
