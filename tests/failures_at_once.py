"""Prints each failure when it happens: a run that is ended has no summary."""

import pytest

WIDTH = 500  # of a message, in characters


class FailuresAtOnce:
    """A plugin of the process that prints the results."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            where = f"{crash.path}:{crash.lineno}: {crash.message}" if crash else report.longrepr
            self._terminal.ensure_newline()
            self._terminal.line(f"{report.nodeid} ({report.when}): {str(where)[:WIDTH]}", red=True)
