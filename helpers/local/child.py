"""A child process that is started again when it has ended."""

import logging
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import child_process
from .child_process import Adopted
from .restarts import Restarts

logger = logging.getLogger("workshop.local")

LOG_LIMIT_BYTES = 20_000_000


@dataclass
class Child:
    """A process of the target, and when to start it again.

    Args:
        name: the name of its lock.
        command: as for `child_process.start`.
        log: the file of its output.
        environment: its environment variables; by default ours without AWS's.
        process: the process, if it runs already.
        grace: seconds it has to end before it is killed.
        outlives: it does not end with us.
    """

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] | None = None
    process: subprocess.Popen | Adopted | None = None
    grace: float = child_process.GRACE_SECONDS
    outlives: bool = False
    restarts: Restarts = field(default_factory=Restarts)

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        self.process = child_process.start(
            self.command,
            log=self.log,
            environment=self.environment,
            name=self.name,
            outlive=self.outlives,
        )
        self.restarts.note_start()

    def keep_alive(self) -> None:
        """Log that the process has ended; start it if that is due."""
        if self.process and (code := self.process.poll()) is not None:
            logger.warning("%s ended with %s; %s", self.name, code, self.restarts.note_end())
            child_process.close(self.process)
            self.process = None
        if self.process is None and self.restarts.is_due():
            self.start()

    def end(self) -> None:
        process, self.process = self.process, None
        if process:
            child_process.end(process, self.grace)
