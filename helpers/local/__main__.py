"""`python -m helpers.local` runs the target; `python -m helpers.local stop` ends it.

With `takeover`, it continues with the emulator of a supervisor that was killed.
"""

import logging
import sys

from .supervisor import run, stop

logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
if sys.argv[1:] == ["stop"]:
    print("The local target has ended." if stop() else "No local target was running.")
else:
    sys.exit(run(takeover=sys.argv[1:] == ["takeover"]))
