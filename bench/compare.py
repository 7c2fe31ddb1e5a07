"""Compares this run's figures with the committed ones, if the machine is of the same kind."""

import json
from collections.abc import Iterator

from bench.needs import output
from helpers.core.paths import REPOSITORY

SAME = ("cpu", "cores", "memory_gb")  # equal for machines of the same kind
# Not results, but conditions of the measurement.
SKIPPED = {"measured_at", "took_s", "machine", "highest_rate_tries", "cores", "rate", "seconds",
           "sent", "answered", "in_cloudwatch", "records", "counted"}  # fmt: skip


def committed() -> dict:
    """Return bench/results.json of the last commit; {} without git or the file."""
    command = ["git", "show", "HEAD:bench/results.json"]
    try:
        return json.loads(output(command, cwd=REPOSITORY))
    except (FileNotFoundError, RuntimeError):
        return {}


def ratios(now: dict, before: dict) -> Iterator[tuple[str, float, float, float]]:
    """Yield each number that both have: name, now, before, and now divided by before.

    Args:
        now, before: figures (see `bench.__main__`).
    """
    old = dict(_numbers(before))
    for name, value in _numbers(now):
        if old.get(name):
            yield name, value, old[name], value / old[name]


def table(now: dict, before: dict) -> str:
    """Return a table of the comparison, or a sentence if the machines differ.

    Args:
        now: this run's figures.
        before: the committed ones.
    """
    machines = [figures.get("machine", {}) for figures in (now, before)]
    kinds = [tuple(machine.get(key) for key in SAME) for machine in machines]
    if kinds[0] != kinds[1]:
        return f"The committed figures are of another kind of machine ({kinds[1]}): not compared."
    lines = [
        f"{name:45}{value:>15,.2f}{old:>15,.2f}{ratio:>8.2f}"
        for name, value, old, ratio in ratios(now, before)
    ]
    return "\n".join([f"{'':45}{'now':>15}{'committed':>15}{'ratio':>8}", *lines])


def _numbers(figures: dict, path: str = "") -> Iterator[tuple[str, float]]:
    for key, value in figures.items():
        if key in SKIPPED:
            continue
        if isinstance(value, dict):
            yield from _numbers(value, f"{path}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{path}{key}", float(value)
