"""The class page as the instructor sees it."""

import re

import pytest

from helpers.core.errors import WorkshopError
from helpers.core.module_progress import module_names, title
from helpers.exercises.all_exercises import EXERCISES
from helpers.sharing.learner_file import Learner, written
from helpers.teaching.class_page import class_progress
from helpers.teaching.class_table import ClassProgress, in_order

AT = 1_795_564_800.0  # 25 Nov 2026, 00:00 UTC
ADA = Learner("a1", "Ada", {"0-start-here": AT, "1-capture": AT + 3660, "exercise 1-1": AT + 60})
BOB = Learner("b2", "bob", {})
CLASS = ClassProgress(in_order([BOB, ADA]), (), "/mnt/class")


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_a_row_for_each_learner_and_a_column_for_each_module():
    head, ada, bob, passed = cells(CLASS._repr_html_())
    assert head == ["learner", *map(title, module_names()), "last step"]
    assert len(ada) == len(bob) == len(passed) == len(head)
    own = sum(number.startswith("1-") for number in EXERCISES)
    assert ada[1:3] == ["✓", f"✓ 1/{own}"] and ada[-1] == "25 Nov, 01:01 UTC"
    assert "✓" not in "".join(bob) and bob[-1] == "–"
    assert passed[:4] == ["passed", "1", "1", "0"]
    assert CLASS.passed["1-capture"] == 1 and CLASS.names == ["Ada", "bob"]


def test_the_text_has_the_same_in_aligned_columns():
    lines = repr(CLASS).splitlines()
    assert len(lines) == 5 and lines[1].startswith("\u2068Ada\u2069") and "✓" in lines[1]
    assert lines[-1] == CLASS.sentence
    assert CLASS.sentence == (
        "2 learners in /mnt/class. 1 of 2 have passed 1 · Capture, the furthest."
    )


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "<img src=x onerror=y>", "a\u202eb"])
def test_a_name_from_a_file_is_escaped(name):
    shown = ClassProgress((Learner("a1", name, {}),), (f"{name} (not JSON)",), name).page()
    assert "<script" not in shown and "<img" not in shown and "\u202e" not in shown
    assert "mathjax_ignore" in shown


def test_steps_of_another_version_are_ignored():
    odd = Learner("a1", "Ada", {"8-new": AT, "exercise 99-1": AT, "<b>": AT})
    assert "<b>" not in ClassProgress((odd,), (), "x")._repr_html_()
    assert set(ClassProgress((odd,), (), "x").passed.values()) == {0}


def test_files_that_can_not_be_read_are_counted_and_named(tmp_path):
    (tmp_path / "learner-0123456789ab.json").write_bytes(written("Ada", {}))
    for number in range(7):
        (tmp_path / f"learner-{number}.json").write_text("{")
    found = class_progress(folder=tmp_path)
    assert len(found.learners) == 1 and len(found.broken) == 7
    assert "7 files could not be read: learner-0.json" in found.sentence
    assert found.sentence.endswith("and 2 more.")


def test_an_empty_class_is_shown():
    empty = ClassProgress((), (), "/mnt/class")
    assert empty.sentence == "0 learners in /mnt/class." == repr(empty).splitlines()[-1]


def test_a_class_needs_one_place(tmp_path):
    for arguments in ({}, {"cloud": object(), "folder": tmp_path}):
        with pytest.raises(WorkshopError, match="a cloud or a folder"):
            class_progress(**arguments)
    with pytest.raises(WorkshopError, match="can't be read: No such file"):
        class_progress(folder=tmp_path / "missing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkshopError, match="can't be read"):
        class_progress(folder=tmp_path / "file")
