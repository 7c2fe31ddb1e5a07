"""A picture that redraws itself in place while other cells run.

JupyterLab updates a widget while a cell is busy; a thread draws a matplotlib Figure into an image
widget. Each chart has one thread, registered by the chart's name: running a cell again never starts
a second one.
"""

import html
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

import ipywidgets as widgets
from IPython.display import HTML, display

from helpers.core.aws_errors import cause_and_remedy
from helpers.core.call_meter import caller, on_behalf_of

from .figure import Picture, as_html
from .notebook_widgets import NamedImage, deliver_while_busy

LONGEST_SECONDS = 3600  # a chart in a forgotten tab must not read, and on AWS cost, for ever
LONGEST_PAUSE = 30  # seconds between two attempts while drawing fails

_running: dict[str, "Live"] = {}


class Live(ABC):
    """One thread that shows something new every `period` seconds, a sentence, and a Stop button.

    A subclass draws it. An error of `_frame` is shown in place of the sentence; the thread tries
    again, after longer and longer pauses. After an hour it stops by itself.

    Args:
        shown: the widget with the picture.
        name: a running one of the same name is stopped first.
        period: seconds from one picture to the next.
        max_width: of picture and sentence, in CSS pixels or another CSS length.
    """

    def __init__(self, shown: widgets.Widget, *, name: str, period: float, max_width: str) -> None:
        self.name, self.period = name, period
        self.frames = self.failures = 0
        self.sentence = ""
        self._line = widgets.HTML(layout=widgets.Layout(flex="1 1 auto"))
        button = widgets.Button(description="Stop", tooltip=f"Stop the chart {name}")
        button.layout = widgets.Layout(width="auto", flex="0 0 auto")
        button.on_click(lambda _: self.stop())
        deliver_while_busy([button])
        self.widget = widgets.VBox([shown, widgets.HBox([self._line, button])])
        self.widget.layout = widgets.Layout(max_width=max_width)
        self._handles: list = []  # of the outputs that show the widget
        self._ending, self._awake = threading.Event(), threading.Event()
        self._caller = caller()  # the helper that starts it: its thread's calls are this helper's
        self._thread = threading.Thread(target=self._run, name=f"live-{name}", daemon=True)

    def start(self) -> Self:
        """Show the first picture and begin to redraw it; stop an earlier one of this name."""
        if (earlier := _running.get(self.name)) is not None:
            earlier.stop()
        _running[self.name] = self
        self._redraw()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop, and replace the widget by its last picture: a saved notebook keeps no widgets."""
        if self._ending.is_set():
            return
        self._ending.set()
        self.wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        if _running.get(self.name) is self:
            del _running[self.name]
        caption = f"{self.sentence} (Stopped at {datetime.now(UTC):%H:%M:%S} UTC.)"
        self._show_status(html.escape(caption))
        still = HTML(self._still(caption))
        for handle in self._handles:
            handle.update(still)

    def wake(self) -> None:
        """Draw the next picture now, without waiting for the end of the pause."""
        self._awake.set()

    @abstractmethod
    def _frame(self) -> str:
        """Show the next picture; return its sentence, plain text."""

    @abstractmethod
    def _blank(self) -> None:
        """Show an empty picture."""

    @abstractmethod
    def _still(self, caption: str) -> str:
        """Return the HTML that remains in the notebook, with this caption below."""

    def _run(self) -> None:
        with on_behalf_of(self._caller):
            self._repeat()

    def _repeat(self) -> None:
        ends = time.monotonic() + LONGEST_SECONDS
        while True:
            self._awake.wait(self._pause())
            self._awake.clear()
            if self._ending.is_set():
                return
            if time.monotonic() > ends:
                self.sentence += " To see more, run the cell again."
                self.stop()
            else:
                self._redraw()

    def _pause(self) -> float:
        return max(self.period, min(self.period * 2**self.failures, LONGEST_PAUSE))

    def _redraw(self) -> None:
        try:
            self.sentence = self._frame()
        except Exception as error:  # a thread has no cell to raise in: show it under the picture
            self.failures += 1
            cause, remedy = cause_and_remedy(error)
            self.sentence = f"{cause} {remedy}"
            self._show_status(
                f"<b>⚠ {html.escape(cause)}</b><br>→ {html.escape(remedy)} "
                f"Trying again in {max(self._pause(), 1):.0f} s."
            )
            if not self.frames:
                self._blank()
            return
        self.failures = 0
        self._show_status(html.escape(self.sentence))
        self.frames += 1

    def _show_status(self, markup: str) -> None:
        # Letters grow with the window, for projectors.
        style = "display:inline-block;line-height:1.4;font-size:clamp(13px,0.9vw,20px)"
        self._line.value = f'<span role="status" style="{style}">{markup}</span>'

    def _ipython_display_(self) -> None:
        self._handles.append(display(self.widget, display_id=True))


class LiveChart(Live):
    """Calls `draw(picture)` every `period` seconds and shows the result as one image widget.

    `draw` draws in an empty Picture and returns one sentence of plain text that describes it.

    Args:
        draw: draws in the Picture and returns the sentence.
        name, period: as for Live.
        size: width and height in inches (an inch is 96 CSS pixels).

    Example:
        `LiveChart(draw, name="my chart").start()` as the last line of a cell shows it
    """

    def __init__(
        self,
        draw: Callable[[Picture], str],
        *,
        name: str,
        period: float = 2.0,
        size: tuple[float, float] = (8.8, 3.1),
    ) -> None:
        self._draw, self._picture = draw, Picture(*size)
        width = self._picture.css_width()
        # A screen reader reads the tooltip: the widget has no alt text.
        tooltip = f"Chart {name}: described by the sentence below"
        self._image = NamedImage(format="png", width=str(width), tooltip=tooltip)
        self._image.layout = widgets.Layout(max_width="100%", height="auto")
        super().__init__(self._image, name=name, period=period, max_width=f"{width}px")

    def _frame(self) -> str:
        self._picture.clear()
        sentence = self._draw(self._picture)
        self._image.value = self._picture.png()
        return sentence

    def _blank(self) -> None:
        self._picture.clear()
        self._image.value = self._picture.png()

    def _still(self, caption: str) -> str:
        return as_html(bytes(self._image.value), caption, self._picture.css_width())


class LiveBoard(Live):
    """Shows HTML, and a sentence, that `read()` returns every `period` seconds.

    The HTML takes its colours from JupyterLab's theme and its width from the window, and is set at
    once, so that nothing flickers.

    Args:
        read: returns the HTML, in which text from visitors is escaped, and one sentence of plain
            text.
        blank: the HTML until the first reading succeeds.
        name, period: as for Live.

    Example:
        `LiveBoard(read, blank="<p>…</p>", name="board").start()` as the last line of a cell
    """

    def __init__(
        self, read: Callable[[], tuple[str, str]], *, blank: str, name: str, period: float = 2.0
    ) -> None:
        self._read, self._empty, self._board = read, blank, widgets.HTML()
        self._board.layout = widgets.Layout(width="auto")
        super().__init__(self._board, name=name, period=period, max_width="100%")

    def _frame(self) -> str:
        self._board.value, sentence = self._read()
        return sentence

    def _blank(self) -> None:
        self._board.value = self._empty

    def _still(self, caption: str) -> str:
        # Without this class, JupyterLab shows text between two $ as a formula.
        return f'<div class="mathjax_ignore">{self._board.value}<p>{html.escape(caption)}</p></div>'


def stop_charts() -> int:
    """Stop every live chart of this notebook; return how many were running.

    Example:
        >>> stop_charts()
        0
    """
    charts = list(_running.values())
    for chart in charts:
        chart.stop()
    return len(charts)
