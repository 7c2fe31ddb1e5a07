"""Shows the progress of a stack's resources: a live list in Jupyter, plain lines in a terminal.

There are many roles, policies, keys and logs, of little interest to a learner: they share one line.
"""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from IPython.display import HTML, display

from helpers.core.waiting import in_notebook

# A learner's words for types of resources. Other types are supporting parts.
WORDS = {
    "AWS::Athena::WorkGroup": "place for queries",
    "AWS::AutoScaling::AutoScalingGroup": "group of servers",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
    "AWS::EC2::LaunchTemplate": "recipe of a server",
    "AWS::EC2::Subnet": "part of the network",
    "AWS::EC2::VPC": "network",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
    "AWS::Glue::Database": "set of SQL tables",
    "AWS::Glue::Table": "the archive as a table",
    "AWS::Kinesis::Stream": "stream of records",
    "AWS::KinesisAnalyticsV2::Application": "Flink application",
    "AWS::KinesisFirehose::DeliveryStream": "delivery into the archive",
    "AWS::Lambda::EventSourceMapping": "feed of a function",
    "AWS::Lambda::Function": "function",
    "AWS::S3::Bucket": "bucket of files",
    "AWS::SNS::Topic": "topic of messages",
    "AWS::SQS::Queue": "queue of messages",
    "AWS::SSM::Parameter": "stored setting",
    "AWS::Scheduler::Schedule": "schedule",
}
SUPPORTING = "permissions, keys, logs"
_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Row:
    """One line of the list: ✓ / … / ✗, a logical name, its type in words, seconds so far."""

    mark: str
    name: str
    words: str
    seconds: float


def rows(events: Iterable[dict[str, Any]], now: datetime | None = None) -> list[Row]:
    """Return a line for each resource of a stack operation, in the order of their first events.

    Args:
        events: the operation's stack events, oldest first (CloudFormation's DescribeStackEvents).
        now: the time until which the seconds of an unfinished resource are counted.

    Example:
        `rows(events)[0]` -> `Row("✓", "ClicksStream", "stream of records", 12.0)`
    """
    now = now or datetime.now(UTC)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        # A DELETE within a create or an update is the rollback: keep the ✗ that caused it.
        if event["ResourceType"] != _STACK and not event["ResourceStatus"].startswith("DELETE"):
            by_name.setdefault(event["LogicalResourceId"], []).append(event)
    shown = [_row(name, events, now) for name, events in by_name.items()]
    supporting = [row for row in shown if row.words == SUPPORTING]
    shown = [row for row in shown if row.words != SUPPORTING]
    return shown + ([_together(supporting)] if supporting else [])


def _row(name: str, events: list[dict[str, Any]], now: datetime) -> Row:
    statuses = [event["ResourceStatus"] for event in events]
    if any(status.endswith("FAILED") for status in statuses):
        mark = "✗"
    else:
        mark = "✓" if statuses[-1].endswith("COMPLETE") else "…"
    end = now if mark == "…" else events[-1]["Timestamp"]
    seconds = max(0.0, (end - events[0]["Timestamp"]).total_seconds())
    return Row(mark, name, WORDS.get(events[0]["ResourceType"], SUPPORTING), seconds)


def _together(parts: list[Row]) -> Row:
    marks = {part.mark for part in parts}
    mark = next(mark for mark in "✗…✓" if mark in marks)
    failed = [part.name for part in parts if part.mark == "✗"]
    name = failed[0] if failed else f"{len(parts)} supporting parts"
    return Row(mark, name, SUPPORTING, max(part.seconds for part in parts))


class Progress:
    """Shows the lines of a stack operation while it runs.

    Args:
        title: the first line, e.g. `"rwa-1-capture: creating"`.

    Example:
        progress = Progress("rwa-1-capture: creating")
        progress.show(rows(events))
        progress.show(rows(events), "✓ ready")
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._printed: set[str] = set()
        self._shown = ""
        self._handle = None
        if in_notebook():
            self._handle = display(HTML(""), display_id=True)
        else:
            print(title)

    def show(self, lines: list[Row], conclusion: str = "") -> None:
        """Show the present lines; `conclusion` is the last line, at the end of the operation."""
        if self._handle is None:
            self._print(lines, conclusion)
            return
        text = _as_html(self._title, lines, conclusion)
        # Updating one output, and only when it has changed, avoids flicker; the saved notebook
        # keeps the last one.
        if text != self._shown:
            self._handle.update(HTML(text))
            self._shown = text

    def _print(self, lines: list[Row], conclusion: str) -> None:
        for line in lines:
            # The supporting parts' count grows until the end, so their line comes last.
            over = line.mark != "…" and (conclusion or line.words != SUPPORTING)
            if over and line.name not in self._printed:
                self._printed.add(line.name)
                print(f"  {line.mark} {line.name:<24} {line.words:<26} {line.seconds:4.0f} s")
        if conclusion:
            print(conclusion)


def _as_html(title: str, lines: list[Row], conclusion: str) -> str:
    cells = "".join(
        f"<tr><td>{line.mark}</td><td style='text-align:left'>{html.escape(line.name)}</td>"
        f"<td style='text-align:left'>{html.escape(line.words)}</td>"
        f"<td>{line.seconds:.0f} s</td></tr>"
        for line in lines
    )
    return (
        f"<b>{html.escape(title)}</b><table style='margin:0'>{cells}</table>"
        f"<div role='status'>{html.escape(conclusion)}</div>"
    )
