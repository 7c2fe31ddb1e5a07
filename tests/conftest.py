"""What several kinds of test share: a private emulator, and folders that no learner's run meets."""

import functools
import gc
import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from botocore.loaders import JSONFileLoader

from helpers.connection.connect import connect
from helpers.core import process_lock
from helpers.core.cloud import Cloud
from helpers.deployment.deploy import deploy
from helpers.deployment.fleet import beacon_url
from helpers.deployment.flink_application import start_analytics
from helpers.deployment.stacks import MODULES
from helpers.flink import class_data
from helpers.local import supervisor
from tests import distribution
from tests.failures_at_once import FailuresAtOnce
from tests.running_emulator import running_emulator
from tests.running_server import Server

SHARED_TARGETS = set()
SLOWEST = 10
WEEK = 7 * 24 * 3600
# Several targets start side by side here, and a learner's own may be running: see supervisor.
os.environ["WORKSHOP_ANY_PORTS"] = "1"
# No test may use a Java that happens to be installed.
os.environ.pop("JAVA_HOME", None)
# Each session of boto3 parses the services' models for itself: 40 ms a client, half of the CPU of
# tests/unit. They are the same for all sessions, and botocore does not change them.
read_model = functools.cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda self, path: read_model(path)


def pytest_configure(config):
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal:  # the processes that run the tests have none
        config.pluginmanager.register(FailuresAtOnce(terminal))


def pytest_make_parametrize_id(val, argname):
    """Refuse a test's name that holds the moment of its collection.

    Each process of a run collects the tests for itself; at the turn of a minute their names would
    differ, and pytest-xdist ends the whole run.
    """
    if isinstance(val, int | float) and abs(val - time.time()) < WEEK:
        raise pytest.UsageError(f"{argname}={val} is a moment of today: give this test's `ids`.")


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""
    items[:] = distribution.in_order(items)


def pytest_collection_finish(session):
    """Wait for Java's archives of classes, which `make test` makes meanwhile."""
    gc.freeze()  # the tests themselves stay: no collection has to look through them
    if not class_data.is_built():
        process_lock.wait_until_free(class_data.folder() / "lock")


def pytest_xdist_make_scheduler(config, log):
    """Give the files of a shared target to one process."""
    return distribution.Distribution(config, log)


def pytest_terminal_summary(terminalreporter):
    """Print the files that took longest, their set-up included."""
    seconds = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.split("::")[0]] += report.duration
    if len(seconds) > 1:
        terminalreporter.section(f"slowest {min(len(seconds), SLOWEST)} files of {len(seconds)}")
        for name, took in seconds.most_common(SLOWEST):
            terminalreporter.line(f"{took:7.1f} s  {name}")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory) -> Cloud:
    """A Cloud on an emulator of this test run's own, ended with it."""
    with running_emulator(tmp_path_factory.mktemp("emulator")) as cloud:
        yield cloud


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A beacon server of this test's own, its log in a folder of its own."""
    with Server(tmp_path / "logs" / "access.log") as server:
        yield server


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """A `.workshop` folder of this test's own."""
    monkeypatch.setenv("WORKSHOP_HOME", str(tmp_path / "workshop"))
    return tmp_path / "workshop"


@pytest.fixture(scope="session")
def session_home(tmp_path_factory):
    """The folder of the one local target that the files of a group share: Flink takes its time."""
    yield tmp_path_factory.mktemp("target") / "workshop"
    end_shared_targets()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """End the shared target after the last test of its group: also an idle one takes its part."""
    if nextitem and not distribution.same_group(item, nextitem):
        end_shared_targets()


def end_shared_targets() -> None:
    while SHARED_TARGETS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WORKSHOP_HOME", str(SHARED_TARGETS.pop()))
            supervisor.stop()


@pytest.fixture
def target_home(session_home, monkeypatch):
    """Make the shared local target this test's own `.workshop`."""
    SHARED_TARGETS.add(session_home)
    monkeypatch.setenv("WORKSHOP_HOME", str(session_home))
    return session_home


@pytest.fixture
def chain(target_home) -> Cloud:
    """The whole chain, deployed and running on the shared local target."""
    cloud = connect("local")
    for module in MODULES:
        deploy(cloud, module)
    start_analytics(cloud)
    beacon_url(cloud)
    return cloud
