"""A stream that accepts all records and stores nothing, to measure only the program that puts."""

import asyncio
import json
import re
import threading

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Sink:
    """Answers PutRecords on a free port of 127.0.0.1, in a thread, and counts the records.

    Example:
        `with Sink() as sink: ...`; clients use `sink.url`, and `sink.records` counts.
    """

    def __init__(self) -> None:
        self.records = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Sink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"100-continue" in head:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                if (length := _LENGTH.search(head)) is None:
                    raise ValueError(f"a request without a length: {head!r}")
                body = await reader.readexactly(int(length[1]))
                writer.write(self._answer(body.count(b'"PartitionKey"')))
        except asyncio.IncompleteReadError:
            writer.close()

    def _answer(self, count: int) -> bytes:
        result = {"SequenceNumber": "0" * 30, "ShardId": "shardId-000000000000"}
        body = json.dumps({"FailedRecordCount": 0, "Records": [result] * count}).encode()
        self.records += count
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
