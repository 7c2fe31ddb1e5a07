"""A list of items with their counts, of which each is a button.

The buttons are made once and change their text, so that the one with the focus keeps it. An item
keeps its row for some seconds, so that a row does not change between the look and the press.
"""

import time
from collections.abc import Callable, Sequence
from urllib.parse import unquote

import ipywidgets as widgets

from helpers.core.text import number, printable, shorten

from .notebook_widgets import deliver_while_busy

ROWS = 6
SORTED_SECONDS = 10
NOTHING = "nothing yet"
_ITEM_CHARACTERS = 38
_TITLE_CHARACTERS = 300


class ItemList:
    """A heading and six rows.

    A row's bar and its count are CSS, in `style`: the widget of a button has no part for them.

    Args:
        title: the heading, plain text.
        key: a name for CSS that no other list of the page has, e.g. `pages-0`.
        hint: an item's button shows it, after the item; empty if items can't be pressed.
        pressed: is called with the item, as `show` has received it.
    """

    def __init__(self, title: str, key: str, hint: str, pressed: Callable[[str], None]) -> None:
        self._key, self._hint = key, hint
        self.style = ""
        self._items: list[str] = []
        self._sorted_at = 0.0
        heading = widgets.Label(title)
        heading.add_class("rwa-name")
        self._buttons = [self._button(row, pressed) for row in range(ROWS)]
        self.widget = widgets.VBox([heading, *self._buttons])
        self.widget.add_class("rwa-card")
        deliver_while_busy(self._buttons)

    def _button(self, row: int, pressed: Callable[[str], None]) -> widgets.Button:
        button = widgets.Button(disabled=not self._hint)
        button.add_class("rwa-pick")
        button.add_class(f"rwa-{self._key}-{row}")

        def press(_: widgets.Button) -> None:
            if row < len(self._items):
                pressed(self._items[row])

        button.on_click(press)
        return button

    def show(self, rows: Sequence[tuple[str, float]]) -> None:
        """Show the largest items.

        Args:
            rows: (item, count), the largest first; an item may be any text from a visitor.
        """
        counts = dict(rows)
        largest = list(counts)[:ROWS]
        if time.monotonic() - self._sorted_at >= SORTED_SECONDS or set(largest) != set(self._items):
            self._items, self._sorted_at = largest, time.monotonic()
        longest = max((counts[item] for item in self._items), default=0)
        rules = []
        for row, button in enumerate(self._buttons):
            selector = f".rwa-{self._key}-{row}"
            if row == 0 and not self._items:
                self._set_text(button, NOTHING)
                continue
            if row >= len(self._items):
                rules.append(f"{selector}{{visibility:hidden}}")
                continue
            item = self._items[row]
            part = max(0, 100 * counts[item] / longest) if longest > 0 else 0
            rules.append(f'{selector}{{--part:{part:.1f}%;--count:"{number(counts[item])}"}}')
            self._set_text(button, readable(item))
        self.style = "".join(rules)

    def _set_text(self, button: widgets.Button, item: str) -> None:
        text = shorten(item, _ITEM_CHARACTERS)
        hint = self._hint if self._items else ""
        title = f"{printable(item)[:_TITLE_CHARACTERS]} {hint}".strip()
        if (button.description, button.tooltip) != (text, title):
            with button.hold_sync():
                button.description, button.tooltip = text, title
            deliver_while_busy([button])


def readable(item: str) -> str:
    """Return an item of CloudWatch in the letters that a visitor's browser shows.

    Args:
        item: a dimension value: printable ASCII, other letters percent-encoded.

    Example:
        >>> readable("/caf%C3%A9")
        '/café'
    """
    return unquote(item, errors="replace")
