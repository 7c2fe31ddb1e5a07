"""A child's environment has only the AWS settings that are given, not the shell's."""

import json
import os

import boto3
import pytest

from helpers.core.cloud import Cloud
from helpers.core.environment import child_environment
from helpers.core.paths import REPOSITORY
from helpers.local import child_process
from helpers.local.access_key import random_key
from helpers.local.client import session_with
from helpers.local.emulator.settings import emulator_environment

POISON = {
    "AWS_ACCESS_KEY_ID": "AKIA" + "P" * 16,
    **dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SOMETHING_NEW"), "poison"),
    **dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), "http://127.0.0.1:9"),
    **dict.fromkeys(("AWS_PROFILE", "AWS_DEFAULT_PROFILE"), "nobody"),
    "AWS_CONFIG_FILE": "/nowhere/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEARNERS_OWN", "kept")


def aws(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("AWS_")}


NOTHING = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def test_a_child_has_no_aws_settings_unless_they_are_given():
    environment = child_environment({"AWS_SESSION_TOKEN": None, "OTHER": "set"})
    assert aws(environment) == NOTHING and (environment["OTHER"], environment["LEARNERS_OWN"]) == (
        "set",
        "kept",
    )


def test_a_child_finds_the_workshops_modules_before_others_and_reads_utf_8(monkeypatch):
    for inherited in ("/other", f"/other{os.pathsep}{REPOSITORY}"):
        monkeypatch.setenv("PYTHONPATH", inherited)
        environment = child_environment()
        assert (
            environment["PYTHONPATH"] == f"{REPOSITORY}{os.pathsep}/other"
            and environment["PYTHONUTF8"] == "1"
        )


def test_a_child_stores_compiled_files_even_if_the_shell_disables_it(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in child_environment()


def test_the_emulator_and_a_child_of_a_local_cloud_have_only_the_emulators_key(tmp_path):
    key = random_key()
    pair = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    assert aws(emulator_environment(4566, key, tmp_path)) == NOTHING | pair | region
    cloud = Cloud(session_with(key), "000000000000", endpoint="http://127.0.0.1:4566")
    endpoint = {"AWS_ENDPOINT_URL": cloud.endpoint}
    assert aws(cloud.child_environment()) == NOTHING | pair | region | endpoint


def test_a_local_session_ignores_the_settings_of_the_shell(emulator):
    assert emulator.client("sts").get_caller_identity()["Account"] == emulator.account
    assert emulator.region == "us-east-1"


def test_a_started_child_has_no_aws_settings_unless_they_are_given(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import json, os\nprint(json.dumps(dict(os.environ)))\n")
    child = child_process.start([str(script)], log=tmp_path / "log", outlive=True)
    assert child.wait(60) == 0
    assert aws(json.loads((tmp_path / "log").read_text())) == NOTHING


CONFIG = """[profile work]
region = eu-central-1
ca_bundle = /company/ca.pem
use_dualstack_endpoint = true
[default]
endpoint_url = http://127.0.0.1:9
"""
CREDENTIALS = """[work]
aws_access_key_id = WORKKEY
aws_secret_access_key = worksecret
aws_session_token = worktoken
"""
ASK = """
import boto3
session = boto3.Session()
client = session.client("kinesis")
print(*session.get_credentials().get_frozen_credentials()[:3])
print(session.region_name, client.meta.endpoint_url)
"""


def test_on_aws_a_child_reaches_the_same_account_as_a_profile_does(tmp_path, monkeypatch):
    for name in POISON:
        monkeypatch.delenv(name)
    for name, text in (("CONFIG_FILE", CONFIG), ("SHARED_CREDENTIALS_FILE", CREDENTIALS)):
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name))
    cloud = Cloud(boto3.Session(profile_name="work"), "123456789012")
    environment = cloud.child_environment()
    assert aws(environment) == NOTHING | {
        "AWS_ACCESS_KEY_ID": "WORKKEY",
        "AWS_SECRET_ACCESS_KEY": "worksecret",
        "AWS_SESSION_TOKEN": "worktoken",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CA_BUNDLE": "/company/ca.pem",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
    }
    script = tmp_path / "ask.py"
    script.write_text(ASK)
    child = child_process.start(
        [str(script)], log=tmp_path / "log", environment=environment, outlive=True
    )
    assert child.wait(60) == 0
    assert (tmp_path / "log").read_text().split() == [
        *("WORKKEY", "worksecret", "worktoken", "eu-central-1"),
        "https://kinesis.eu-central-1.api.aws",
    ]
