"""A job is planned once: which code and properties have the same plan, and what is kept of it."""

import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from helpers.core.paths import REPOSITORY
from helpers.flink import class_data, plans
from helpers.flink.groups import DEFAULT_GROUPS
from helpers.flink.java import MODULES
from helpers.flink.properties import local_groups
from helpers.local.flink.application import Application
from helpers.local.flink.planning import NotPlanned, Planning
from helpers.local.flink.runner import Runner
from tests.template_files import read_template

FLINK = REPOSITORY / "assets" / "flink"


@pytest.fixture
def code(tmp_path):
    return shutil.copytree(FLINK, tmp_path / "code")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(class_data, "folder", lambda: tmp_path / "kept")
    return tmp_path / "kept" / "plans"


def template_groups() -> dict[str, dict]:
    template = read_template("2-analyze")
    application = template["Resources"]["Analytics"]["Properties"]["ApplicationConfiguration"]
    return {
        group["PropertyGroupId"]: group["PropertyMap"]
        for group in application["EnvironmentProperties"]["PropertyGroups"]
    }


def test_the_plan_made_beforehand_is_the_one_that_the_template_needs():
    assert local_groups(template_groups()) == local_groups(DEFAULT_GROUPS)


def test_the_local_target_takes_the_modules_from_the_same_folder_of_the_zip():
    assert template_groups()["kinesis.analytics.flink.run.options"]["pyFiles"] == f"{MODULES}/"


def test_another_statement_or_property_is_another_plan(code):
    plan = plans.plan_file(code, DEFAULT_GROUPS)
    assert plans.plan_file(FLINK, DEFAULT_GROUPS) == plan, "wherever the code is"
    begin = {"source.init.position": "AT_TIMESTAMP", "stream.arn": "x"}
    elsewhere = DEFAULT_GROUPS | {"clicks": DEFAULT_GROUPS["clicks"] | begin}
    assert plans.plan_file(code, elsewhere) == plan, "the pumps read streams, not the job"
    flink = DEFAULT_GROUPS["flink"] | {"table.exec.mini-batch.size": "1"}
    assert plans.plan_file(code, DEFAULT_GROUPS | {"flink": flink}) != plan
    (code / "sql" / "30_more.sql").write_text("SELECT 1")
    assert plans.plan_file(code, DEFAULT_GROUPS) != plan


def test_a_plan_is_kept_until_thirty_newer_ones_were_used(tmp_path, kept):
    kept.mkdir(parents=True)
    files = [kept / f"{number:02}" for number in range(plans.KEPT + 2)]
    for age, file in enumerate(reversed(files)):
        file.touch()
        os.utime(file, (10_000 - age, 10_000 - age))
    assert plans.is_kept(files[0]), "it is the newest now"
    plans.environment(DEFAULT_GROUPS, tmp_path, kept / "new")
    assert files[0].exists()
    assert not plans.is_kept(files[1])
    assert not plans.is_kept(files[2])
    assert plans.is_kept(files[3])


def test_without_archives_java_gets_no_option(kept):
    assert class_data.option("running") == ""
    kept.parent.mkdir()
    (kept.parent / "running.jsa").touch()
    assert class_data.option("running") == f'"-XX:SharedArchiveFile={kept.parent}/running.jsa" '
    assert not class_data.is_built(), "the other one is missing"


def test_a_plan_that_was_deleted_is_made_again(kept, own_home):
    kept.mkdir(parents=True)
    plan = kept / "x"
    plan.touch()
    planning = Planning(Application("a", "RUNNING", 1, 0.0, "", "", DEFAULT_GROUPS), FLINK, plan)
    assert planning.poll() == plan
    plan.unlink()
    with pytest.raises(NotPlanned, match="deleted"):
        planning.poll()


def test_a_plan_in_the_making_ends_with_its_application(own_home):
    ended = []
    runner = Runner(None, None, "a")
    first = Application("a", "READY", 1, 100.0, "", "", DEFAULT_GROUPS)
    runner._remembered(first)
    runner.planning = SimpleNamespace(version=1, plan="old", end=lambda: ended.append("old"))
    runner._remembered(first)
    assert ended == [] and runner.planning
    # Deleted and created again between two looks: the same name, and the same version.
    runner._remembered(replace(first, created=200.0))
    assert ended == ["old"] and runner.planning is None
