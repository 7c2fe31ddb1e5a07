"""Preflight: Flink's connector can be downloaded, and a jar that is here matches its checksum."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

from helpers.core.paths import home

from .flink_dependencies import CONNECTOR, REPOSITORY_VARIABLE, jar_source
from .preflight_probe import Probe
from .preflight_report import Line, State

SECONDS = 6
_SHA1_DIGITS = 40


def connector(probe: Probe) -> Line:
    """Return the line of the connector's download; the jar itself is not downloaded.

    Args:
        probe: its cloud has the extra files of the zip.
    """
    if "analytics" not in probe.cloud.extras:
        return Line("connector", State.OK, "This target needs no connector.")
    _, downloader, url = jar_source(CONNECTOR)
    repository, name = downloader.resolver.base, url.rsplit("/", 1)[-1]
    path = home() / "managed-flink" / "lib" / name
    try:
        published = _read(f"{url}.sha1").split()[:1]
        size = _size(url)
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors
        return _unreachable(path, repository, error)
    if not published or len(published[0]) != _SHA1_DIGITS:
        return _unreachable(path, repository, ValueError(f"{name}.sha1 has no checksum"))
    return _compared(path, repository, published[0].lower(), size)


def _compared(path: Path, repository: str, published: str, size: str) -> Line:
    if not path.exists():
        text = f"{repository} has {path.name}{size}; module 2 downloads and verifies it."
        return Line("connector", State.OK, text)
    if hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest() == published:
        return Line("connector", State.OK, f"{path.name} is here, and matches its checksum.")
    return Line(
        "connector",
        State.FAILURE,
        f"{path.name}, which is here, does not match its checksum at {repository}.",
        f"Delete {path}: module 2 downloads it again.",
    )


def _unreachable(path: Path, repository: str, error: Exception) -> Line:
    if path.exists():
        text = f"{path.name} is here (its checksum was compared when it was downloaded)."
        return Line("connector", State.OK, text)
    return Line(
        "connector",
        State.WARNING,  # module 1 works without it
        f"{path.name} can't be downloaded from {repository}: {error}; module 2 needs it.",
        f"Check the network (a proxy, a firewall), or set %env {REPOSITORY_VARIABLE} to a mirror.",
    )


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return answer.read(200).decode("ascii", "backslashreplace")


def _size(url: str) -> str:
    """Return the size of a file as a text, from the headers alone."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            length = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        if error.code in (403, 405, 501):  # a mirror that answers no HEAD
            return ""
        raise
    return f" ({int(length) / 1e6:.0f} MB)" if length.isdecimal() else ""
