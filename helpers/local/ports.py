"""Ports on 127.0.0.1."""

import socket
import time
import urllib.error
import urllib.request


def free_port(preferred: int = 0) -> int:
    """Return a free port of 127.0.0.1: the preferred one if it is free.

    Example:
        >>> 1024 <= free_port() <= 65535
        True
    """
    with socket.socket() as probe:
        # As the servers do: a port with connections that are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url: str, seconds: float = 2) -> bool:
    """Return whether an HTTP server answers at `url` with a status below 500, within `seconds`."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


def wait_for(url: str, seconds: float) -> bool:
    """Wait until `url` answers; return False if it has not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
