"""Fetches the Flink application's dependencies on AWS: a connector and a Python package.

Managed Flink has only PyFlink. It loads the rest from the application's zip, where the
property group `kinesis.analytics.flink.run.options` of cfn/2-analyze.yaml names it: `jarfile`, one
jar of connectors, and `pyFiles`, a folder of Python packages. (AWS documents this layout in its
"amazon-managed-service-for-apache-flink-examples", python/PackagedPythonDependencies.)
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY, home

# The Kinesis connector for SQL, with its dependencies, for Flink 2.x.
CONNECTOR = "org.apache.flink:flink-sql-connector-aws-kinesis-streams:6.0.0-2.0"
# The variable that names another repository than Maven Central, e.g. a company's mirror.
REPOSITORY_VARIABLE = "MAVEN_REPOSITORY"
# The job's imports that PyFlink does not include.
PACKAGES = ("krcf",)
# Managed Flink's runtime FLINK-2_2 has Python 3.12 on x86_64. AWS does not publish its C library;
# krcf needs glibc 2.28 or newer (Debian 10, Amazon Linux 2023). Without it the job runs all the
# same, but does not compute event_anomaly (assets/flink/dep/anomaly.py).
PYTHON, PLATFORM = "3.12", "x86_64-manylinux_2_28"
_CHECK_NETWORK = "Check the network (a proxy, a firewall), then run this cell again."


def dependencies() -> Path:
    """Return a folder with lib/ (the jar) and dep/ (Python packages), for the zip.

    Both are downloaded once, verified, and kept in `.workshop/managed-flink/`.

    Raises:
        WorkshopError: a download failed, or does not match its checksum.

    Example:
        `Cloud(session, account, extras={"analytics": dependencies})`
    """
    folder = home() / "managed-flink"
    fetch_jar(CONNECTOR, folder / "lib")
    fetch_packages(folder / "dep")
    return folder


def fetch_jar(coordinates: str, folder: Path) -> Path:
    """Download a jar from a Maven repository, unless it is there, and verify its SHA-1.

    Maven Central has a SHA-1 of every artifact, and a stronger hash of only a few.

    Args:
        coordinates: `group:artifact:version`.
        folder: the target; it is created if it is missing.

    Returns:
        The file, `artifact-version.jar`.

    Raises:
        WorkshopError: the repository does not answer, has no such artifact, or the jar does not
            match its checksum.

    Example:
        `fetch_jar(CONNECTOR, Path("lib"))`
    """
    artifact, downloader, url = jar_source(coordinates)
    from maven_artifact.requestor import RequestException

    path = folder / url.rsplit("/", 1)[-1]
    if path.exists():
        return path
    print(f"Fetching {path.name} (once) ...")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        part = Path(temporary) / path.name
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # the library prints its URLs
                downloader.download(artifact, str(part))
                is_whole = downloader.verify_file(str(part), url, "sha1")
        except (RequestException, OSError) as error:  # requests raises OSErrors
            first = str(getattr(error, "msg", error)).splitlines()[0]
            raise WorkshopError(
                f"{coordinates} could not be downloaded: {first}", _CHECK_NETWORK
            ) from None
        if not is_whole:
            raise WorkshopError(
                f"{coordinates} does not match its checksum: it is damaged or was changed.",
                "Run this cell again; if the error remains, do not use this network.",
            )
        part.replace(path)
    return path


def jar_source(coordinates: str) -> tuple[Any, Any, str]:
    """Return a jar's artifact, the downloader of the repository in use, and the jar's URL.

    It asks no server: the version is complete.

    Args:
        coordinates: `group:artifact:version`.

    Raises:
        WorkshopError: maven-artifact is not installed.

    Example:
        `jar_source(CONNECTOR)[2]`
    """
    try:
        from maven_artifact.artifact import Artifact
        from maven_artifact.downloader import Downloader
    except ImportError:
        raise WorkshopError(
            "The Python package maven-artifact, which downloads the connector, is not installed.",
            "Run `make setup` (or `pip install -e .`), then this cell again.",
        ) from None
    artifact = Artifact.parse(coordinates)
    mirror = os.environ.get(REPOSITORY_VARIABLE)
    downloader = Downloader(mirror) if mirror else Downloader()
    return artifact, downloader, downloader.resolver.uri_for_artifact(artifact)


def fetch_packages(folder: Path) -> None:
    """Install `PACKAGES` for Managed Flink's platform into a folder, unless they are there.

    Their versions and hashes are those of requirements.lock.

    Args:
        folder: is created; each package is a folder in it.

    Raises:
        WorkshopError: a package could not be downloaded, or has another hash.

    Example:
        `fetch_packages(Path("dep"))`
    """
    wanted = "\n".join(_locked(package) for package in PACKAGES)
    noted = folder.with_name(f".{folder.name}.lock")  # hidden: it is not packaged
    if folder.is_dir() and noted.exists() and noted.read_text(encoding="utf-8") == wanted:
        return
    print(f"Fetching {', '.join(PACKAGES)} for Managed Flink (once) ...")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        requirements, target = Path(temporary) / "requirements.txt", Path(temporary) / "dep"
        requirements.write_text(wanted, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target)),
            *("--python-version", PYTHON, "--python-platform", PLATFORM, "--no-deps"),
            *("--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)),
        ]
        ended = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if ended.returncode:
            reason = re.sub(r"\s+", " ", ended.stderr).strip()[-300:]
            raise WorkshopError(
                f"{', '.join(PACKAGES)} could not be downloaded: {reason}", _CHECK_NETWORK
            )
        shutil.rmtree(folder, ignore_errors=True)
        target.replace(folder)
    noted.write_text(wanted, encoding="utf-8")


def _locked(package: str) -> str:
    """Return a package's version and hashes from requirements.lock."""
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    found = re.search(rf"^{package}==\S+( \\\n    --hash=\S+)+", lock, re.MULTILINE)
    assert found, f"requirements.lock has no {package}"
    return found[0]
