"""A second look at what failed: `python -m tests.again`, after a run of many tests at once.

Most tests run real processes, three groups of them on two cores, and some wait for what a learner
would see. Where the machine is slow that day, one of their limits may pass. So the files in which a
few tests failed run once more, whole and one after the other, with the machine to themselves. What
fails again has failed; where many fail, nothing is run again.
"""

import json
import sys

import pytest

from helpers.home import REPOSITORY

# Of the run just before alone: `make test` gives it a cache of its own, cleared first.
LAST_FAILED = REPOSITORY / "build" / "tests" / "v" / "cache" / "lastfailed"
MOST_FILES, MOST_TESTS = 5, 8


def files_to_run(failed: list[str]) -> list[str]:
    """Return the files of the tests that failed; none if these are too many for chance.

    Args:
        failed: pytest's names of them, e.g. `tests/unit/test_x.py::test_y[1]`.
    """
    files = sorted({name.split("::")[0] for name in failed})
    return files if len(files) <= MOST_FILES and len(failed) <= MOST_TESTS else []


def main() -> int:
    """Run them; return pytest's exit code, 1 if there is nothing to run again."""
    failed = list(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []
    files = files_to_run(failed)
    if not files:
        return 1
    print(f"\n{len(failed)} failed beside others: {', '.join(failed)}.")
    print(f"Once more, with the machine to themselves: {', '.join(files)}.", flush=True)
    return int(pytest.main(files))


if __name__ == "__main__":
    sys.exit(main())
