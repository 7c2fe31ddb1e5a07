"""The widgets of the site owner's dashboard: its period, tabs and filters."""

import html
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets

from helpers.audit.filtered_recount import DIMENSIONS
from helpers.core.text import shorten
from helpers.plotting.html_tiles import STYLE
from helpers.plotting.item_list import ItemList, readable
from helpers.plotting.live_view import Live
from helpers.plotting.notebook_widgets import deliver_while_busy

from . import site_view
from .site_figures import TABS, Choice, SiteSnapshot
from .site_periods import PERIODS

_FILTER_NAMES = {"entry": "first page", "exit": "last page", "system": "operating system"}
_PICK = "(press: only visits with it)"


class SiteBoard(Live):
    """Tiles, a chart, and tabs of lists; the owner chooses a period, a tab and items.

    Args:
        read: returns the values for a choice.
        choice: the first one.
        name: of the dashboard: a running one of the same name is stopped.
        period: seconds from one reading to the next.
    """

    def __init__(
        self, read: Callable[[Choice], SiteSnapshot], choice: Choice, name: str, period: float
    ) -> None:
        self._read, self._choice, self._seen = read, choice, SiteSnapshot(at=0.0, choice=choice)
        self._choosing = threading.Lock()
        self._tiles, self._chart, self._style = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._periods = widgets.RadioButtons(
            options=list(PERIODS), value=choice.period.name, description="Period",
            orientation="horizontal", layout=widgets.Layout(width="auto"),
        )  # fmt: skip
        self._chips = {dimension: self._chip(dimension) for dimension in DIMENSIONS}
        self._lists = {tab: self._lists_of(tab) for tab in TABS}
        boxes = [widgets.GridBox([each.widget for each in self._lists[tab]]) for tab in TABS]
        for box in boxes:
            box.add_class("rwa-lists")
        self._tab = widgets.Tab(
            boxes, titles=tuple(TABS), selected_index=list(TABS).index(choice.tab)
        )
        top = widgets.HBox([self._periods, *self._chips.values()])
        top.layout.flex_flow, top.layout.align_items = "row wrap", "center"
        sheet = widgets.VBox(
            [widgets.HTML(STYLE), self._style, top, self._tiles, self._chart, self._tab]
        )
        sheet.add_class("rwa-sheet")
        board = widgets.VBox([sheet])
        board.add_class("rwa-board")
        super().__init__(board, name=name, period=period, max_width="100%")
        self._periods.observe(lambda new: self._choose(period=PERIODS[new["new"]]), "value")
        self._tab.observe(lambda new: self._choose(tab=list(TABS)[new["new"]]), "selected_index")
        deliver_while_busy([self._periods, self._tab])

    def _chip(self, dimension: str) -> widgets.Button:
        chip = widgets.Button(icon="times", layout=widgets.Layout(width="auto", display="none"))
        chip.add_class("rwa-chip")
        chip.on_click(lambda _: self._filter(dimension, None))
        return chip

    def _lists_of(self, tab: str) -> list[ItemList]:
        def picks(dimension: str) -> Callable[[str], None]:
            return lambda item: self._filter(dimension, item)

        return [
            ItemList(title, f"{tab.lower()}-{n}", _PICK if dimension else "", picks(dimension))
            for n, (title, _, dimension) in enumerate(TABS[tab])
        ]

    def _filter(self, dimension: str, item: str | None) -> None:
        chosen = dict(self._choice.filters)
        chosen.pop(dimension, None)
        if item is not None:
            chosen[dimension] = item
        self._choose(filters=tuple(sorted(chosen.items())))

    def _choose(self, **changed: Any) -> None:  # noqa: ANN401 - the fields of a Choice
        with self._choosing:
            self._choice = replace(self._choice, **changed)
            self._show_filters()
        self.wake()

    def _show_filters(self) -> None:
        chosen = dict(self._choice.filters)
        for dimension, chip in self._chips.items():
            item = chosen.get(dimension)
            chip.layout.display = "none" if item is None else None
            if item is not None:
                name = _FILTER_NAMES.get(dimension, dimension)
                chip.description = f"{name}: {shorten(readable(item), 30)}"
                chip.tooltip = f"Remove the filter {chip.description}"
        deliver_while_busy(self._chips.values())

    def _frame(self) -> str:
        choice = self._choice
        if choice.filters and self._seen.choice != choice:
            self._show_status(
                f"Counting the visits {choice.period.phrase} again from the archive, "
                "only those of the filter. With many beacons this takes a minute ..."
            )
        seen = self._read(choice)
        if choice != self._choice:  # the owner has chosen again meanwhile
            self.wake()
            return self.sentence
        self._show(seen)
        return site_view.sentence(seen)

    def _show(self, seen: SiteSnapshot) -> None:
        self._seen = seen
        shown = self._lists[seen.choice.tab]
        for each, (_, _, rows) in zip(shown, seen.lists, strict=True):
            each.show(rows)
        rules = "".join(each.style for lists in self._lists.values() for each in lists)
        self._style.value = f"<style>{rules}</style>"
        self._tiles.value, self._chart.value = site_view.tiles(seen), site_view.chart(seen)

    def _blank(self) -> None:
        lists: tuple[tuple[str, str, list], ...] = tuple(
            (title, dimension, []) for title, _, dimension in TABS[self._choice.tab]
        )
        self._show(replace(self._seen, choice=self._choice, lists=lists))

    def _still(self, caption: str) -> str:
        # Without this class, JupyterLab shows text between two $ as a formula.
        return (
            f'<div class="mathjax_ignore">{site_view.still(self._seen)}'
            f"<p>{html.escape(caption)}</p></div>"
        )
