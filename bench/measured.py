"""Writes a run's figures to assets/measured.json, which module 6 uses for planning."""

import json
from collections.abc import Iterator

from helpers.core.paths import REPOSITORY

PATH = REPOSITORY / "assets" / "measured.json"


def carry_over(results: dict) -> None:
    """Write this run's figures to assets/measured.json; the others stay.

    Args:
        results: the figures (see `bench.__main__`). Those of a short run are left out.
    """
    measured = json.loads(PATH.read_text(encoding="utf-8"))
    short, machine = set(results.get("short", ())), results.get("machine", {})
    machine = f"{machine.get('cores')} cores of {machine.get('cpu')}"
    for part, name, value, source in _figures(results):
        if value and part not in short and part in results.get("measured_at", {}):
            measured["measured"][name] |= {
                "value": value,
                "date": results["measured_at"][part][:10],
                "source": f"make bench: {source}; {machine}",
            }
    PATH.write_text(text(measured), encoding="utf-8")


def text(measured: dict) -> str:
    """Return the file's text, with one line for each figure."""
    lines = ["{", f'  "about": {json.dumps(measured["about"])},']
    for kind in ("measured", "assumed"):
        lines.append(f'  "{kind}": {{')
        entries = [f'    "{name}": {json.dumps(entry)}' for name, entry in measured[kind].items()]
        lines += [",\n".join(entries), "  }," if kind == "measured" else "  }"]
    return "\n".join([*lines, "}"]) + "\n"


def _figures(results: dict) -> Iterator[tuple[str, str, float | None, str]]:
    """Yield each figure's part, name, value and source."""
    yield ("servers", "server_requests_per_second", results.get("server_requests_per_second"),
           "the local beacon server, all requests answered and logged, one core")  # fmt: skip
    yield ("agents", "agent_lines_per_second", results.get("agent_lines_per_second_per_core"),
           "lines read, encoded and put")  # fmt: skip
    yield ("agents", "record_bytes", results.get("record_bytes"),
           "beacons of the demo shop, as the agent encodes them")  # fmt: skip
    yield ("agents", "request_bytes", results.get("request_bytes"),
           "beacons of the demo shop, as a browser sends them")  # fmt: skip
    flink, rate = results.get("flink"), results.get("flink_records_per_second")
    if flink and rate:
        yield ("flink", "flink_records_per_second", round(rate / flink["cores"]),
               f"all metrics of {flink['records']:,} stored records, {rate:,}/s with "
               f"{flink['cores']} cores")  # fmt: skip
    yield ("functions", "rows_per_second", results.get("process_metrics_rows_per_second"),
           "rows with different keys, stored in the emulator")  # fmt: skip
    for name, seconds in results.get("stage_seconds", {}).items():
        yield ("latency", f"{name}_seconds", seconds,
               "median of the stages' timestamps at 100 beacons/s")  # fmt: skip
