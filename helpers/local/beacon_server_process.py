"""One beacon server of the local fleet: the server process, its log, and the agent that ships it.

An EC2 instance has Apache httpd, logrotate and the agent's systemd unit instead.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from helpers.core.paths import REPOSITORY, read_json
from helpers.core.target_files import AGENT_LOCK, SERVER_LOCK

from .child import Child

ROTATE_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 20
BUSY_SECONDS = 5


class Server:
    """A beacon server and its agent.

    Args:
        name: the server's name, the first part of every beacon_id of its log.
        folder: where its log and the agent's state are.
        port: the port, which it may share with other servers.
        stream: the Kinesis stream to which the agent ships.
        addresses: what the agent ships of visitors' addresses, `short` or `whole`.
    """

    def __init__(
        self, name: str, folder: Path, port: int, stream: str, addresses: str = "short"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self.agent_state = folder / "access.log", folder / "agent.json"
        command = ["-m", "helpers.local.beacon_server", "--port", str(port), "--log", str(self.log)]
        self.server = Child(SERVER_LOCK.format(name), command, folder / "server.out")
        command = [str(REPOSITORY / "assets" / "agent" / "agent.py"), "--stream", stream]
        command += ["--log", str(self.log), "--server", name, "--state", str(self.agent_state)]
        command += ["--addresses", addresses]
        # The agent needs our AWS variables, which the supervisor set.
        out = folder / "agent.out"
        environment = os.environ | {"AWS_SDK_UA_APP_ID": "agent"}
        self.agent = Child(AGENT_LOCK.format(name), command, out, environment)
        self.server.grace = self.agent.grace = DRAIN_SECONDS
        self._launched = time.monotonic()

    def age(self) -> float:
        """Return for how many seconds the server has been wanted."""
        return time.monotonic() - self._launched

    def keep_alive(self) -> None:
        """Start the server and the agent if they do not run, and rotate a large log."""
        self.server.keep_alive()
        self.agent.keep_alive()
        if self.server.process:
            self._rotate()

    def is_busy(self) -> bool:
        """Return whether a request was logged in the last few seconds."""
        with contextlib.suppress(FileNotFoundError):
            return time.time() - self.log.stat().st_mtime < BUSY_SECONDS
        return False

    def end(self) -> None:
        """End the server, then the agent, which first ships the rest of the log."""
        self.server.end()
        self.agent.end()

    def _rotate(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > ROTATE_BYTES and self._delete_shipped():
                self.log.rename(f"{self.log}.{int(time.time())}")
                os.kill(self.server.process.pid, signal.SIGHUP)

    def _delete_shipped(self) -> bool:
        # A rotated log is deleted only once the agent reads the current one. The original deleted
        # it after a minute, shipped or not.
        rotated = list(self.log.parent.glob("access.log.*"))
        if read_json(self.agent_state, {}).get("inode") == self.log.stat().st_ino:
            for path in rotated:
                path.unlink()
            return True
        return not rotated
