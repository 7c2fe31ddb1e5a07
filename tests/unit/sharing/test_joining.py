"""A learner joins a class, passes checks, and leaves; the folder works, fails and comes back."""

import threading

import pytest

from helpers.core.errors import WorkshopError
from helpers.core.module_progress import noted_steps, progress
from helpers.sharing import steps
from helpers.sharing.joining import join_class, leave_class
from helpers.sharing.membership import membership
from helpers.sharing.steps import note_cleaned_up, note_exercise, note_passed
from helpers.teaching.class_page import class_progress
from tests.unit.sharing.classes import learner


@pytest.fixture
def shared(tmp_path, own_home):
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def test_each_passed_step_is_on_the_class_page(shared, capsys):
    ada = learner()
    note_passed(ada, "0-start-here")
    assert class_progress(folder=shared).learners == ()  # nothing is shared before one joins
    join_class(ada, "Ada", folder=shared)
    assert "You are \u2068Ada\u2069" in capsys.readouterr().out
    note_passed(ada, "1-capture")
    note_exercise(ada, "1-1")
    assert capsys.readouterr().out == ""
    (found,) = class_progress(folder=str(shared)).learners
    assert found.name == "Ada" and found.steps == noted_steps(ada)
    assert set(found.steps) == {"0-start-here", "1-capture", "exercise 1-1"}
    note_cleaned_up(ada)
    assert "9-clean-up" in class_progress(folder=shared).learners[0].steps


def test_nothing_is_shared_without_a_class(shared, capsys):
    note_passed(learner(), "1-capture")
    assert list(shared.iterdir()) == [] and capsys.readouterr().out == ""


def test_joining_again_changes_the_name_and_the_folder_of_the_same_file(shared, tmp_path, capsys):
    ada = learner()
    join_class(ada, "Ada", folder=shared)
    key = membership(ada).key
    join_class(ada, "Ada B.", folder=shared)
    (found,) = class_progress(folder=shared).learners
    assert (found.key, found.name) == (key, "Ada B.")
    other = tmp_path / "other"
    other.mkdir()
    join_class(ada, "Ada B.", folder=other)
    assert list(shared.iterdir()) == [] and len(class_progress(folder=other).learners) == 1
    assert "same name" not in capsys.readouterr().out


def test_two_learners_with_one_name_have_a_file_each(shared, capsys):
    join_class(learner("ann"), "Ada", folder=shared)
    join_class(learner("bob"), "ada", folder=shared)
    assert "Another learner has the same name" in capsys.readouterr().out
    names = class_progress(folder=shared).names
    assert len(names) == 2 and len(set(names)) == 2
    assert all(name.lower().startswith("ada (") for name in names)


@pytest.mark.parametrize("name", ["../x", "x" * 200, "", None])
def test_a_refused_name_writes_nothing(shared, name):
    with pytest.raises(WorkshopError):
        join_class(learner(), name, folder=shared)
    assert list(shared.iterdir()) == [] and membership(learner()) is None


@pytest.mark.parametrize("folder", ["missing", "file", "", 7])
def test_a_folder_that_is_none_is_refused(shared, folder):
    (shared / "file").write_text("x")
    given = shared / folder if folder in ("missing", "file") else folder
    with pytest.raises(WorkshopError, match="folder"):
        join_class(learner(), "Ada", folder=given)
    assert membership(learner()) is None


def test_a_folder_that_can_not_be_written_is_refused(shared, monkeypatch):
    def read_only(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", read_only)
    with pytest.raises(WorkshopError, match="Permission denied"):
        join_class(learner(), "Ada", folder=shared)
    assert membership(learner()) is None


def test_a_folder_that_vanishes_fails_no_check_and_gets_all_steps_when_it_is_back(shared, capsys):
    ada, away = learner(), shared.with_name("away")
    join_class(ada, "Ada", folder=shared)
    shared.rename(away)
    capsys.readouterr()
    note_passed(ada, "1-capture")
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "No such file or directory" in printed
    assert "The next check tries again" in printed and not shared.exists()
    assert progress(ada).passed["1-capture"]
    away.rename(shared)
    note_passed(ada, "2-analyze")
    assert capsys.readouterr().out == ""
    assert set(class_progress(folder=shared).learners[0].steps) == {"1-capture", "2-analyze"}


def test_a_folder_that_does_not_answer_holds_no_check(shared, capsys, monkeypatch):
    ada, released = learner(), threading.Event()
    join_class(ada, "Ada", folder=shared)
    capsys.readouterr()
    monkeypatch.setattr(steps, "SECONDS", 0.05)
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: released.wait())
    note_passed(ada, "1-capture")
    released.set()
    assert "has not answered within" in capsys.readouterr().out


def test_a_damaged_membership_fails_no_check(shared, own_home, capsys):
    ada = learner()
    join_class(ada, "Ada", folder=shared)
    (file,) = (own_home / "class").iterdir()
    for text in ("{", "[]", '{"name": 3}', "7"):
        file.write_text(text)
        note_passed(ada, "1-capture")
        assert progress(ada).passed["1-capture"]


def test_leaving_deletes_the_file_and_ends_the_sharing(shared, capsys):
    ada = learner()
    join_class(ada, "Ada", folder=shared)
    leave_class(ada)
    assert "You have left" in capsys.readouterr().out
    note_passed(ada, "1-capture")
    assert list(shared.iterdir()) == []
    leave_class(ada)
    assert "not joined" in capsys.readouterr().out


def test_leaving_names_a_file_that_can_not_be_deleted(shared, capsys, monkeypatch):
    ada = learner()
    join_class(ada, "Ada", folder=shared)
    where = f"learner-{membership(ada).key}.json"

    def refused(self, key):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("helpers.sharing.shared_folder.SharedFolder.delete", refused)
    leave_class(ada)
    printed = capsys.readouterr().out
    assert where in printed and "could not be deleted" in printed and "Permission" in printed
    assert membership(ada) is None


def test_a_folder_that_learners_may_not_read_is_no_obstacle(shared, capsys, monkeypatch):
    def unreadable(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", unreadable)
    join_class(learner(), "Ada", folder=shared)
    assert membership(learner()).name == "Ada"
