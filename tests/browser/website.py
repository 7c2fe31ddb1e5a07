"""A website whose pages load beacon.js, and the beacons that a server has logged."""

import http.client
import http.server
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from access_log import click_record

from helpers.core.paths import REPOSITORY
from tests.running_server import Server

SCRIPT = (REPOSITORY / "assets/site/beacon.js").read_bytes()


def logged_beacons(server: Server, *wanted: tuple[str, str]) -> list[dict]:
    """The beacons in the log, once those `wanted` (event, page) are among them, in any order."""

    def beacons() -> list[dict]:
        lines = [line for line in server.log.read_bytes().splitlines() if b"GET /beacon " in line]
        return [click_record(line, "id", 2**42) for line in lines]

    def steps() -> list[tuple[str, str]]:
        return sorted((beacon["event"], beacon["page"]) for beacon in beacons())

    deadline = time.monotonic() + 60
    while steps() != sorted(wanted) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert Counter(steps()) == Counter(wanted)  # its message shows missing and extra beacons
    return beacons()


class Website(http.server.ThreadingHTTPServer):
    """A site on a free port. Any path that ends with `beacon` leads to the beacon server.

    Attributes:
        files: its pages and scripts, by path; each other path is an empty file.
        held: paths that are answered only when their event is set.
        requested: the paths requested so far.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.beacons = server
        self.files: dict[str, str] = {}
        self.held: dict[str, threading.Event] = {}
        self.requested: list[str] = []

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the URL of a path; `localhost` is another site."""
        return f"http://{host}:{self.server_port}{path}"

    def page(self, path: str, body: str = "", script: str = "/beacon.js", more: str = "") -> str:
        """Add a page with the script's tag, with `more` attributes; return its URL."""
        tag = f'<script src="{script}" {more} defer></script>'
        self.files[path] = f"<!doctype html><title>A page</title>{tag}{body}"
        return self.url(path)


class Answer(http.server.BaseHTTPRequestHandler):
    """One of its answers."""

    server: Website
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.requested.append(path)
        if path in self.server.held:
            self.server.held[path].wait(60)
        if path.endswith("beacon"):
            self._pass_on()
        elif path.endswith("beacon.js"):
            self._answer(200, SCRIPT, {"Content-Type": "text/javascript"})
        else:
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            body = self.server.files.get(path, "").encode()
            self._answer(200, body, {"Content-Type": f"{kind}; charset=utf-8"})

    def do_OPTIONS(self) -> None:
        self._pass_on()

    def log_message(self, *_: object) -> None:
        pass

    def _pass_on(self) -> None:
        connection = self.server.beacons.connect()
        connection.request(self.command, "/beacon", headers=dict(self.headers.items()))
        answer = connection.getresponse()
        allowed = {k: v for k, v in answer.getheaders() if k.startswith("Access-Control")}
        self._answer(answer.status, answer.read(), allowed)
        connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def website(server: Server) -> Iterator[Website]:
    """Run a website whose beacons the server logs."""
    with Website(server) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            for event in site.held.values():
                event.set()
            site.shutdown()
            thread.join()
