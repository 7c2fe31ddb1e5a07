"""One beacon server of the local fleet: the server process, its log, and the agent that ships it.

What stands on an EC2 instance as Apache httpd, logrotate and the agent's unit is here two
processes and a rename.
"""

import contextlib
import logging
import os
import signal
import subprocess
import time
from pathlib import Path

from helpers.home import REPOSITORY, read_json
from helpers.target_files import AGENT_LOCK, SERVER_LOCK

from . import lifeline
from .restarts import Restarts

logger = logging.getLogger("workshop.fleet")

ROTATE_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 20
BUSY_SECONDS = 5
_LOCKS = {"server": SERVER_LOCK, "agent": AGENT_LOCK}


class Server:
    """A beacon server and its agent.

    Args:
        name: the server's name, which begins every beacon_id of its log.
        folder: where its log and the agent's state are.
        port: the port, which it may share with others.
        stream: the Kinesis stream to which the agent ships.
    """

    def __init__(self, name: str, folder: Path, port: int, stream: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.log, self.agent_state = name, folder / "access.log", folder / "agent.json"
        agent = [str(REPOSITORY / "assets" / "agent" / "agent.py"), "--stream", stream]
        self._commands = {
            "server": ["-m", "helpers.local.beacon_server", "--port", str(port)]
            + ["--log", str(self.log)],
            "agent": [*agent, "--log", str(self.log), "--server", name]
            + ["--state", str(self.agent_state)],
        }
        self._folder = folder
        self._processes: dict[str, subprocess.Popen] = {}
        self._restarts = {role: Restarts() for role in self._commands}

    def keep_alive(self) -> None:
        """Start the server and the agent where they do not run, and rotate a log grown large."""
        for role in self._commands:
            self._keep_running(role)
        if "server" in self._processes:
            self._rotate()

    def _keep_running(self, role: str) -> None:
        restarts, process = self._restarts[role], self._processes.get(role)
        if process and (code := process.poll()) is not None:
            logger.warning("%s of %s ended with %s; %s", role, self.name, code, restarts.note_end())
            lifeline.close(self._processes.pop(role))
        if role not in self._processes and restarts.is_due():
            self._processes[role] = lifeline.start(
                self._commands[role],
                log=self._folder / f"{role}.out",
                # The agent needs our AWS variables, which the supervisor made for us.
                environment=dict(os.environ) if role == "agent" else None,
                name=_LOCKS[role].format(self.name),
            )
            restarts.note_start()

    def is_busy(self) -> bool:
        """Return whether a request was logged in the last few seconds."""
        with contextlib.suppress(FileNotFoundError):
            return time.time() - self.log.stat().st_mtime < BUSY_SECONDS
        return False

    def end(self) -> None:
        """End the server, then the agent, which first ships what the log still holds."""
        for role in ("server", "agent"):
            if role in self._processes:
                lifeline.end(self._processes.pop(role), DRAIN_SECONDS)

    def _rotate(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > ROTATE_BYTES and self._forget_shipped():
                self.log.rename(f"{self.log}.{int(time.time())}")
                os.kill(self._processes["server"].pid, signal.SIGHUP)

    def _forget_shipped(self) -> bool:
        # A rotated log is deleted only once the agent has moved on to the current one: the
        # original deleted it after a minute, shipped or not.
        rotated = list(self._folder.glob("access.log.*"))
        if read_json(self.agent_state, {}).get("inode") == self.log.stat().st_ino:
            for path in rotated:
                path.unlink()
            return True
        return not rotated
