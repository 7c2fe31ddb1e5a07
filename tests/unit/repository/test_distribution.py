"""Which tests run in one process."""

from helpers.core.paths import REPOSITORY
from tests.distribution import GROUPS, OTHERS, OWN_TARGETS, group, next_group


def test_it_names_files_that_are_there_each_once():
    named = [*OWN_TARGETS, *OTHERS, *(file for files in GROUPS.values() for file in files)]
    assert len(named) == len(set(named))
    assert [file for file in named if not (REPOSITORY / "tests" / file).exists()] == []


def test_tests_of_a_shared_target_are_of_one_group_and_others_of_their_files():
    one = group("tests/browser/test_module_4.py::test_x[1]")
    assert one == group("tests/e2e/test_whole_chain.py::test_y") in GROUPS
    assert group("tests/unit/agent/test_tail.py::test_z") == "tests/unit/agent/test_tail.py"


def test_two_targets_run_at_a_time_while_other_tests_wait():
    target, another = "a target and a browser", "tests/e2e/test_truth.py"
    small, browser = "tests/unit/agent/test_tail.py", "a browser"
    waiting = [target, another, small, browser]
    assert {target, another} < {*GROUPS, *(f"tests/{file}" for file in OWN_TARGETS)}
    assert next_group(waiting, 0) == target
    assert next_group(waiting[1:], 1) == another
    assert next_group(waiting[1:], 2) == small
    assert next_group([another], 2) == another
    assert next_group([small], 0) == small
