"""Shows a replay's progress: a bar in Jupyter, one line in a terminal, lines in a file."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from helpers.core.waiting import LOG_SECONDS, in_notebook

STEP_SECONDS = 0.3


def follow(
    status: Callable[[], dict[str, Any]], name: str, *, show: bool, stop: Callable[[], Any]
) -> bool:
    """Wait until a replay has ended, and show its progress; the bar has a button that ends it.

    Args:
        status: returns the replay's status.
        name: the log's name.
        show: whether to show anything.
        stop: ends the replay.

    Returns:
        Whether the button ended it.
    """
    pressed = threading.Event()

    def press() -> None:
        pressed.set()
        # A widget's callback must not wait, and `stop` waits for the last responses.
        threading.Thread(target=stop, name="stop-replay", daemon=True).start()

    update = (_bar(name, press) if in_notebook() else _line(name)) if show else lambda status: None
    while True:
        latest = status()
        update(latest)
        if latest["state"] != "running":
            return pressed.is_set()
        time.sleep(STEP_SECONDS)


def _words(name: str, status: dict[str, Any]) -> str:
    words = f"Replaying {name}: {status['sent']:,} beacons sent, {status['progress']:.0%}"
    has_ended = status["state"] != "running" and "format" in status
    more = [sentence(status) if has_ended else None, status["problem"]]
    return f"{words}. {' '.join(filter(None, more))}" if any(more) else words


def sentence(status: dict[str, Any]) -> str:
    """Return the format of a replay's log, and how many of its lines were requests.

    Example:
        >>> sentence({"format": "IIS log", "requests": 60, "skipped": 2})
        'IIS log: 60 requests, 2 lines skipped.'
    """
    requests, skipped = status["requests"], status["skipped"]
    return (
        f"{status['format']}: {requests:,} request{'' if requests == 1 else 's'}, "
        f"{skipped:,} line{'' if skipped == 1 else 's'} skipped."
    )


def _bar(name: str, press: Callable[[], None]) -> Callable[[dict[str, Any]], None]:
    import ipywidgets as widgets
    from IPython.display import display

    from helpers.plotting.notebook_widgets import deliver_while_busy

    bar = widgets.FloatProgress(0, min=0, max=1, layout=widgets.Layout(width="40%"))
    button = widgets.Button(description="Stop", tooltip=f"Stop the replay of {name}")
    button.layout = widgets.Layout(width="auto")
    button.on_click(lambda _: press())
    label = widgets.Label()
    deliver_while_busy([button])
    display(widgets.HBox([bar, button, label]))

    def update(status: dict[str, Any]) -> None:
        bar.value, label.value = status["progress"], _words(name, status)
        if status["state"] != "running":
            button.layout.display = "none"

    return update


def _line(name: str) -> Callable[[dict[str, Any]], None]:
    printed_at = float("-inf")

    def update(status: dict[str, Any]) -> None:
        nonlocal printed_at
        words, has_ended = _words(name, status), status["state"] != "running"
        if sys.stderr.isatty():
            # The escape sequence clears the rest of a longer line.
            end = "\n" if has_ended else ""
            print(f"\r{words}\x1b[K", end=end, file=sys.stderr, flush=True)
        elif has_ended or time.monotonic() - printed_at >= LOG_SECONDS:
            print(words, file=sys.stderr, flush=True)
            printed_at = time.monotonic()

    return update
