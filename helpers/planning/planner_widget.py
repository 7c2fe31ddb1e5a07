"""The planner's slider of events a day, with the plan as a picture and a sentence."""

import html
import threading

import ipywidgets as widgets

from helpers.plotting.figure import Picture
from helpers.plotting.notebook_widgets import NamedImage, deliver_while_busy, named
from helpers.plotting.palette import CARD, INK, LINE, VERMILION

from .bottlenecks import MOST_EVENTS
from .capacity import Run
from .planner_figure import LEAST_EVENTS, draw_scale, picture_size

THREAD_NAME = "scale-slider"
LABEL = "Events a day, from 1 million to 10 billion"


class ScalePanel:
    """The slider, the number box, the picture and the sentence.

    A callback only stores the new value; a thread draws, always the newest value.

    Args:
        run: the learner's run, marked on the curve, or None.
        events: the slider's first value, events a day.
    """

    def __init__(self, run: Run | None, events: float) -> None:
        self._run = run
        width, height = picture_size()
        self._picture = Picture(width, height)
        self._image = NamedImage(
            format="png",
            width=str(self._picture.css_width()),
            tooltip="The plan for a site of this size; the sentence below describes it",
        )
        self._image.layout = widgets.Layout(max_width="100%", height="auto")
        self._line = widgets.HTML()
        self._slider = widgets.FloatLogSlider(
            value=events,
            base=10,
            min=6,
            max=10,
            step=0.05,
            tooltip=LABEL,
            readout=False,
            continuous_update=False,
            layout=widgets.Layout(flex="1 1 auto"),
        )
        self._box = widgets.BoundedFloatText(
            value=events,
            min=LEAST_EVENTS,
            max=MOST_EVENTS,
            description="Events a day",
            tooltip=LABEL,
            layout=widgets.Layout(width="220px", flex="0 0 auto"),
            style={"description_width": "initial"},
        )
        self._drawing = threading.Lock()
        self._wanted = events
        for widget in (self._slider, self._box):
            widget.observe(self._moved, "value")
        row = widgets.HBox([self._box, self._slider])
        layout = widgets.Layout(
            max_width=f"{self._picture.css_width()}px",
            padding="6px 10px",
            border=f"1px solid {LINE}",
        )
        self.widget = named(widgets.VBox([row, self._image, self._line], layout=layout))
        self._draw()
        deliver_while_busy([self._slider, self._box])

    @property
    def sentence(self) -> str:
        """The picture's content in words."""
        return self._picture.sentence

    def _moved(self, change: dict) -> None:
        if change["new"] == self._wanted:
            return  # set below, by the other control's callback
        self._wanted = change["new"]
        for widget in (self._slider, self._box):
            widget.value = round(self._wanted)
        # No daemon: the kernel's end must not interrupt matplotlib.
        threading.Thread(target=self._draw, name=THREAD_NAME).start()

    def _draw(self) -> None:
        with self._drawing:
            events = self._wanted  # the newest; values that it replaced are never drawn
            picture = self._picture
            picture.clear()
            try:
                picture.sentence = draw_scale(picture, events, self._run)
                self._image.value = picture.png()
                color, words = INK, picture.sentence
            except Exception as error:  # a thread has no cell to raise in
                color, words = VERMILION, f"{type(error).__name__}: {error}"
            card = f"padding:2px 8px;line-height:1.45;color:{color};background:{CARD}"
            self._line.value = f'<div role="status" style="{card}">{html.escape(words)}</div>'


def scale_planner(run: Run | None = None, events: float = 1e6) -> widgets.Widget:
    """Return a slider from a million to 10 billion events a day, with the plan for them.

    The plan shows dollars a month by events a day, the resources in numbers, and the limits in the
    order in which they are exceeded, each with the change of the design. It is computed from
    assets/measured.json, assets/prices.json and AWS's published limits (planning/limits.py).

    Args:
        run: the result of `run_flash_crowd(...)` (its `.run`), marked on the curve.
        events: the slider's first value, events a day, 1e6 to 1e10.

    Example:
        `scale_planner(events=100e6)`
    """
    return ScalePanel(run, min(max(events, LEAST_EVENTS), MOST_EVENTS)).widget
