"""A beacon server as a process of its own, and a client's view of it."""

import http.client
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

from helpers.local.ports import free_port

COMMAND = (sys.executable, "-m", "helpers.local.beacon_server")


class Client:
    """A client of a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def beacon(self, event: str, connection=None) -> int:
        connection = connection or self.connect()
        connection.request("GET", "/beacon", headers={"event": event})
        response = connection.getresponse()
        response.read()
        return response.status

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


class Server(Client):
    """A server process on a free port.

    Args:
        log: its access log.
        port: the port; a free one by default.
        wait: until it listens.
        options: more of its command line.
    """

    def __init__(self, log, port=None, wait=True, options=()):
        super().__init__(port or free_port())
        self.log = Path(log)
        command = [*COMMAND, "--port", str(self.port), "--log", str(log)]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.said: list[str] = []
        if wait:
            self.process.stdout.readline()  # "Listening ..."
            # Read continuously: a server whose standard error is full would block.
            self._listener = threading.Thread(target=self._listen)
            self._listener.start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def events(self, log=None) -> list[str]:
        return [line.split('" "')[2] for line in (log or self.log).read_text().splitlines()]

    def end(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self._listener.join()
            self.process.stdout.close()
            self.process.stderr.close()

    def _listen(self) -> None:
        for line in self.process.stderr:
            self.said.append(line.decode())


def all_of(client: socket.socket) -> bytes:
    """Return all that a server sends until it closes the connection."""
    received = b""
    try:
        while chunk := client.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]


class Flood(Client):
    """Threads that send beacons, 20 at a time, each under a name of its own.

    Args:
        port: where to.
        rate: beacons a second, at most.
        threads: how many.
    """

    def __init__(self, port: int, rate: float = 3000, threads: int = 4) -> None:
        super().__init__(port)
        self.confirmed: set[str] = set()
        self.refused: set[str] = set()
        self._pause = 20 * threads / rate
        self.unknown: set[str] = set()  # sent, and no answer came
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        count = 0
        while not self._stopping.is_set():
            try:
                client = self.raw()
            except OSError:  # no server now
                self._stopping.wait(0.05)
                continue
            with client:
                answered = 20
                while answered == 20 and not self._stopping.is_set():
                    names = [f"{number}-{n}" for n in range(count, count + 20)]
                    count += 20
                    answered = self._send(client, names)
                    self._stopping.wait(self._pause)

    def _send(self, client: socket.socket, names: list[str]) -> int:
        heads = [f"GET /beacon HTTP/1.1\r\nHost: a\r\nevent: {name}\r\n\r\n" for name in names]
        codes: list[int] = []
        received = b""
        try:
            client.sendall("".join(heads).encode())
            while len(codes) < len(names) and (chunk := client.recv(65536)):
                received += chunk
                codes = statuses(received)
        except OSError:
            pass
        for name, code in zip(names, codes, strict=False):
            (self.confirmed if code == 200 else self.refused).add(name)
        self.unknown |= set(names[len(codes) :])
        return codes.count(200)
