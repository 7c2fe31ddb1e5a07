"""The zip for AWS contains the connector and the Python packages.

A Maven repository of this test serves a jar and its checksums; with a network, a real connector is
fetched from Maven Central too. tests/e2e/test_managed_flink.py runs the zip.
"""

import hashlib
import io
import re
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from elftools.elf.elffile import ELFFile

from helpers.connection import flink_dependencies as managed_flink
from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.code_upload import upload
from tests.template_files import read_template

pytest.importorskip("maven_artifact")
JAR = b"not really a jar\n" * 1000
OWN = "org.example:connector:1.2"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def maven(tmp_path, monkeypatch):
    """A Maven repository with one jar: its folder."""
    place = tmp_path / "maven" / "org" / "example" / "connector" / "1.2"
    place.mkdir(parents=True)
    (place / "connector-1.2.jar").write_bytes(JAR)
    (place / "connector-1.2.jar.sha1").write_text(hashlib.sha1(JAR).hexdigest())

    def handler(*arguments):
        return Quiet(*arguments, directory=str(tmp_path / "maven"))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv(
            managed_flink.REPOSITORY_VARIABLE, f"http://127.0.0.1:{server.server_port}"
        )
        yield place
        server.shutdown()
        thread.join()


def fetched(fetch, *arguments):
    """Call a function, or skip the test if there is no network."""
    try:
        return fetch(*arguments)
    except WorkshopError as error:
        if "could not be downloaded" not in error.cause:
            raise
        pytest.skip(f"no network: {error.cause}")


@pytest.fixture(scope="module")
def dep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages") / "dep"
    fetched(managed_flink.fetch_packages, folder)
    return folder


def test_a_jar_is_downloaded_once_by_its_coordinates(maven, tmp_path, capsys):
    path = managed_flink.fetch_jar(OWN, tmp_path / "lib")
    assert path == tmp_path / "lib" / "connector-1.2.jar" and path.read_bytes() == JAR
    assert capsys.readouterr().out == "Fetching connector-1.2.jar (once) ...\n"
    (maven / "connector-1.2.jar").unlink()
    assert managed_flink.fetch_jar(OWN, tmp_path / "lib") == path
    assert list((tmp_path / "lib").iterdir()) == [path] and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("break_it", "cause"),
    [
        (lambda place: (place / "connector-1.2.jar").write_bytes(b"other"), "checksum"),
        (lambda place: (place / "connector-1.2.jar").unlink(), "could not be downloaded"),
        (lambda place: (place / "connector-1.2.jar.sha1").unlink(), "could not be downloaded"),
    ],
)
def test_a_jar_that_is_damaged_missing_or_without_checksum_is_not_stored(
    maven, tmp_path, break_it, cause
):
    break_it(maven)
    with pytest.raises(WorkshopError, match=cause) as error:
        managed_flink.fetch_jar(OWN, tmp_path / "lib")
    assert OWN in error.value.cause and "\n" not in error.value.cause
    assert list((tmp_path / "lib").iterdir()) == []


def test_a_repository_that_does_not_answer_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv(managed_flink.REPOSITORY_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(WorkshopError, match="could not be downloaded") as error:
        managed_flink.fetch_jar(OWN, tmp_path)
    assert "network" in error.value.remedy


def test_a_real_connector_is_downloaded_and_verified(tmp_path):
    coordinates = "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2"
    path = fetched(managed_flink.fetch_jar, coordinates, tmp_path)
    with zipfile.ZipFile(path) as jar:
        factories = jar.read("META-INF/services/org.apache.flink.table.factories.Factory")
    assert b"KafkaDynamicTableFactory" in factories


def test_the_packages_have_the_locks_version_and_managed_flinks_platform(dep):
    library = (dep / "krcf" / "krcf.abi3.so").read_bytes()
    # ELF, 64 bits, little endian; machine 62 is x86-64.
    assert library[:6] == b"\x7fELF\x02\x01" and int.from_bytes(library[18:20], "little") == 62
    (facts,) = dep.glob("krcf-*.dist-info")
    assert f"\nkrcf=={facts.name.split('-')[1].removesuffix('.dist')} " in (
        REPOSITORY / "requirements.lock"
    ).read_text().replace("\\", "")
    managed_flink.fetch_packages(dep)  # nothing is downloaded again, so it needs no network
    assert f"{managed_flink.PLATFORM.partition('-')[2]}_x86_64" in (facts / "WHEEL").read_text()


def test_the_packages_need_the_c_library_that_their_platform_names_and_no_newer_one(dep):
    # (Not all of what a wheel's name promises is needed: it could be compatible with older ones.)
    needed = set()
    for file in sorted(path for path in dep.rglob("*") if path.is_file()):
        with file.open("rb") as binary:
            if binary.read(4) == b"\x7fELF":
                needed |= glibc_versions(binary)
    assert "x86_64-manylinux_{}_{}".format(*max(needed)) == managed_flink.PLATFORM


def glibc_versions(binary) -> set[tuple[int, ...]]:
    """Return the versions of the C library whose functions a binary calls: (2, 28)."""
    section = ELFFile(binary).get_section_by_name(".gnu.version_r")
    names = [version.name for _, versions in section.iter_versions() for version in versions]
    return {
        tuple(map(int, name.removeprefix("GLIBC_").split(".")))
        for name in names
        if re.fullmatch(r"GLIBC_[0-9.]+", name)
    }


def test_the_template_names_the_files_of_the_zip():
    template = read_template("2-analyze")
    application = template["Resources"]["Analytics"]["Properties"]
    groups = application["ApplicationConfiguration"]["EnvironmentProperties"]["PropertyGroups"]
    (options,) = [
        group["PropertyMap"]
        for group in groups
        if group["PropertyGroupId"] == "kinesis.analytics.flink.run.options"
    ]
    _, artifact, version = managed_flink.CONNECTOR.split(":")
    assert options == {
        "python": "main.py",
        "jarfile": f"lib/{artifact}-{version}.jar",
        "pyFiles": "dep/",
    }


def test_extra_files_are_only_in_the_zip_of_their_name(emulator, tmp_path):
    code, extra = tmp_path / "code", tmp_path / "extra"
    (extra / "lib").mkdir(parents=True)
    (extra / "lib" / "a.jar").write_bytes(JAR)
    (extra / ".dep.lock").write_text("x")
    code.mkdir()
    (code / "main.py").write_text("")
    cloud = Cloud(
        emulator.session, emulator.account, "more", emulator.endpoint, {"analytics": lambda: extra}
    )
    s3, bucket = cloud.client("s3"), cloud.bucket("code")
    s3.create_bucket(Bucket=bucket)
    try:
        for name, wanted in (("analytics", ["lib/a.jar", "main.py"]), ("other", ["main.py"])):
            key = upload(cloud, name, code)
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            assert zipfile.ZipFile(io.BytesIO(body)).namelist() == wanted
            s3.delete_object(Bucket=bucket, Key=key)
    finally:
        s3.delete_bucket(Bucket=bucket)
