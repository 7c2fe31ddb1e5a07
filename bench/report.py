"""Reads and writes results.json, and writes its page, bench/results.md."""

import json
from collections.abc import Iterable
from typing import Any

from bench import aws_latency
from helpers.core.paths import REPOSITORY, read_json

FIGURES = REPOSITORY / "bench" / "results.json"
PATH = REPOSITORY / "bench" / "results.md"
SECONDS, WHOLE = "{:g} s", "{:,.0f}"
# Title, figure in results.json, sign and value of the target, format.
TARGETS = (
    ("p50 at 100/s", "latency.100.p50", "≤", 0.9, SECONDS),
    ("p99 at 100/s", "latency.100.p99", "≤", 1.5, SECONDS),
    ("p99 at 1,000/s", "latency.1000.p99", "≤", 6, SECONDS),
    ("held end to end, beacons/s", "highest_rate_held", "≥", 4000, WHOLE),
    ("agent, lines/s a core", "agent_lines_per_second_per_core", "≥", 25_000, WHOLE),
    ("Flink job, records/s", "flink_records_per_second", "≥", 25_000, WHOLE),
    ("rebuild reads, records/s", "backfill.read_per_second", "≥", 100_000, WHOLE),
    ("rebuild counts, records/s", "backfill.counted_per_second", "≥", 30_000, WHOLE),
    ("rebuild of ten million, computed", "backfill.a_day_s", "≤", 600, SECONDS),
    (
        "from a stopped target to the first value of a chart",
        "starts.first_chart_s",
        "≤",
        12,
        SECONDS,
    ),
    ("`start_analytics` to RUNNING", "starts.start_s", "≤", 8, SECONDS),
    ('from `kill("flink")` to a running job', "starts.recovery_s", "≤", 10, SECONDS),
    ("`update_analytics`", "starts.update_s", "≤", 15, SECONDS),
    ("warm `make lab` to a usable notebook", "setup.warm_lab_s", "≤", 15, SECONDS),
    ("idle target, resident MB", "setup.idle_memory_mb", "≤", 900, WHOLE),
    ("idle target, cores", "setup.idle_cores", "≤", 0.35, "{}"),
)
SETUP = (
    ("`make setup` without any cache", "setup.cold_s", "{:,} s"),
    ("warm `make lab` until the notebook's kernel is idle in a browser", "setup.warm_lab_s",
     "{:,} s"),
    ("`connect`, all stacks and Flink, from a stopped target", "setup.target_s", "{:,} s"),
    (".venv on disk", "setup.disk_gb", "{:,} GB"),
    ("the idle target, resident", "setup.idle_memory_mb", "{:,} MB"),
    ("JupyterLab and one kernel, resident", "setup.lab_memory_mb", "{:,} MB"),
    ("the idle target, cores", "setup.idle_cores", "{:,}"),
)  # fmt: skip
AGENT = "(d) agent: lines read, encoded and put, per core", "agent_lines_per_second_per_core"
# Title, our figure, the other program, its figure.
COMPARED = (
    ("(c) beacon server: requests answered and logged, one core", "server_requests_per_second",
     "Apache httpd, the same", "apache_requests_per_second"),
    (*AGENT, "a bare loop of `apachelogs`, reads only", "apachelogs_lines_per_second"),
    (*AGENT, "GoAccess, reads only", "goaccess_lines_per_second"),
)  # fmt: skip
BACKFILL = (
    "records",
    "read",
    "counted, with Flink's start",
    "divided by hours",
    "rows",
    "resident",
)
Rows = Iterable[tuple[str, ...]]


def load() -> dict:
    """Return the figures of earlier runs, or {}."""
    return read_json(FIGURES, {})


def save(results: dict) -> None:
    """Write the figures and the page."""
    FIGURES.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PATH.write_text(page(results), encoding="utf-8")


def page(results: dict) -> str:
    """Return results.md.

    Args:
        results: the figures (see `bench.__main__`); missing ones are left out.
    """
    short = ", ".join(results.get("short", ()))
    parts = [
        "# Measurements of this machine\n",
        "Written by `make bench`; the same figures are in results.json.\n",
        _machine(results),
        f"From short runs, so not exact: {short}.\n" if short else "",
        "## Targets\n",
        table(("", "measured", "target", ""), targets(results)),
        "## (a) From a beacon to its CloudWatch datapoint\n",
        table(("rate", "p50", "p90", "p99", "sent", "lost", "cores used"), _latency(results)),
        "The latency on AWS, computed by stage (bench/aws_latency.py), not measured:\n",
        table(("stage", "p50", "p99", "source"), aws_latency.rows()),
        "## (b) The highest rate\n",
        _highest(results),
        "## (c)-(g) Each stage alone, compared with other programs\n",
        table(("", "per second", "for comparison", "ratio"), _alone(results)),
        _flink(results.get("flink")),
        _chart(results),
        "## (h) Set-up and start\n",
        table(("", "measured", "by process, MB"), _setup(results)),
        "".join(f"{note}\n" for note in results.get("setup", {}).get("notes", [])),
        _steps(
            "From a stopped target to the first value of a chart",
            value(results, "starts.first_chart"),
        ),
        _steps("Start of the job's process after a kill", value(results, "starts.phases")),
        "## (i) Rebuild at the rate of ten million beacons a day, without the sending of rows\n",
        table(BACKFILL, _backfill(results.get("backfill"))),
        "## Servers and shards\n",
        table(("", "rate", "tried"), _scaling(results)) + _limit(results),
        _failed(results.get("failed", {})),
    ]
    return "\n".join(part for part in parts if part)


def table(head: tuple[str, ...], rows: Rows) -> str:
    """Return a table in Markdown; "Not measured." without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return "Not measured.\n"
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]) + "\n"


def value(results: dict, figure: str) -> Any:
    """Return a figure, e.g. `value(results, "setup.cold_s")`; None if it is missing."""
    found: Any = results
    for key in figure.split("."):
        found = (found or {}).get(key)
    return found


def written(results: dict, figure: str, form: str = WHOLE) -> str:
    """Return the text of a figure, or "not measured" with the missing program."""
    if (number := value(results, figure)) not in (None, {}):
        return form.format(number)
    needs = results.get("needs", {})
    missing = needs.get(figure) or needs.get(figure.split(".")[0])
    return f"not measured: needs {missing}" if missing else "not measured"


def targets(results: dict) -> Rows:
    """Yield a row for each target: title, measured value, target, "met" or "missed"."""
    for name, figure, sign, target, form in TARGETS:
        measured, goal, verdict = value(results, figure), form.format(target), ""
        if measured is not None:
            is_met = measured >= target if sign == "≥" else measured <= target
            goal, verdict = f"{sign} {goal}", "met" if is_met else "**missed**"
        yield name, written(results, figure, form), goal, verdict


def _machine(results: dict) -> str:
    machine = results.get("machine")
    if not machine:
        return ""
    dates = sorted(results.get("measured_at", {}).values())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; load at the start: {machine['load']}. "
        f"Measured {dates[0][:16]} to {dates[-1][:16]} UTC, "
        f"{sum(results['took_s'].values()) / 60:.0f} minutes in all.\n"
    )


def _latency(results: dict) -> Rows:
    for rate, run in results.get("latency", {}).items():
        times = [_seconds(run[name]) for name in ("p50", "p90", "p99")]
        yield f"{int(rate):,}/s", *times, f"{run['sent']:,}", _lost(run), _cores(run)


def _highest(results: dict) -> str:
    best, tries = results.get("highest_rate"), results.get("highest_rate_tries")
    if tries is None:
        return "Not measured.\n"
    summary = "No rate was held.\n"
    if best:
        summary = (
            f"**{best['rate']:,} beacons/s for {best['seconds']:.0f} s** on the generator's cores: "
            f"{best['sent']:,} sent, {best['lost']} lost (all stages in the ledger), "
            f"p50 {_seconds(best['p50'])}, p99 {_seconds(best['p99'])}. A rate is held if no "
            "beacon is lost or sent late, and p99 is under 6 s.\n"
        )
    rows = [
        (f"{run['rate']:,}/s", f"{run['seconds']:.0f} s", f"{run['sent']:,}", _lost(run),
         _seconds(run["p50"]), _seconds(run["p99"]), f"{run['drained_s']:.0f} s", _cores(run))
        for run in tries
    ]  # fmt: skip
    head = ("rate", "duration", "sent", "lost", "p50", "p99", "drained after", "cores used")
    return f"{summary}\nAll runs:\n\n{table(head, rows)}"


def _alone(results: dict) -> Rows:
    for name, ours, other, theirs in COMPARED:
        our_rate, their_rate = results.get(ours), results.get(theirs)
        ratio = f"{our_rate / their_rate:.2f}" if our_rate and their_rate else ""
        yield name, written(results, ours), f"{other}: {written(results, theirs)}", ratio
    flink = results.get("flink")
    for name, figure, how in (
        ("(e) Flink job with all metrics: stored records", "flink_records_per_second",
         f"{flink['cores']} cores" if flink else ""),
        ("(f) process_metrics: rows with different keys", "process_metrics_rows_per_second",
         "on the emulator"),
        ("(f) publish_metrics: changes", "publish_metrics_changes_per_second", "on the emulator"),
    ):  # fmt: skip
        yield name, written(results, figure), how, ""


def _backfill(backfill: dict | None) -> Iterable[tuple[str, ...]]:
    for run in (backfill or {"runs": []})["runs"]:
        seconds = (f"{run[name]} s" for name in ("read_s", "count_s", "divide_s"))
        yield (f"{run['records']:,}", *seconds, f"{run['rows']:,}", f"{run['memory_mb']:,} MB")


def _flink(flink: dict | None) -> str:
    if not flink:
        return ""
    stopped = "" if flink["counted"] == flink["records"] else " (then stopped)"
    return (
        f"Flink: {flink['counted']:,} of {flink['records']:,} stored records counted{stopped}; "
        f"{flink['start_s']} s until the first; at most {flink['memory_mb']:,} MB resident; "
        f"last checkpoint: {flink['checkpoint_mb']} MB.\n"
    )


def _chart(results: dict) -> str:
    title = "(g) A frame of a live chart, read, drawn and encoded: "
    if "chart_frame_ms" not in results:
        return f"{title}{written(results, 'chart_frame_ms')}.\n"
    return (
        f"{title}{results['chart_frame_ms']} ms (95 % within {results['chart_frame_p95_ms']} ms); "
        f"a chart with a frame every 2 s uses {results['chart_cpu_percent']} % of a core.\n"
    )


def _setup(results: dict) -> Rows:
    if not results.get("setup"):
        return
    memory = results["setup"].get("idle_memory_by_process_mb", {})
    by_process = ", ".join(f"{process} {mb}" for process, mb in memory.items())
    for name, figure, form in SETUP:
        details = by_process if figure == "setup.idle_memory_mb" else ""
        yield name, written(results, figure, form), details


def _steps(title: str, steps: dict | None) -> str:
    times = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in (steps or {}).items())
    return f"{title}: {times}.\n" if times else ""


def _scaling(results: dict) -> Rows:
    scaling = results.get("scaling")
    if not scaling:
        return
    if not scaling["servers"]:
        yield "beacon servers alone", written(results, "scaling.servers"), ""
    for count, rate in scaling["servers"].items():
        yield f"beacon servers alone: {count}, `ab` on the same cores", f"{rate:,} requests/s", ""
    for count, run in scaling["shards"].items():
        name = f"the whole chain, shards of 1,000 records/s: {count}"
        outcome = {True: "held", False: "not held"}
        tried = ", ".join(f"{each['rate']:,}/s: {outcome[each['held']]}" for each in run["tries"])
        yield name, f"{run['held']:,} beacons/s", tried


def _limit(results: dict) -> str:
    most = results.get("highest_rate_held") if results.get("scaling") else None
    return (
        f"\nWithout the shards' limit, the cores limit the rate to {most:,}/s (b).\n"
        if most
        else ""
    )


def _failed(failed: dict[str, str]) -> str:
    lines = "".join(f"- {part}: {why}\n" for part, why in failed.items())
    return f"## Failed measurements\n\n{lines}" if lines else ""


def _lost(run: dict) -> str:
    return "not known" if run["lost"] is None else f"{run['lost']:,}"


def _cores(run: dict) -> str:
    parts = sorted(run["cores"].items(), key=lambda part: -part[1])
    return f"{sum(run['cores'].values()):.1f}: " + ", ".join(f"{k} {v}" for k, v in parts)


def _seconds(number: float | None) -> str:
    return "-" if number is None else SECONDS.format(number)
