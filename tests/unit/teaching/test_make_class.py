"""`make class`: the quotas of a class, its progress, and wrong options."""

import os
import sys

import pytest

from helpers.core.errors import WorkshopError
from helpers.sharing.joining import join_class
from helpers.teaching.__main__ import main, quotas_of
from tests.unit.sharing.classes import learner


@pytest.fixture
def make_class(monkeypatch, own_home, capsys):
    """Return a function that runs `make class` with options, and returns what it prints."""

    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["make class", *options])
        failed = main()
        shown = capsys.readouterr()
        assert bool(failed) == bool(shown.err)
        return shown.out or shown.err

    return run


@pytest.fixture
def no_settings(monkeypatch, tmp_path):
    """No AWS settings of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "missing"))


def test_without_options_thirty_learners_are_compared_with_awss_defaults(make_class):
    shown = make_class()
    assert "no account was asked" in shown and "networks (VPCs): 30 for 30 learners" in shown
    assert "networks (VPCs): 12 for 12 learners" in make_class("--learners", "12")


def test_a_folder_gives_the_table_and_a_page(make_class, tmp_path, own_home):
    shared = tmp_path / "shared"
    shared.mkdir()
    join_class(learner(), "<i>Ada</i>".replace("/", ""), folder=shared)
    shown = make_class("--folder", str(shared))
    assert "1 learner in" in shown and "VPCs" not in shown
    page = own_home / "class.html"
    assert page.as_uri() in shown and "&lt;i&gt;Ada" in page.read_text(encoding="utf-8")
    assert "VPCs" in make_class("--folder", str(shared), "--learners", "3")


@pytest.mark.parametrize(
    "options", [("--learners", "0"), ("--learners", "2000"), ("--folder", "/nowhere/at/all")]
)
def test_a_wrong_option_gets_a_cause_and_a_remedy(make_class, options):
    assert "\n→ " in make_class(*options)


@pytest.mark.parametrize("options", [("--learners", "many"), ("--target", "azure")])
def test_an_option_that_is_none_is_refused(make_class, options):
    with pytest.raises(SystemExit):
        make_class(*options)


def test_without_credentials_the_report_has_a_remedy(make_class, no_settings, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "\n  → " in make_class("--target", "aws")


def test_an_account_needs_a_region_and_is_never_an_emulator(no_settings, monkeypatch):
    with pytest.raises(WorkshopError, match="No AWS region"):
        quotas_of(30, "aws")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(WorkshopError, match="which is not AWS"):
        quotas_of(30, "aws")
