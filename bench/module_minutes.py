"""How long each module's cells run, one after the other: `python -m bench.module_minutes`.

It needs ten minutes and more, and a local target of its own (WORKSHOP_HOME). The result is the
least that a module can take: a learner also reads, tries, and answers. The timetables of
docs/teaching.md are tested against it.
"""

import json
import os
from datetime import UTC, datetime

from helpers.core.module_progress import module_names
from helpers.core.paths import REPOSITORY

from .machine import measure
from .notebook_steps import steps

RESULTS = REPOSITORY / "bench" / "module_minutes.json"


def main() -> None:
    """Run all modules in their order, and write the minutes of each."""
    minutes, failed = {}, {}
    load = os.getloadavg()[0]
    for name in module_names():
        ran = list(steps(name, 'connect("local")'))
        minutes[name] = round(sum(step.seconds for step in ran) / 60, 2)
        failed[name] = [step.call for step in ran if step.has_failed]
        print(f"{name}: {minutes[name]:.2f} minutes, {len(ran)} cells", *failed[name], flush=True)
    machine = measure()["machine"] | {"load": round(load, 2)}
    machine = {key: machine[key] for key in ("cpu", "cores", "load")}
    found = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine,
        "failed": sum(map(len, failed.values())),
        "minutes": minutes,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
