"""Assigns test files to the four processes of `make test`, and gives their order.

Most files are assigned one by one, to the next free process. The files of a group run in one
process, one after the other: most groups share a target or a browser, which is slow to start and
uses CPU while it runs (a target a fifth of a core even without traffic).
"""

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

# The order within a target: module 9, in test_module_4.py, deletes everything.
# (test_hostile_text.py has a target of its own, because a chart names only a few items.)
GROUPS = {
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
    "targets of their own, one after another": [
        "e2e/test_truth.py",
        "e2e/test_aws_check.py",
        "e2e/test_flink_job.py",
        "e2e/test_managed_flink.py",
        "e2e/test_flink_memory.py",
    ],
    "a browser": [
        "browser/test_book.py",
        "browser/test_site.py",
        "browser/test_beacon_js.py",
        "browser/test_live_chart.py",
        "browser/test_traffic_controls.py",
        "browser/test_tables.py",
        "browser/test_dashboard.py",
        "browser/test_news.py",
    ],
}
# Files that the fourth process begins with. A target with traffic takes nearly a core: four at once
# wait for each other, and their traffic, which goes on, makes yet more work. All other files come
# last: they are small, so that all processes end at the same time.
OTHERS = [
    "templates/test_templates.py",
    "unit/experiments/test_detector_benchmark.py",
    "unit/audit/test_ledger_memory.py",
    "unit/deployment/test_deploy.py",
    "unit/functions/test_publish_ranges.py",
    "unit/stream_job/test_main.py",
    "unit/experiments/test_fault_injection.py",
    "local/test_event_sources.py",
    "e2e/test_examples.py",
    "resilience/test_disk.py",
    "local/test_supervisor.py",
    "local/test_pace.py",
    "e2e/test_traffic.py",
    "unit/traffic/test_generator_process.py",
    "parity/test_apache_parity.py",
    "e2e/test_listeners.py",
]
_GROUP_OF = {f"tests/{file}": name for name, files in GROUPS.items() for file in files}


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
    first, second, third, *others = GROUPS.values()
    files = [*first, *second, *third, *OTHERS, *(file for group in others for file in group)]
    rank = {f"tests/{file}": number for number, file in enumerate(files)}
    return sorted(items, key=lambda item: rank.get(item.nodeid.split("::")[0], len(rank)))


class Distribution(LoadScopeScheduling):
    """Assigns whole groups to processes."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
