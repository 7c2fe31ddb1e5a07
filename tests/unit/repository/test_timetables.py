"""The timetables of docs/teaching.md: each module is there, and has the time that it takes.

Each notebook states its minutes. The time in which its cells run, the least that it can take, is
measured (bench/module_minutes.json).
"""

import json
import re
from itertools import accumulate

import pytest

from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "teaching.md").read_text(encoding="utf-8")
STATED = {
    path.stem: int(re.search(r"\*(\d+) minutes", stored(path))[1]) for path in stored_notebooks()
}
NUMBERS = {name[0]: name for name in STATED}
MEASURED = json.loads((REPOSITORY / "bench" / "module_minutes.json").read_text(encoding="utf-8"))
TITLES = {"Half a day": 4 * 60 + 30, "A day": 8 * 60}
LUNCH, BREAK, WITHOUT_A_BREAK = 45, 10, 150  # minutes: the least, the least, and the most


def rows(page: str, title: str) -> list[tuple[int, int, str, str]]:
    """Return a timetable: when a row begins, its minutes, what it is, the notebook's minutes."""
    part = page.split(f"\n### {title}: ")[1].split("\n#")[0]
    found = []
    for line in part.splitlines():
        if match := re.match(r"\| (\d+):(\d\d) \| (\d+) \| ([^|]+) \| ?(\d*) ?\|$", line):
            hours, minutes, length, what, own = match.groups()
            found.append((60 * int(hours) + int(minutes), int(length), what.strip(), own))
    return found


def faults(page: str, title: str) -> list[str]:
    """Return what is wrong with a timetable."""
    table = rows(page, title)
    found = []
    sums = [0, *accumulate(length for _, length, _, _ in table)]
    found += [
        f"{what} begins at {begins}, not {due}"
        for (begins, _, what, _), due in zip(table, sums, strict=False)
        if begins != due
    ]
    stated = re.search(rf"### {title}: (\d+) hours(?: (\d+))?$", page, re.M)
    if sums[-1] != 60 * int(stated[1]) + int(stated[2] or 0):
        found.append(f"the sum is {sums[-1]} minutes, not as in the title")
    modules = [(NUMBERS[what[0]], length, own) for _, length, what, own in table if own]
    found += [f"{name} is left out" for name in STATED if name not in [each[0] for each in modules]]
    for name, length, own in modules:
        if int(own) != STATED[name]:
            found.append(f"{name} takes {STATED[name]} minutes, not {own}")
        if length < STATED[name] or length < MEASURED["minutes"][name]:
            found.append(f"{name} has {length} minutes, too few")
    return found


def since_a_break(page: str, title: str) -> int:
    """Return the longest time without a break."""
    longest = current = 0
    for _, length, what, _ in rows(page, title):
        current = 0 if what in ("break", "lunch") else current + length
        longest = max(longest, current)
    return longest


@pytest.mark.parametrize("title", TITLES)
def test_a_timetable_has_each_module_and_enough_time_for_it(title):
    assert faults(PAGE, title) == []
    assert len(rows(PAGE, title)) > len(STATED)  # and breaks
    begins, length, *_ = rows(PAGE, title)[-1]
    assert begins + length == TITLES[title]


@pytest.mark.parametrize("title", TITLES)
def test_a_timetable_has_breaks(title):
    assert since_a_break(PAGE, title) <= WITHOUT_A_BREAK
    breaks = {(what, length) for _, length, what, own in rows(PAGE, title) if not own}
    assert all(length >= {"break": BREAK, "lunch": LUNCH}[what] for what, length in breaks)
    assert ("lunch", 60) in breaks or TITLES[title] < 300


CHANGES = {
    "| 0:10 | 25 | 1 · Capture | 15 |": "| 0:10 | 26 | 1 · Capture | 15 |",
    "| 0:35 | 35 | 2 · Analyse | 25 |": "| 0:35 | 35 | 2 · Analyse | 24 |",
    "| 3:55 | 30 | 7 · Visits | 25 |\n": "",
    "### Half a day: 4 hours 30": "### Half a day: 4 hours",
    "| 4:25 | 5 | 9 · Clean up | 2 |": "| 4:25 | 1 | 9 · Clean up | 2 |",
}


@pytest.mark.parametrize("old", CHANGES)
def test_a_change_of_one_number_is_found(old):
    assert PAGE.count(old) == 1 and faults(PAGE.replace(old, CHANGES[old]), "Half a day")


def test_a_module_that_takes_longer_than_its_row_is_found(monkeypatch):
    monkeypatch.setitem(STATED, "2-analyze", 36)
    assert any("2-analyze has 35" in each for each in faults(PAGE, "Half a day"))
    monkeypatch.undo()
    monkeypatch.setitem(MEASURED["minutes"], "3-visualize", 45.5)
    assert faults(PAGE, "Half a day") == ["3-visualize has 45 minutes, too few"]


def test_every_module_was_measured_and_none_takes_its_minutes_for_its_cells_alone():
    minutes = MEASURED["minutes"]
    assert set(minutes) == set(STATED) and MEASURED["failed"] == 0
    assert all(0 < minutes[name] < STATED[name] for name in STATED)
    shown = re.search(r"The cells alone ran\nfor (\d+) minutes in all, and for (\d+) minutes", PAGE)
    assert [round(sum(minutes.values())), round(max(minutes.values()))] == [
        int(each) for each in shown.groups()
    ]
