"""The whole chain on a machine of another language, zone and encoding.

The stream job's JVM is another's too in test_flink_job.py and in tests/faults/test_disk.py.
"""

import json
import os
import re
import subprocess
import sys

from helpers.home import REPOSITORY
from helpers.local import supervisor
from tests.journey.foreign_controller import GERMAN


def test_a_whole_demo_on_a_german_machine_in_newfoundland_loses_and_rejects_nothing(own_home):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "helpers.demo"],
            cwd=REPOSITORY,
            env=inherited | GERMAN.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=570,
        )
    finally:
        supervisor.stop()  # it outlives a demo that was killed
    assert ended.returncode == 0, ended.stdout
    found = json.loads(re.findall(r"^\{.*\}$", ended.stdout, re.M)[-1])
    assert (found["lost"], found["rejected"], found["sent"]) == (0, 0, 2_000), ended.stdout
    stages = ("accepted", "archived", "dynamodb", "cloudwatch")
    assert {found[stage] for stage in stages} == {2_000}, ended.stdout
