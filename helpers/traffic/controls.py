"""Sliders and buttons for the traffic, and one line that says how it flows.

A widget's callback may run while a cell is busy, so callbacks only note what is wanted. One thread
does it, and writes the status line; what goes wrong there is said in that line, because whatever a
callback raises or prints is shown nowhere.
"""

import html
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.core.errors import WorkshopError
from helpers.generator.settings import DEFAULT_MIX, DEFAULTS
from helpers.plotting.notebook_widgets import button, hear_while_busy, named, panel, wrapping_row
from helpers.plotting.palette import BLUE, GREEN, INK, ORANGE, QUIET, SKY, SLATE, VERMILION

THREAD_NAME = "traffic-controls"
STEP_SECONDS = 0.5

# name: words, least, most, step, tooltip
_SLIDERS = {
    "rate": ("Beacons per second", 0, 500, 5, "How many beacons leave each second"),
    "visitors": ("Different visitors", 1, 2000, 1, "How many client ids there are"),
    "bots_percent": ("Known bots, %", 0, 50, 1, "Share of beacons whose agent is a known bot"),
    "late_percent": ("Late beacons, %", 0, 20, 1, "Share that a cut-off server delivers 30 s late"),
    "duplicates_percent": ("Duplicates, %", 0, 20, 1, "Beacons sent a second time, on top"),
    "malformed_percent": ("Malformed, %", 0, 20, 1, "Too long, not a number, unusual text"),
}
_LEFT = ("rate", "visitors", "bots_percent")

_registry: dict[str, "Controls"] = {}


class Steered(Protocol):
    """What the widgets need of `Traffic`."""

    def start(self, **settings: Any) -> Any: ...  # noqa: D102, ANN401
    def set(self, **settings: Any) -> Any: ...  # noqa: D102, ANN401
    def stop(self) -> Any: ...  # noqa: D102, ANN401
    def burst(self) -> Any: ...  # noqa: D102
    def outage(self) -> Any: ...  # noqa: D102
    def status(self) -> dict[str, Any]: ...  # noqa: D102
    def settings(self) -> dict[str, Any]: ...  # noqa: D102


class Controls:
    """The widgets of one `traffic.controls()` and the thread behind them.

    Args:
        traffic: what they steer.
    """

    def __init__(self, traffic: Steered) -> None:
        self._traffic = traffic
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._wanted: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._problem = ""
        self._shown = DEFAULTS
        self._sliders = {name: _slider(DEFAULTS[name], *row) for name, row in _SLIDERS.items()}
        self._mix = {
            event: _slider(
                weight, event, 0, 100, 1, f"How often {event} happens, next to the others"
            )
            for event, weight in DEFAULT_MIX.items()
        }
        self._line = widgets.HTML()
        self._buttons = [
            self._button("Start", "play", BLUE, "Send beacons as the sliders say", self._start),
            self._button("Stop", "stop", SLATE, "End the traffic", traffic.stop),
            self._button("Burst", "bolt", ORANGE, "3 × the rate for 30 s", traffic.burst),
            self._button("Outage", "power-off", SKY, "No beacon for 60 s", traffic.outage),
        ]
        self.widget = self._layout()
        self._show_settings()
        for name, widget in self._sliders.items():
            widget.observe(partial(self._moved, name), "value")
        for widget in self._mix.values():
            widget.observe(partial(self._moved, "mix"), "value")
        hear_while_busy([*self._sliders.values(), *self._mix.values(), *self._buttons])

    def start(self) -> None:
        """Begin to follow the traffic."""
        self._say()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the traffic goes on."""
        self._wanted.put(None)
        self._thread.join(20)

    def _layout(self) -> widgets.Widget:
        left = widgets.VBox([self._sliders[name] for name in _LEFT])
        right = widgets.VBox([each for name, each in self._sliders.items() if name not in _LEFT])
        columns = "repeat(auto-fit, minmax(300px, 1fr))"  # two; one where the page is narrow
        grid = widgets.Layout(grid_template_columns=columns, grid_gap="0 24px")
        weights = widgets.GridBox(list(self._mix.values()), layout=grid)
        mix = widgets.Accordion([weights], titles=("Event mix: the weight of each event",))
        sliders = widgets.GridBox([left, right], layout=grid)
        return named(panel([sliders, wrapping_row(self._buttons), self._line, mix]))

    def _button(
        self, words: str, icon: str, color: str, tooltip: str, action: Callable[[], Any]
    ) -> widgets.Button:
        return button(words, icon, color, tooltip, lambda: self._wanted.put(action), "118px")

    def _values(self) -> dict[str, Any]:
        mix = {event: widget.value for event, widget in self._mix.items()}
        return {name: widget.value for name, widget in self._sliders.items()} | {"mix": mix}

    def _moved(self, name: str, change: dict[str, Any]) -> None:
        if threading.current_thread() is not self._thread:  # it was the learner
            self._wanted.put(lambda: self._follow(name, change["new"]))

    def _start(self) -> None:
        self._line.value = _line(QUIET, "<b>Starting ...</b>")
        self._traffic.start(**self._values())

    def _follow(self, name: str, value: float) -> None:
        if self._traffic.status()["state"] == "running":
            # Only what was moved: a cell may have set the others.
            self._traffic.set(**{name: self._values()[name]})
        elif name == "rate" and value > 0:
            self._start()

    def _show_settings(self) -> None:
        """Move the sliders to where a cell has set them, e.g. by `traffic.set(rate=100)`."""
        running = self._traffic.status()["state"] == "running"
        settings = self._traffic.settings() if running else self._shown
        if settings == self._shown:
            return
        self._shown = settings
        pairs = [(widget, settings[name]) for name, widget in self._sliders.items()]
        pairs += [(widget, settings["mix"].get(name, 0)) for name, widget in self._mix.items()]
        for widget, value in pairs:
            value = int(min(max(value, widget.min), widget.max))
            if widget.value != value:
                widget.value = value
                hear_while_busy([widget])

    def _run(self) -> None:
        while True:
            try:
                action = self._wanted.get(timeout=STEP_SECONDS)
            except queue.Empty:
                action = self._show_settings
            if action is None:
                return
            try:
                action()
                if action != self._show_settings:
                    self._problem = ""
            except WorkshopError as error:
                self._problem = f"{error.cause} {error.remedy}"
            except Exception as error:  # a thread has no cell to raise in
                self._problem = f"{type(error).__name__}: {error}"
            self._say()

    def _say(self) -> None:
        status = self._traffic.status()
        problem = self._problem or status["problem"] or ""
        text = _sentence(status, problem)
        if text != self._line.value:
            self._line.value = text


def _sentence(status: dict[str, Any], problem: str) -> str:
    flows = status["state"] == "running"
    color = VERMILION if problem else GREEN if flows else QUIET
    if flows:
        words = f"<b>{status['rate_now']:,.0f} beacons/s.</b> "
    else:
        words = "<b>No traffic.</b> " + ("Press Start. " if not status["sent"] else "Last run: ")
    if flows or status["sent"]:
        counts = [f"{status['sent']:,} sent", f"{status['answered']:,} answered"]
        names = ("failed", "late", "duplicates", "malformed")
        counts += [f"{status[name]:,} {name}" for name in names if status[name] or name == "failed"]
        words += ", ".join(counts) + ". "
    if problem:
        words += f"<b>⚠ {html.escape(problem)}</b>"
    return _line(color, words)


def _line(color: str, words: str) -> str:
    card = f"display:inline-block;line-height:1.5;color:var(--jp-ui-font-color1, {INK})"
    dot = f'<span style="color:{color}" aria-hidden="true">●</span>'
    return f'<span role="status" style="{card}">{dot} {words}</span>'


def _slider(
    value: float, words: str, least: int, most: int, step: int, tooltip: str
) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=int(value),
        min=least,
        max=most,
        step=step,
        description=words,
        tooltip=tooltip,
        continuous_update=False,
        style={"description_width": "142px", "handle_color": BLUE},
        layout=widgets.Layout(width="auto"),
    )


def controls(traffic: Steered) -> widgets.Widget:
    """Return the widgets that steer the traffic; those of an earlier call stop following it.

    Args:
        traffic: what they steer.
    """
    if (earlier := _registry.pop(THREAD_NAME, None)) is not None:
        earlier.stop()
    panel = _registry[THREAD_NAME] = Controls(traffic)
    panel.start()
    return panel.widget
