"""The plan of one version of an application: kept already, or made by a process of its own."""

import tempfile
from pathlib import Path

from helpers.core.paths import home
from helpers.flink import plans
from helpers.flink.output import NOTE
from helpers.local import child_process

from .application import Application


class Refused(Exception):
    """Flink refuses a statement; it would refuse the same text again."""


class NotPlanned(Exception):
    """The process ended without a plan; another attempt may succeed."""


class Planning:
    """Makes the plan, unless it is kept already."""

    def __init__(self, application: Application, code: Path, plan: Path) -> None:
        self.version, self.plan = application.version, plan
        self.log = home() / "logs" / f"flink-{application.name}.planning.log"
        self._process = None
        self._planned = not plans.is_kept(self.plan)
        if self._planned:
            self.log.unlink(missing_ok=True)
            self._temporary = tempfile.TemporaryDirectory(prefix="workshop-")
            self._process = child_process.start(
                plans.command(self.plan, code),
                log=self.log,
                environment=plans.environment(
                    application.groups, Path(self._temporary.name), self.plan
                ),
                group=True,
            )

    def poll(self) -> Path | None:
        """Return the file of the plan, or None while it is being made.

        Raises:
            Refused: Flink refuses the code; with Flink's message.
            NotPlanned: the process failed, with its last line; or the plan was deleted.
        """
        if self._process is None:
            if plans.is_kept(self.plan):
                return self.plan
            raise NotPlanned("The plan has been deleted")  # thirty newer ones have been made
        if self._process.poll() is None:
            return None
        code = self._process.returncode
        self.end()
        if code == plans.EXIT_SQL:
            raise Refused(last_line(self.log))
        if code or not plans.is_kept(self.plan):
            raise NotPlanned(f"The planning ended with {code}: {last_line(self.log)}")
        return self.plan

    def notes(self) -> list[str]:
        """Return main.py's notes for the learner; none if the plan was there already."""
        if not self._planned:
            return []
        lines = self.log.read_text(errors="replace", encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith(NOTE)]

    def end(self) -> None:
        if self._process:
            child_process.end(self._process, seconds=1, group=True)
            self._temporary.cleanup()
            self._process = None


def last_line(log: Path) -> str:
    """Return the last line that a process wrote."""
    lines = log.read_text(errors="replace", encoding="utf-8").rstrip().rsplit("\n", 1)
    return lines[-1][:1000]
