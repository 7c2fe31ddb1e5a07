"""The folder of a class: who writes what, and what is not read."""

import os

import pytest

from helpers.sharing.learner_file import written
from helpers.sharing.shared_folder import MOST_FILES, SharedFolder

KEY = "0123456789ab"


def test_a_file_is_written_whole_and_read_by_others(tmp_path):
    place = SharedFolder(tmp_path)
    place.put(KEY, written("Ada", {}))
    place.put(KEY, written("Ada", {"1-capture": 1.0}))
    (path,) = tmp_path.iterdir()  # no draft is left
    assert str(path) == place.where(KEY) and path.stat().st_mode & 0o777 == 0o644
    learners, broken = place.read_all()
    assert [(each.key, each.name) for each in learners] == [(KEY, "Ada")] and broken == []


def test_a_missing_folder_is_not_created(tmp_path):
    place = SharedFolder(tmp_path / "not connected")
    with pytest.raises(FileNotFoundError):
        place.put(KEY, b"{}")
    with pytest.raises(FileNotFoundError):
        place.read_all()
    assert list(tmp_path.iterdir()) == []
    place.delete(KEY)  # it does no harm


def test_a_failed_write_keeps_the_old_file_and_leaves_no_draft(tmp_path, monkeypatch):
    place = SharedFolder(tmp_path)
    place.put(KEY, written("Ada", {}))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space"):
        place.put(KEY, written("Ada", {"1-capture": 1.0}))
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1 and place.read_all()[0][0].steps == {}


def test_a_link_in_the_place_of_a_file_is_replaced_and_never_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(written("Secret", {}))
    shared = tmp_path / "shared"
    shared.mkdir()
    link = shared / f"learner-{KEY}.json"
    link.symlink_to(secret)
    learners, broken = SharedFolder(shared).read_all()
    assert learners == [] and link.name in broken[0]
    SharedFolder(shared).put(KEY, written("Ada", {}))
    assert not link.is_symlink() and b"Secret" in secret.read_bytes()


def test_what_is_no_learners_file_is_named_and_stops_nothing(tmp_path):
    place = SharedFolder(tmp_path)
    place.put(KEY, written("Ada", {}))
    (tmp_path / "notes.txt").write_text("the teacher's")
    (tmp_path / "learner-half.json").write_text("{")
    (tmp_path / "learner-00000000000a.json").write_text("{")
    (tmp_path / "learner-00000000000b.json").mkdir()
    os.mkfifo(tmp_path / "learner-00000000000c.json")  # to read it would wait forever
    (tmp_path / "learner-00000000000d (conflict).json").write_bytes(written("Ada", {}))
    learners, broken = place.read_all()
    assert [each.name for each in learners] == ["Ada"]
    assert [line.split(" (")[0] for line in broken] == [
        *(f"learner-00000000000{letter}.json" for letter in "abc"),
        "learner-00000000000d",
        "learner-half.json",
    ]
    assert "not JSON" in broken[0] and "no regular file" in broken[2]


def test_more_files_than_a_class_has_are_counted_and_not_read(tmp_path):
    for number in range(MOST_FILES + 2):
        (tmp_path / f"learner-{number:012x}.json").write_bytes(b'{"name": "a", "steps": {}}')
    learners, broken = SharedFolder(tmp_path).read_all()
    assert len(learners) == MOST_FILES and broken == ["2 more files"]
