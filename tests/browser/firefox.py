"""Debian's Firefox without a window, driven by WebDriver BiDi: a small client of its WebSocket.

Playwright drives only a Firefox of its own.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import websocket

SECONDS = 900
PREFERENCES = {
    "privacy.globalprivacycontrol.enabled": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
}


class Tab:
    """A tab of a running Firefox."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection, self._count = connection, 0
        self.send("session.new", capabilities={})
        self.id = self.send("browsingContext.create", type="tab")["context"]

    def send(self, method: str, **parameters: object) -> dict:
        """Send a command; return its result."""
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        self._connection.send(json.dumps(command))
        while True:
            answer = json.loads(self._connection.recv())
            if answer.get("id") == self._count:
                assert answer["type"] == "success", answer
                return answer["result"]

    def goto(self, url: str, wait: str = "complete") -> None:
        """Open a URL; wait until the page is `interactive` or `complete`."""
        self.send("browsingContext.navigate", context=self.id, url=url, wait=wait)

    def evaluate(self, script: str) -> object:
        """Evaluate JavaScript, as after a user's click; return its value if it is a simple one."""
        result = self.send(
            "script.evaluate",
            expression=script,
            target={"context": self.id},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result
        return result["result"].get("value")

    def close(self) -> None:
        """Close the tab, and open another one."""
        former = self.id
        self.id = self.send("browsingContext.create", type="tab")["context"]
        self.send("browsingContext.close", context=former)


@contextmanager
def firefox_of_its_own(profile: Path) -> Iterator[Tab]:
    """Run Debian's Firefox with a new profile in this folder."""
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    firefox = subprocess.Popen(
        [shutil.which("firefox-esr"), "--headless", "--no-remote", "--remote-debugging-port=0",
         "--profile", str(profile)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )  # fmt: skip
    try:
        for line in firefox.stderr:
            if listens := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                break
        connection = websocket.create_connection(
            f"{listens[1]}/session", timeout=SECONDS, suppress_origin=True
        )
        yield Tab(connection)
        connection.close()
    finally:
        firefox.terminate()
        firefox.communicate(timeout=60)
