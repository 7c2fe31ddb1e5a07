"""Which failed tests run once more, alone."""

from tests.again import MOST_FILES, MOST_TESTS, files_to_run


def test_the_whole_files_of_a_few_failed_tests_run_again():
    failed = ["tests/b.py::test_x[1]", "tests/a.py::test_y", "tests/b.py::test_z"]
    assert files_to_run(failed) == ["tests/a.py", "tests/b.py"]


def test_many_failures_are_no_chance():
    assert files_to_run([]) == []
    assert files_to_run([f"tests/a.py::test_{n}" for n in range(MOST_TESTS + 1)]) == []
    assert files_to_run([f"tests/{n}.py::test" for n in range(MOST_FILES + 1)]) == []
