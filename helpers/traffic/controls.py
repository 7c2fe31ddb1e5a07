"""Sliders and buttons for the traffic, and a status line.

A widget's callback may run while a cell is busy, so callbacks only queue an action. One thread runs
the actions and updates the status line. That line also shows errors, because Jupyter does not show
what a callback raises or prints.
"""

import html
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.core.aws_errors import cause_and_remedy
from helpers.generator.settings import DEFAULT_MIX, DEFAULTS
from helpers.plotting.notebook_widgets import button, deliver_while_busy, named, panel, wrapping_row
from helpers.plotting.palette import BLUE, GREEN, INK, ORANGE, QUIET, SKY, SLATE, VERMILION

from .journal_reader import outcomes

THREAD_NAME = "traffic-controls"
STEP_SECONDS = 0.5

# setting: label, minimum, maximum, step, tooltip
_SLIDERS = {
    "rate": ("Beacons per second", 0, 500, 5, "How many beacons are sent each second"),
    "visitors": (
        "Different visitors",
        1,
        100_000,
        1,
        "How many different client ids are sent",
    ),
    "bots_percent": ("Known bots, %", 0, 50, 1, "Share of beacons whose agent is a known bot"),
    "late_percent": ("Late beacons, %", 0, 20, 1, "Share that a cut-off server ships 30 s late"),
    "duplicates_percent": ("Duplicates, %", 0, 20, 1, "Beacons that are sent a second time"),
    "malformed_percent": ("Malformed, %", 0, 20, 1, "Too long, not a number, unusual text"),
}
_LEFT = ("rate", "visitors", "bots_percent")

_registry: dict[str, "Controls"] = {}


class TrafficMethods(Protocol):
    """The methods of `Traffic` that the widgets call."""

    def start(self, **settings: Any) -> Any: ...  # noqa: D102, ANN401
    def set(self, **settings: Any) -> Any: ...  # noqa: D102, ANN401
    def stop(self) -> Any: ...  # noqa: D102, ANN401
    def burst(self) -> Any: ...  # noqa: D102
    def outage(self) -> Any: ...  # noqa: D102
    def status(self) -> dict[str, Any]: ...  # noqa: D102
    def settings(self) -> dict[str, Any]: ...  # noqa: D102


class Controls:
    """The widgets of one `traffic.controls()`, and their thread.

    Args:
        traffic: is controlled by the widgets.
    """

    def __init__(self, traffic: TrafficMethods) -> None:
        self._traffic = traffic
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._actions: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._problem = ""
        self._shown = DEFAULTS
        self._sliders = {name: _slider(DEFAULTS[name], *row) for name, row in _SLIDERS.items()}
        self._mix = {
            event: _slider(weight, event, 0, 100, 1, f"Weight of {event} among all events")
            for event, weight in DEFAULT_MIX.items()
        }
        self._line = widgets.HTML()
        self._buttons = [
            self._button("Start", "play", BLUE, "Send beacons with these settings", self._start),
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
        deliver_while_busy([*self._sliders.values(), *self._mix.values(), *self._buttons])

    def start(self) -> None:
        """Start the thread that follows the traffic."""
        self._update_line()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the traffic continues."""
        self._actions.put(None)
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
        return button(words, icon, color, tooltip, lambda: self._actions.put(action), "118px")

    def _values(self) -> dict[str, Any]:
        mix = {event: widget.value for event, widget in self._mix.items()}
        return {name: widget.value for name, widget in self._sliders.items()} | {"mix": mix}

    def _moved(self, name: str, change: dict[str, Any]) -> None:
        if threading.current_thread() is not self._thread:  # a learner moved it
            self._actions.put(lambda: self._apply(name, change["new"]))

    def _start(self) -> None:
        self._line.value = _line(QUIET, "<b>Starting ...</b>")
        self._traffic.start(**self._values())

    def _apply(self, name: str, value: float) -> None:
        if self._traffic.status()["state"] == "running":
            # Only the moved slider's setting: a cell may have changed the others.
            self._traffic.set(**{name: self._values()[name]})
        elif name == "rate" and value > 0:
            self._start()

    def _show_settings(self) -> None:
        """Show the settings that a cell has changed, e.g. by `traffic.set(rate=100)`."""
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
                deliver_while_busy([widget])

    def _run(self) -> None:
        while True:
            try:
                action = self._actions.get(timeout=STEP_SECONDS)
            except queue.Empty:
                action = self._show_settings
            if action is None:
                return
            try:
                action()
                if action != self._show_settings:
                    self._problem = ""
            except Exception as error:  # a thread has no cell to raise in
                self._problem = " ".join(cause_and_remedy(error))
            self._update_line()

    def _update_line(self) -> None:
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
        words += f"{status['sent']:,} sent, {outcomes(status)}. "
    if problem:
        words += f"<b>⚠ {html.escape(problem)}</b>"
    return _line(color, words)


def _line(color: str, words: str) -> str:
    card = f"display:inline-block;line-height:1.5;color:var(--jp-ui-font-color1, {INK})"
    dot = f'<span style="color:{color}" aria-hidden="true">●</span>'
    return f'<span role="status" style="{card}">{dot} {words}</span>'


def _slider(
    value: float, label: str, minimum: int, maximum: int, step: int, tooltip: str
) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=int(value),
        min=minimum,
        max=maximum,
        step=step,
        description=label,
        tooltip=tooltip,
        continuous_update=False,
        style={"description_width": "142px", "handle_color": BLUE},
        layout=widgets.Layout(width="auto"),
    )


def controls(traffic: TrafficMethods) -> widgets.Widget:
    """Return the widgets that control the traffic; those of an earlier call stop following it.

    Args:
        traffic: is controlled by the widgets.
    """
    if (earlier := _registry.pop(THREAD_NAME, None)) is not None:
        earlier.stop()
    panel = _registry[THREAD_NAME] = Controls(traffic)
    panel.start()
    return panel.widget
