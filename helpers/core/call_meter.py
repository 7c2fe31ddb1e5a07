"""Counts AWS calls by who made them, and writes the caller into each request.

A caller is a notebook and the outermost public helper in it, e.g. `3-visualize.live_chart`. It is
added to the request's User-Agent as `workshop/3-visualize.live_chart`: the emulator counts by it,
and on AWS CloudTrail shows it. It costs nothing.
"""

import os
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from .billed_units import billed_units

_of_thread = threading.local()
_PLAIN = re.compile(r"[^\w.-]+")  # characters that a User-Agent's product may not have


@dataclass(frozen=True)
class Reading:
    """The calls of one operation by one caller until now.

    Args:
        caller: a notebook and a helper, or a part of the pipeline, e.g. `"publish-metrics"`.
        service: its name in boto3.
        operation: of the API.
        calls: how many.
        units: what they are billed for: names of prices, and counts.
    """

    caller: str
    service: str
    operation: str
    calls: int
    units: Mapping[str, float]


@dataclass
class CallMeter:
    """Counts calls; several threads may count at the same time."""

    since: float = field(default_factory=time.time)
    _counts: dict[tuple[str, str, str], dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    _lock: Any = field(default_factory=threading.Lock)

    def add(
        self, caller: str, service: str, operation: str, units: Mapping[str, float], calls: int = 1
    ) -> None:
        """Add calls of a caller, and what they are billed for."""
        with self._lock:
            counts = self._counts[caller, service, operation]
            counts["calls"] += calls
            for name, count in units.items():
                counts[name] += count

    def readings(self) -> list[Reading]:
        """Return all counts."""
        with self._lock:
            counted = {key: dict(counts) for key, counts in self._counts.items()}
        return [Reading(*key, int(counts.pop("calls")), counts) for key, counts in counted.items()]

    def watch(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        """Count the calls of a boto3 client, and write the caller into its requests."""
        service, events = client.meta.service_model.service_name, client.meta.events
        if service == "dynamodb":
            events.register("provide-client-params.dynamodb", _ask_for_capacity)
        events.register("before-call", self._note_caller)
        # botocore writes its own User-Agent last. (A signature does not contain it.)
        events.register_last("request-created", _write_caller)
        events.register(
            "after-call", lambda parsed, context, model, **_: self._count(parsed, context, model)
        )

    def _note_caller(self, params: dict, context: dict, **_: Any) -> None:  # noqa: ANN401
        context["workshop_caller"] = caller()
        context["workshop_body"] = params.get("body", b"")

    def _count(self, parsed: dict, context: dict, model: Any) -> None:  # noqa: ANN401
        service, operation = model.service_model.service_name, model.name
        body = context.get("workshop_body", b"")
        body = body if isinstance(body, bytes) else b""
        units = billed_units(service, operation, **sizes(body), capacity=_capacity(parsed))
        self.add(context.get("workshop_caller", ""), service, operation, units)


def sizes(body: bytes) -> dict[str, int]:
    """Return the records, bytes and metrics of a request's body in AWS's JSON.

    They are counted without reading the JSON, which would take more time than to answer.

    Example:
        >>> sizes(b'{"Records": [{"Data": "AAAA", "PartitionKey": "x"}]}')["records"]
        1
    """
    return {
        "records": body.count(b'"PartitionKey"'),
        "size": len(body) * 3 // 4,  # Data is base64
        "metrics": body.count(b'"MetricStat"'),
    }


def caller() -> str:
    """Return the notebook and the outermost public helper that run now in this thread.

    Example:
        `caller()` -> `"3-visualize.live_chart"`
    """
    if given := getattr(_of_thread, "caller", ""):
        return given
    public = set(getattr(sys.modules.get("helpers"), "__all__", ()))
    found, frame = "", sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("helpers.") and module != __name__:
            name = frame.f_code.co_qualname.partition(".<locals>")[0]
            parts = name.split(".")
            if parts[0] in public or not (found or any(part.startswith("_") for part in parts)):
                found = name
        frame = frame.f_back  # type: ignore[assignment]
    return f"{_notebook()}.{_PLAIN.sub('-', found or 'cell')}"


@contextmanager
def on_behalf_of(name: str) -> Iterator[None]:
    """Have the calls of this thread counted as those of a caller: the thread's starter.

    Args:
        name: a result of `caller()`.
    """
    before = getattr(_of_thread, "caller", "")
    _of_thread.caller = name
    try:
        yield
    finally:
        _of_thread.caller = before


def _notebook() -> str:
    # Jupyter's server sets it to the notebook's path. A script has none.
    name = PurePosixPath(os.environ.get("JPY_SESSION_NAME", "")).stem
    return _PLAIN.sub("-", name) or "script"


def _write_caller(request: Any, **_: Any) -> None:  # noqa: ANN401
    agent, who = request.headers.get("User-Agent", ""), request.context.get("workshop_caller", "")
    agent = agent.decode() if isinstance(agent, bytes) else agent
    del request.headers["User-Agent"]
    request.headers["User-Agent"] = f"{agent} workshop/{who}".strip()


def _ask_for_capacity(params: dict, model: Any, **_: Any) -> dict:  # noqa: ANN401
    if "ReturnConsumedCapacity" in model.input_shape.members:
        return {"ReturnConsumedCapacity": "TOTAL"} | params
    return params


def _capacity(parsed: dict) -> dict[str, float]:
    found = parsed.get("ConsumedCapacity") or []
    entries = found if isinstance(found, list) else [found]
    return {entry["TableName"]: float(entry.get("CapacityUnits", 0)) for entry in entries}
