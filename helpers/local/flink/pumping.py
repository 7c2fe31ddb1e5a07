"""A thread that keeps a pump going."""

import logging
import threading

from .pump_in import PumpIn
from .pump_out import PumpOut

log = logging.getLogger("workshop.flink")


class Pumping(threading.Thread):
    """Calls a pump's step again and again, in its own thread, until it is ended.

    Args:
        name: what the log calls it.
        pump: has a `step` that moves what there is to move.
        pause: seconds between two steps.
    """

    def __init__(self, name: str, pump: PumpIn | PumpOut, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self._pump, self._pause, self._ended = pump, pause, threading.Event()
        self.start()

    def run(self) -> None:
        """Pump until ended; a failure is told and tried again."""
        while not self._ended.wait(self._pause):
            try:
                self._pump.step()
            except Exception as error:  # the emulator restarts, a stream is being deleted, ...
                log.warning("pump %s: %s", self.name, error)
                self._ended.wait(1)

    def end(self) -> None:
        """End the thread after its current step."""
        self._ended.set()
        self.join(timeout=10)
