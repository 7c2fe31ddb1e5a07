"""Buttons that break the pipeline, and lines that report its recovery, in seconds."""

import html
import threading
import time
from collections.abc import Callable
from functools import partial

import ipywidgets as widgets

from helpers.core.aws_errors import cause_and_remedy
from helpers.core.cloud import Cloud
from helpers.plotting.notebook_widgets import button, deliver_while_busy, panel, wrapping_row
from helpers.plotting.palette import CARD, GREEN, INK, ORANGE, QUIET, SLATE, VERMILION

from .fault_injection import fault
from .process_kill import kill
from .recovery import until_counted

FAULT_SECONDS, LINES = 10, 6
# A busy machine needs minutes. Meanwhile the line asks about the traffic.
PATIENCE_SECONDS, DOUBT_SECONDS = 900, 60

# label: kind of process
KILLS = {
    "Beacon server": "server",
    "Agent": "agent",
    "Flink": "flink",
    "Flink's pump": "pump",
    "Function": "function",
    "Supervisor": "supervisor",
}
# label: service, and arguments of `fault`
FAULTS = {
    "Kinesis throttles 30 %": ("kinesis", {"throttle": 0.3}),
    "Kinesis rejects half": ("kinesis", {"partial": 0.5}),
    "DynamoDB: 30 % errors": ("dynamodb", {"error": 0.3}),
    "CloudWatch throttles 30 %": ("cloudwatch", {"throttle": 0.3}),
    "CloudWatch: responses lost": ("cloudwatch", {"lost_answer": 0.3}),
}


class FaultPanel:
    """The buttons, and the lines that report their effects.

    Each press starts a thread: several failures may happen at once.

    Args:
        cloud: its pipeline is broken.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._reports: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._lines = widgets.HTML()
        kills = [
            self._button(words, "bolt", SLATE, f"kill -9: {name}", partial(self._kill, name))
            for words, name in KILLS.items()
        ]
        faults = [
            self._button(words, "cloud", ORANGE, "Inject this fault", partial(self._inject, how))
            for words, how in FAULTS.items()
        ]
        rows = [self._row("Kill:", kills), self._row(f"For {FAULT_SECONDS} s:", faults)]
        self.widget = panel([*rows, self._lines])
        self._show()
        deliver_while_busy([*kills, *faults])

    def _button(
        self, words: str, icon: str, color: str, tooltip: str, action: Callable[[int], None]
    ) -> widgets.Button:
        def start() -> None:
            threading.Thread(target=self._do, args=(action,)).start()

        return button(words, icon, color, tooltip, start)

    def _row(self, words: str, buttons: list[widgets.Button]) -> widgets.Widget:
        label = widgets.HTML(f"<b>{words}</b>", layout=widgets.Layout(min_width="84px"))
        return widgets.HBox([label, wrapping_row(buttons)])

    def _do(self, action: Callable[[int], None]) -> None:
        with self._lock:
            self._reports.append((QUIET, "..."))
            line = len(self._reports) - 1
        try:
            action(line)
        except Exception as error:  # a thread has no cell to raise in
            self._report(line, VERMILION, " ".join(cause_and_remedy(error)))

    def _kill(self, name: str, line: int) -> None:
        what = f"{name} killed (process {kill(self._cloud, name)})"
        self._wait(line, what, time.time())

    def _inject(self, how: tuple[str, dict[str, float]], line: int) -> None:
        service, shares = how
        what = f"{service}: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        with fault(self._cloud, service, **shares):
            end = time.time() + FAULT_SECONDS
            while (left := end - time.time()) > 0:
                self._report(line, VERMILION, f"{what}, for {left:.0f} s more")
                time.sleep(min(1.0, left))
        self._wait(line, f"{what} is over", time.time())

    def _wait(self, line: int, what: str, since: float) -> None:
        def report(waited: float) -> None:
            doubt = ". Is traffic flowing?" if waited > DOUBT_SECONDS else ""
            words = f"{what}; no beacon counted for {waited:.0f} s{doubt}"
            self._report(line, VERMILION, words)

        seconds = until_counted(self._cloud, since, PATIENCE_SECONDS, report)
        if seconds is None:
            self._report(line, QUIET, f"{what}; no beacon counted since. Is traffic flowing?")
        else:
            self._report(line, GREEN, f"{what}; counted again after {seconds:.1f} s")

    def _report(self, line: int, color: str, words: str) -> None:
        with self._lock:
            self._reports[line] = (color, words)
        self._show()

    def _show(self) -> None:
        lines = self._reports[-LINES:] or [(QUIET, "Nothing is broken. Predict, then press.")]
        rows = [
            f'<div><span style="color:{color}" aria-hidden="true">●</span> '
            f"{html.escape(words)}</div>"
            for color, words in reversed(lines)
        ]
        # With its own background, so that it looks the same in a light and a dark JupyterLab.
        card = f"padding:2px 8px;line-height:1.5;color:{INK};background:{CARD}"
        text = f'<div role="status" style="{card}">{"".join(rows)}</div>'
        if text != self._lines.value:
            self._lines.value = text


def fault_buttons(cloud: Cloud) -> widgets.Widget:
    """Return buttons that kill a process of the pipeline or make a service fail for ten seconds.

    The lines below report the effect of each, and after how many seconds beacons were counted.

    Args:
        cloud: its pipeline is broken; traffic should be flowing.

    Example:
        `fault_buttons(cloud)`
    """
    return FaultPanel(cloud).widget
