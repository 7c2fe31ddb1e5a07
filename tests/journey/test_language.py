"""The job and the whole chain on machines of other languages, zones and encodings.

Java takes its language from the environment or from its own properties. These need no locale that
is installed, so that nothing here is skipped.
"""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from helpers.home import REPOSITORY
from helpers.local import supervisor
from tests.journey.flink_reference import expected, records
from tests.journey.flink_target import Target
from tests.journey.test_flink_job import put, settle, without

GERMAN = {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}
# Half an hour off the others' hours, and behind UTC: what takes a zone for UTC is late or early.
ZONE = {"TZ": "America/St_Johns"}


JVM = {
    "de": "-Duser.language=de -Duser.country=DE -Duser.timezone=Asia/Kolkata",
    # Its digits are not ours, and its files are not UTF-8.
    "ar": "-Duser.language=ar -Duser.country=EG -Duser.timezone=Pacific/Chatham "
    "-Dfile.encoding=ISO-8859-1",
}


@pytest.mark.parametrize("name", JVM)
def test_every_metric_is_exact_in_a_jvm_of_another_language_and_zone(
    emulator, tmp_path, monkeypatch, name
):
    own_home = tmp_path / "the workshop of a learner"
    monkeypatch.setenv("WORKSHOP_HOME", str(own_home))
    clicks = records(600, int(time.time() * 1000) - 60_000)
    target = Target(emulator, own_home, f"job-{name}")
    target.upload("code/first.zip")
    target.create("code/first.zip")
    try:
        target.run_controller(
            environment=GERMAN | ZONE,
            arguments=("-m", "tests.journey.foreign_controller", JVM[name]),
        )
        target.start()
        put(target, clicks, {})
        settle(target, [], without("avg_pg_ld", expected(clicks)))
    finally:
        target.delete()
        target.end_controller()


def test_a_whole_demo_on_a_german_machine_in_newfoundland_loses_and_rejects_nothing(own_home):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "helpers.demo"],
            cwd=REPOSITORY,
            env=inherited | GERMAN | ZONE,
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
