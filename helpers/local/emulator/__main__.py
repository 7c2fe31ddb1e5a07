"""`python -m helpers.local.emulator`: correct MiniStack in process, then run it.

Its settings come as environment variables from `emulator_environment`.
"""

import importlib
import os

from ministack.app import main

from helpers.local import takeover as succession

from . import access, shard_limits
from .settings import SUPERVISED

CORRECTIONS = (
    "alarms analytics athena cloudformation cloudwatch cors dynamodb event_sources faults "
    "firehose kinesis load_balancers scheduler workers"
)

for correction in CORRECTIONS.split():
    importlib.import_module(f".{correction}", __package__).apply()
if os.environ.get(shard_limits.SETTING):
    shard_limits.apply()
access.apply()  # the last one: it is asked first
if os.environ.get(SUPERVISED):
    succession.keep_supervised()
main()
