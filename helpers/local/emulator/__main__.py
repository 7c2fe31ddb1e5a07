"""`python -m helpers.local.emulator`: correct MiniStack in process, then run it.

Its settings come as environment variables from `emulator_environment`.
"""

import os

from ministack.app import main

from .. import succession
from . import (
    access,
    alarms,
    analytics,
    athena,
    cloudformation,
    cloudwatch,
    cors,
    dynamodb,
    event_sources,
    faults,
    firehose,
    kinesis,
    load_balancers,
    scheduler,
    shard_limits,
    workers,
)
from .settings import SUPERVISED

for correction in (
    alarms,
    analytics,
    athena,
    cloudformation,
    cloudwatch,
    cors,
    dynamodb,
    event_sources,
    faults,
    firehose,
    kinesis,
    load_balancers,
    scheduler,
    workers,
):
    correction.apply()
if os.environ.get(shard_limits.SETTING):
    shard_limits.apply()
access.apply()  # the last one: it is asked first
if os.environ.get(SUPERVISED):
    succession.keep_supervised()
main()
