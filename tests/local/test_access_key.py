"""The key's file: only its owner can read it, from its creation on."""

import os
import re
import stat

import pytest

from helpers.core.errors import WorkshopError
from helpers.local import access_key


@pytest.fixture(autouse=True)
def home(own_home, monkeypatch):
    return own_home


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_the_file_and_its_folder(home, mask):
    before = os.umask(mask)
    try:
        access_key.make()
    finally:
        os.umask(before)
    assert stat.S_IMODE(access_key.path().stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) & 0o077 == 0
    assert list(home.iterdir()) == [access_key.path()], "no draft is left"


def test_each_target_has_another_key_which_is_not_an_account(home):
    first, second = access_key.make(), access_key.make()
    assert access_key.current() == second != first
    assert re.fullmatch(r"\w{16,128}", second.id) and not second.id.isdigit()
    assert second.id not in repr(second) and second.secret not in repr(second)
    access_key.forget()
    assert access_key.current() is None


def test_a_link_at_its_path_is_replaced_and_not_followed(home, tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    home.mkdir()
    for name in ("access-key", f".access-key.{os.getpid()}"):
        (home / name).symlink_to(other)
    access_key.make()
    assert other.read_text() == "mine" and not access_key.path().is_symlink()


def test_a_key_file_of_another_user_is_refused(home, monkeypatch):
    access_key.make()
    owner = access_key.path().stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(WorkshopError, match="another user"):
        access_key.current()


@pytest.mark.parametrize("text", ["", "one", "one two three"])
def test_an_incomplete_key_is_none(home, text):
    access_key.make()
    access_key.path().write_text(text)
    assert access_key.current() is None
