"""This run's figures beside those that are committed, if a machine of the same kind made them."""

import json
import subprocess
from collections.abc import Iterator

from helpers.core.paths import REPOSITORY

SAME = ("cpu", "cores", "memory_gb")  # what makes two machines of the same kind
# What is no result: when and where it was measured, and with how much.
SKIPPED = {"measured_at", "took_s", "machine", "highest_rate_tries", "cores", "rate", "seconds",
           "sent", "answered", "in_cloudwatch", "records", "counted"}  # fmt: skip


def committed() -> dict:
    """Return bench/results.json as git has it; {} if git can't tell."""
    command = ["git", "show", "HEAD:bench/results.json"]
    try:
        asked = subprocess.run(command, cwd=REPOSITORY, capture_output=True)
    except FileNotFoundError:  # there is no git
        return {}
    return json.loads(asked.stdout) if asked.returncode == 0 else {}


def ratios(now: dict, before: dict) -> Iterator[tuple[str, float, float, float]]:
    """Yield each number that both have: its name, now, before, and now divided by before.

    Args:
        now, before: figures (see `bench.__main__`).
    """
    old = dict(_numbers(before))
    for name, value in _numbers(now):
        if old.get(name):
            yield name, value, old[name], value / old[name]


def said(now: dict, before: dict) -> str:
    """Return the comparison in lines; in one line why there is none.

    Args:
        now: this run's figures.
        before: those that are committed.
    """
    kinds = [tuple(one.get("machine", {}).get(key) for key in SAME) for one in (now, before)]
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
