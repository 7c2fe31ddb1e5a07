"""`python -m helpers.local.emulator`: correct MiniStack in process, then run it.

Its settings are environment variables, see `emulator_environment`.
"""

import importlib
import os

from ministack.app import main

from helpers.local import pace as aws_pace
from helpers.local import takeover

from . import access, pace, shard_limits
from .settings import SUPERVISED

CORRECTIONS = (
    # The meter comes first, so that faults wrap it: a refused request is not billed.
    "meter analytics athena cloudformation cloudwatch cors event_sources faults firehose kinesis "
    "quotas read_units scheduler table_scaling workers zones"
)

for correction in CORRECTIONS.split():
    importlib.import_module(f".{correction}", __package__).apply()
if os.environ.get(shard_limits.SETTING):
    shard_limits.apply()
if aws_pace.is_set():
    pace.apply()
access.apply()  # the last one: each request passes it first
if os.environ.get(SUPERVISED):
    takeover.keep_supervised()
main()
