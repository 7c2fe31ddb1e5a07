"""Which files of tests run in one process, and in which order: for `make test`'s three processes.

Most files are given out whole, one after the other. Those that need the whole chain share two
targets, because each takes a fifth of a core even when nothing is sent: a target starts with the
first of its files and ends with the last.
"""

from collections.abc import Callable, Iterable

from xdist.scheduler import LoadScopeScheduling

# The order within a target: module 9, in test_module_4.py, deletes everything; and before
# test_hostile_text.py no beacon may have come, because a chart names only a few items.
TARGETS = {
    "target of the notebooks": [
        "browser/test_modules_0_to_2.py",
        "browser/test_module_3.py",
        "browser/test_module_4.py",
    ],
    "target of the chain": [
        "browser/test_hostile_text.py",
        "journey/test_whole_chain.py",
        "journey/test_accounts.py",
        "faults/test_kills.py",
        "faults/test_soak.py",
        "faults/test_hostile.py",
        "journey/test_security.py",
        "browser/test_module_5.py",
    ],
}
# From long to short, so that the three processes end together. pytest-xdist gives each process two
# at the beginning: what comes second waits as long as the first takes.
LONGEST = [
    "journey/test_truth.py",
    "notebooks/test_notebooks.py",
    "templates/test_templates.py",
    "journey/test_flink_job.py",
    "faults/test_logs.py",
    "faults/test_disk.py",
    "journey/test_listeners.py",
    "local/test_supervisor.py",
    "journey/test_flink_memory.py",
    "browser/test_site.py",
    "browser/test_live_chart.py",
    "browser/test_dashboard.py",
    "browser/test_traffic_controls.py",
    "unit/test_flink_main.py",
    "unit/test_deploy.py",
    "browser/test_tables.py",
    "browser/test_other_pages.py",
]
_GROUPS = {f"tests/{file}": target for target, files in TARGETS.items() for file in files}
_ORDER = [*_GROUPS, *(f"tests/{file}" for file in LONGEST)]


def group(name: str) -> str:
    """Return the group of a test: its target, or its file.

    Args:
        name: pytest's, e.g. `tests/unit/test_x.py::test_y[1]`.
    """
    file = name.split("::")[0]
    return _GROUPS.get(file, file)


def in_order(items: Iterable, name: Callable[[object], str]) -> list:
    """Return tests in the order in which they are given out.

    Args:
        items: the tests.
        name: returns pytest's name of one.
    """
    rank = {file: number for number, file in enumerate(_ORDER)}
    return sorted(items, key=lambda item: rank.get(name(item).split("::")[0], len(rank)))


class Distribution(LoadScopeScheduling):
    """Gives out groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
