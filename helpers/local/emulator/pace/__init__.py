"""AWS's manners that tests ask for with WORKSHOP_AWS_PACE: see helpers/local/pace.py.

Each module has one `apply()`. D: the source is AWS's documentation, which it quotes. M: AWS
documents no time; this one is what users of the service report, and an estimate.
"""

import importlib

MANNERS = "deletions event_sources flink listings metrics reads roles stacks"


def apply() -> None:
    """Give the emulator AWS's pace; its other corrections have to be applied before."""
    for manner in MANNERS.split():
        importlib.import_module(f".{manner}", __package__).apply()
