"""How the tests with made-up examples run.

The examples are the same at each run. `FUZZ=100 pytest tests/unit/test_fuzz*.py` takes a hundred
times as many, and new ones at each run; what it finds, it prints as a test to be kept.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("FUZZ", 1))


def fuzzed(examples: int) -> settings:
    """Settings: so many examples, without a limit of time."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
