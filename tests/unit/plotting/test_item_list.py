"""A list whose rows are buttons: what each shows, and which item a press hands over."""

import pytest

from helpers.plotting import item_list
from helpers.plotting.item_list import ROWS, ItemList, readable


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(item_list.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def shown(clock):
    pressed = []
    made = ItemList("Pages", "pages-0", "(press)", pressed.append)
    made.pressed = pressed
    return made


def texts(shown):
    return [button.description for button in shown._buttons]


def test_rows_show_the_largest_items_their_bars_and_their_counts(shown):
    shown.show([(f"/{n}", 1200 - 300 * n) for n in range(4)])
    assert texts(shown) == ["/0", "/1", "/2", "/3", "", ""]
    assert '.rwa-pages-0-0{--part:100.0%;--count:"1,200"}' in shown.style
    assert '.rwa-pages-0-1{--part:75.0%;--count:"900"}' in shown.style
    assert ".rwa-pages-0-4{visibility:hidden}" in shown.style
    shown.show([(f"/{n}", 1) for n in range(9)])
    assert (
        texts(shown)[-1] == "/5" and "visibility" not in shown.style and len(texts(shown)) == ROWS
    )
    shown.show([])
    assert shown.style.count("visibility:hidden") == ROWS - 1 and texts(shown)[0] == "nothing yet"
    shown._buttons[0].click()
    assert not shown.pressed


def test_an_item_keeps_its_row_for_some_seconds_and_its_count_follows(shown, clock):
    shown.show([("/a", 5), ("/b", 4)])
    shown.show([("/b", 9), ("/a", 6)])
    assert texts(shown)[:2] == ["/a", "/b"] and '-0{--part:66.7%;--count:"6"}' in shown.style
    clock[0] += item_list.SORTED_SECONDS
    shown.show([("/b", 9), ("/a", 6)])
    assert texts(shown)[:2] == ["/b", "/a"]
    shown.show([("/c", 9), ("/b", 8)])
    assert texts(shown)[:2] == ["/c", "/b"], "a new item is shown at once"


def test_a_press_hands_over_the_item_as_it_was_received(shown):
    shown.show([("/caf%C3%A9", 5)])
    assert texts(shown)[0] == "/café"
    shown._buttons[0].click()
    shown._buttons[1].click()
    assert shown.pressed == ["/caf%C3%A9"]


def test_items_that_filter_nothing_are_disabled_and_hostile_ones_are_plain_text():
    bots = ItemList("Bots", "devices-3", "", print)
    bots.show([("<b>\u202e$x$" + "y" * 400, 2)])
    button = bots._buttons[0]
    assert button.disabled and len(button.description) <= 40 and len(button.tooltip) <= 301
    assert "\u202e" not in button.description + button.tooltip
    assert readable("%zz%FF") == "%zz\ufffd"


def test_without_a_positive_count_no_bar_is_drawn(shown):
    shown.show([("/a", -1), ("/b", 0)])
    assert "--part:0.0%" in shown.style and "--part:-" not in shown.style
