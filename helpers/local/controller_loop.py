"""The loop of a controller: the same step again and again, until SIGTERM."""

import logging
import signal
import threading
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.errors import WorkshopError

SECONDS_AFTER_FAILURE = 2


def repeat(step: Callable[[], None], seconds: float, log: logging.Logger) -> None:
    """Call a step until SIGTERM; a failure is logged, and the step is tried again.

    Args:
        step: does what is due now.
        seconds: between two steps.
        log: the controller's logger.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    log.setLevel(logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(seconds):
        try:
            step()
        except (BotoCoreError, ClientError) as error:
            log.warning("The emulator did not answer, trying again: %s", error)
            stop.wait(SECONDS_AFTER_FAILURE)
        except (OSError, WorkshopError) as error:
            # A full disk, for example. If the controller ended, its processes would end with it.
            log.warning("Trying again: %s", error)
