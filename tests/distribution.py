"""Assigns test files to the processes of `make test`, and gives their order.

Most files are assigned one by one, to the next free process. The files of a group run in one
process, one after the other: they share a target or a browser, which is slow to start.

A target with traffic takes nearly a core, so at most two run at a time as long as there are other
tests. More of them wait for each other, and their traffic, which goes on, makes yet more work.
"""

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# The order within a target: module 9, in test_module_4.py, deletes everything.
# (test_hostile_text.py has a target of its own, because a chart names only a few items.)
SHARED_TARGETS = {
    "a target and a browser": [
        "browser/test_modules_0_to_2.py",
        "browser/test_module_3.py",
        "e2e/test_whole_chain.py",
        "e2e/test_experiments.py",
        "browser/test_module_4.py",
    ],
    "another target and browser": [
        "browser/test_hostile_text.py",
        "browser/test_module_5.py",
        "e2e/test_accounts.py",
        "resilience/test_kills.py",
        "resilience/test_soak.py",
        "resilience/test_hostile.py",
        "e2e/test_security.py",
    ],
}
# Files with a target of their own, the slowest first.
OWN_TARGETS = [
    "e2e/test_truth.py",
    "e2e/test_aws_check.py",
    "e2e/test_flink_job.py",
    "e2e/test_examples.py",
    "e2e/test_managed_flink.py",
    "e2e/test_flink_memory.py",
]
TARGETS_AT_A_TIME = 2
BROWSER = [
    "browser/test_book.py",
    "browser/test_site.py",
    "browser/test_beacon_js.py",
    "browser/test_live_chart.py",
    "browser/test_traffic_controls.py",
    "browser/test_tables.py",
    "browser/test_dashboard.py",
    "browser/test_news.py",
]
GROUPS = {**SHARED_TARGETS, "a browser": BROWSER}
# The slowest of the other files. The small ones come last, so that all processes end together.
OTHERS = [
    "templates/test_templates.py",
    "unit/experiments/test_detector_benchmark.py",
    "unit/audit/test_ledger_memory.py",
    "unit/deployment/test_deploy.py",
    "unit/functions/test_publish_ranges.py",
    "unit/stream_job/test_main.py",
    "unit/experiments/test_fault_injection.py",
    "local/test_event_sources.py",
    "resilience/test_disk.py",
    "local/test_supervisor.py",
    "local/test_pace.py",
    "e2e/test_traffic.py",
    "unit/traffic/test_generator_process.py",
    "parity/test_apache_parity.py",
    "e2e/test_listeners.py",
]
_GROUP_OF = {f"tests/{file}": name for name, files in GROUPS.items() for file in files}
_WITH_TARGET = {*SHARED_TARGETS, *(f"tests/{file}" for file in OWN_TARGETS)}


def group(name: str) -> str:
    """Return a test's group, or its file if that is in none.

    Args:
        name: the test's id, e.g. `tests/unit/test_x.py::test_y[1]`.
    """
    file = name.split("::")[0]
    return _GROUP_OF.get(file, file)


def same_group(one: pytest.Item, other: pytest.Item) -> bool:
    """Return whether two tests are of one group."""
    return group(one.nodeid) == group(other.nodeid)


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return tests in the order in which they are assigned."""
    shared = [file for files in SHARED_TARGETS.values() for file in files]
    files = [*shared, *OWN_TARGETS, *OTHERS, *BROWSER]
    rank = {f"tests/{file}": number for number, file in enumerate(files)}
    return sorted(items, key=lambda item: rank.get(item.nodeid.split("::")[0], len(rank)))


def next_group(waiting: Iterable[str], targets: int) -> str:
    """Return the group, or the file, that a free process gets.

    Args:
        waiting: those that no process has, in their order; at least one.
        targets: how many groups and files with a target are running.

    Example:
        >>> next_group(["tests/e2e/test_truth.py", "tests/unit/core/test_text.py"], targets=2)
        'tests/unit/core/test_text.py'
    """
    names = list(waiting)
    wanted = (name for name in names if (name in _WITH_TARGET) == (targets < TARGETS_AT_A_TIME))
    return next(wanted, names[0])


class Distribution(LoadScopeScheduling):
    """Assigns whole groups to processes."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        assigned = (item for work in self.assigned_work.values() for item in work.items())
        running = [name for name, tests in assigned if not all(tests.values())]
        name = next_group(self.workqueue, len(_WITH_TARGET.intersection(running)))
        self.workqueue.move_to_end(name, last=False)
        super()._assign_work_unit(node)
