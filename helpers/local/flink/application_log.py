"""An application's log in CloudWatch, as far as the workshop reads it.

Managed Flink writes Flink's whole log there. Here the log is a file (`.workshop/logs/`), and only
what main.py printed and why a job ended is written to CloudWatch as well, in the same form.
"""

import json
import logging
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.flink.output import BEGIN, DRIVER, END

from .application import Application

log = logging.getLogger("workshop.flink")

_LINE = "-" * 27
_LONGEST = 4000  # characters of a line


class ApplicationLog:
    """Writes lines into the log stream of an application.

    Args:
        logs: the boto3 client of CloudWatch Logs; None to write nothing.
    """

    def __init__(self, logs: Any) -> None:  # noqa: ANN401
        self._logs = logs

    def report_output(
        self, application: Application, output: list[str], failed: bool = False
    ) -> None:
        """Write what main.py printed, as Flink's PythonDriver logs it.

        Args:
            application: whose main.py it was.
            output: its lines.
            failed: main.py ended with an error.
        """
        said = [f"{_LINE} {BEGIN} {_LINE}", *output]
        lines = [{"messageType": "INFO", "logger": DRIVER, "message": line} for line in said]
        lines.append(lines[0] | {"message": f"{_LINE} {END} {_LINE}"})
        if failed:
            error = {"messageType": "ERROR", "message": "Run python process failed"}
            lines.append(lines[0] | error)
        self._write(application, lines)

    def report_error(self, application: Application, reason: str) -> None:
        """Write why a job has ended."""
        line = {"messageType": "ERROR", "logger": "workshop.flink", "message": reason}
        self._write(application, [line])

    def _write(self, application: Application, lines: list[dict[str, str]]) -> None:
        if self._logs is None or application.log is None:
            return
        group, stream = application.log
        now = int(time.time() * 1000)
        cut = [line | {"message": line["message"][:_LONGEST]} for line in lines]
        events = [{"timestamp": now, "message": json.dumps(line)} for line in cut]
        try:
            self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:  # the log is no reason to stop a job
            log.warning("the log of %s: %s", application.name, error)
