"""results.json, and what it says as a page: bench/results.md."""

import json
from collections.abc import Callable, Iterator

from bench import aws_latency
from helpers.home import REPOSITORY, read_json

FIGURES = REPOSITORY / "bench" / "results.json"
PATH = REPOSITORY / "bench" / "results.md"
STARTS = (
    ("from nothing to the first value of a chart", "first_chart_s", 12),
    ("`start_analytics` to RUNNING", "start_s", 8),
    ('from `kill("flink")` to a job that runs', "recovery_s", 10),
    ("`update_analytics`", "update_s", 15),
)
Rows = Iterator[tuple[str, ...]]


def load() -> dict:
    """Return the figures of earlier runs; {} if there are none."""
    return read_json(FIGURES, {})


def save(results: dict) -> None:
    """Write the figures, and the page made from them."""
    FIGURES.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PATH.write_text(page(results), encoding="utf-8")


def page(results: dict) -> str:
    """Return results.md.

    Args:
        results: the figures (see `bench.__main__`); what is missing is left out.
    """
    parts = [
        "# What this machine can do\n",
        "Written by `make bench`; the same figures are in results.json.\n",
        _machine(results),
        _short(results),
        "## Against the targets\n",
        table(("", "measured", "target", ""), targets(results)),
        "## (a) Beacon to CloudWatch datapoint, seconds\n",
        _latency(results),
        "What AWS would show, computed by stage (bench/aws_latency.py), not measured:\n",
        table(("stage", "p50", "p99", "why"), aws_latency.rows()),
        "## (b) The highest rate held\n",
        _highest(results),
        "## (c)-(g) Each stage alone, and others on the same work\n",
        table(("", "a second", "for comparison", "ratio"), _alone(results)),
        _words(results),
        "## (h) To begin\n",
        table(("", "measured", "of it, MB"), _setup(results)),
        "".join(f"{note}\n" for note in results.get("setup", {}).get("notes", [])),
        _starts(results),
        "## Servers and shards\n",
        _scaling(results),
        _failed(results),
    ]
    return "\n".join(part for part in parts if part)


def table(head: tuple[str, ...], rows: Rows) -> str:
    """Return a table in Markdown; "" without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return "Not measured.\n"
    return "\n".join([f"| {' | '.join(head)} |", "|---|" + "---|" * (len(head) - 1), *lines]) + "\n"


def not_measured(results: dict, figure: str) -> str:
    """Return what the page says in the place of a figure that this run has not.

    Args:
        results: the figures.
        figure: its name there; `setup.cold_s` for one within another.
    """
    needs = results.get("needs", {})
    needed = needs.get(figure) or needs.get(figure.split(".")[0])
    return f"not measured: needs {needed}" if needed else "not measured"


def _given(results: dict, figure: str) -> tuple[str, float | None]:
    return figure, results.get(figure)


def targets(results: dict) -> Rows:
    """Yield a row for each target: what it is, what was measured, the target, whether it is met."""
    at = results.get("latency", {})
    setup, starts = results.get("setup", {}), results.get("starts", {})
    wanted: list[tuple[str, str, float | None, float, bool, Callable[[float], str]]] = [
        ("p50 at 100/s", "latency", at.get("100", {}).get("p50"), 0.9, False, _seconds),
        ("p99 at 100/s", "latency", at.get("100", {}).get("p99"), 1.5, False, _seconds),
        ("p99 at 1,000/s", "latency", at.get("1000", {}).get("p99"), 6, False, _seconds),
        ("held end to end, beacons/s", *_given(results, "highest_rate_held"), 7000, True, _whole),
        ("agent, lines/s a core", *_given(results, "agent_lines_per_second_per_core"), 20_000,
         True, _whole),
        ("Flink job, records/s", *_given(results, "flink_records_per_second"), 40_000, True,
         _whole),
        *((name, f"starts.{key}", starts.get(key), target, False, _seconds)
          for name, key, target in STARTS),
        ("warm `make lab` to a usable page", "setup.warm_lab_s", setup.get("warm_lab_s"), 15,
         False, _seconds),
        ("idle target, resident MB", "setup.idle_memory_mb", setup.get("idle_memory_mb"), 900,
         False, _whole),
        ("idle target, cores", "setup.idle_cores", setup.get("idle_cores"), 0.35, False, str),
    ]  # fmt: skip
    for name, figure, value, target, more, write in wanted:
        if value is None:
            yield name, not_measured(results, figure), write(target), ""
            continue
        good = value >= target if more else value <= target
        sign = "≥" if more else "≤"
        yield name, write(value), f"{sign} {write(target)}", "met" if good else "**missed**"


def _machine(results: dict) -> str:
    machine = results.get("machine")
    if not machine:
        return ""
    dates = sorted(results.get("measured_at", {}).values())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; load before: {machine['load']}. "
        f"Measured {dates[0][:16]} to {dates[-1][:16]} UTC, "
        f"{sum(results['took_s'].values()) / 60:.0f} minutes in all.\n"
    )


def _short(results: dict) -> str:
    parts = results.get("short")
    return f"Of short runs, for a first look only: {', '.join(parts)}.\n" if parts else ""


def _latency(results: dict) -> str:
    def rows() -> Rows:
        for rate, run in results.get("latency", {}).items():
            times = [_seconds(run[name]) for name in ("p50", "p90", "p99")]
            yield (f"{int(rate):,}/s", *times, f"{run['sent']:,}", _lost(run), _cores(run))

    return table(("rate", "p50", "p90", "p99", "sent", "lost", "cores used"), rows())


def _highest(results: dict) -> str:
    best = results.get("highest_rate")
    if "highest_rate_tries" not in results:
        return "Not measured.\n"
    said = "None of the rates tried was held.\n"
    if best:
        said = (
            f"**{best['rate']:,} beacons/s for {best['seconds']:.0f} s**, the generator on the "
            f"same cores: {best['sent']:,} sent, {best['lost']} lost (every stage in the ledger), "
            f"p50 {_seconds(best['p50'])}, p99 {_seconds(best['p99'])}. Held means: nothing lost, "
            "none sent late, p99 under 6 s.\n"
        )

    def rows() -> Rows:
        for run in results["highest_rate_tries"]:
            yield (f"{run['rate']:,}/s", f"{run['seconds']:.0f} s", f"{run['sent']:,}",
                   _lost(run), _seconds(run["p50"]), _seconds(run["p99"]),
                   f"{run['drained_s']:.0f} s", _cores(run))  # fmt: skip

    head = ("rate", "for", "sent", "lost", "p50", "p99", "drained after", "cores used")
    return f"{said}\nThe runs that looked for it:\n\n{table(head, rows())}"


def _lost(run: dict) -> str:
    return "not known" if run["lost"] is None else f"{run['lost']:,}"


def _alone(results: dict) -> Rows:
    def written(figure: str) -> str:
        value = results.get(figure)
        return not_measured(results, figure) if value is None else _whole(value)

    def beside(name: str, ours: str, other: str, theirs: str) -> tuple[str, ...]:
        ratio = _ratio(results.get(ours), results.get(theirs))
        return name, written(ours), f"{other}: {written(theirs)}", ratio

    name = "(c) beacon server, requests answered and logged, one core"
    yield beside(name, "server_requests_per_second", "Apache httpd, the same",
                 "apache_requests_per_second")  # fmt: skip
    name, ours = "(d) agent, lines read, encoded and put, a core", "agent_lines_per_second_per_core"
    for what, key in (("a bare loop of `apachelogs`", "apachelogs"), ("GoAccess", "goaccess")):
        yield beside(name, ours, f"{what}, reads only", f"{key}_lines_per_second")
    flink = results.get("flink")
    cores = f"{flink['cores']} cores" if flink else ""
    name = "(e) Flink job with all metrics, stored records"
    yield name, written("flink_records_per_second"), cores, ""
    for name, key in (
        ("(f) process_metrics, rows of different keys", "process_metrics_rows_per_second"),
        ("(f) publish_metrics, changes", "publish_metrics_changes_per_second"),
    ):
        yield name, written(key), "on the emulator", ""


def _starts(results: dict) -> str:
    starts = results.get("starts", {})
    said = [
        f"{title}: {', '.join(f'{step} {seconds:.1f} s' for step, seconds in starts[key].items())}."
        for title, key in (
            ("From nothing to the first value of a chart", "first_chart"),
            ("The job's process after a kill", "phases"),
        )
        if key in starts
    ]
    return "".join(f"{one}\n\n" for one in said)


def _words(results: dict) -> str:
    said = []
    if flink := results.get("flink"):
        whole = flink["counted"] == flink["records"]
        said.append(
            f"Flink: {flink['counted']:,} of {flink['records']:,} stored records counted"
            f"{'' if whole else ' (stopped there)'}; {flink['start_s']} s to the first of them; "
            f"{flink['memory_mb']:,} MB resident at most; the last checkpoint refers to "
            f"{flink['checkpoint_mb']} MB."
        )
    if "chart_frame_ms" not in results:
        missing = not_measured(results, "chart_frame_ms")
        said.append(f"(g) A live chart's frame, read, drawn and encoded: {missing}.")
    else:
        said.append(
            f"(g) A live chart's frame, read, drawn and encoded: {results['chart_frame_ms']} ms "
            f"(95 % within {results['chart_frame_p95_ms']} ms); one chart every 2 s costs the "
            f"kernel {results['chart_cpu_percent']} % of a core."
        )
    return "\n".join(f"{one}\n" for one in said)


def _setup(results: dict) -> Rows:
    setup = results.get("setup")
    if not setup:
        return
    names = {
        "cold_s": ("`make setup`, nothing downloaded before", "s"),
        "warm_lab_s": ("warm `make lab` until the notebook's kernel is idle in a browser", "s"),
        "target_s": ("`connect`, every stack and the stream job, from nothing", "s"),
        "disk_gb": (".venv on disk", "GB"),
        "idle_memory_mb": ("the idle target, resident", "MB"),
        "lab_memory_mb": ("JupyterLab and one kernel, resident", "MB"),
        "idle_cores": ("the idle target, cores", ""),
    }
    parts = setup.get("idle_memory_by_process_mb", {})
    for key, (name, unit) in names.items():
        value = setup.get(key)
        more = (
            ", ".join(f"{part} {mb}" for part, mb in parts.items()) if key[:6] == "idle_m" else ""
        )
        missing = not_measured(results, f"setup.{key}")
        yield name, missing if value is None else f"{value:,} {unit}".strip(), more


def _scaling(results: dict) -> str:
    scaling = results.get("scaling")
    if not scaling:
        return "Not measured.\n"

    def rows() -> Rows:
        if not scaling["servers"]:
            yield "beacon servers alone", not_measured(results, "scaling.servers"), ""
        for count, rate in scaling["servers"].items():
            name = f"beacon servers alone: {count}, `ab` on the same cores"
            yield name, f"{rate:,} requests/s", ""
        for count, run in scaling["shards"].items():
            name = f"the whole chain, shards of 1,000 records/s: {count}"
            said = {True: "held", False: "not held"}
            tried = ", ".join(f"{one['rate']:,}/s: {said[one['held']]}" for one in run["tries"])
            yield name, f"{run['held']:,} beacons/s", tried

    most = results.get("highest_rate_held")
    limit = f"Without that limit of shards it is the cores': {most:,}/s (b).\n" if most else ""
    return table(("", "carries", "tried"), rows()) + limit


def _failed(results: dict) -> str:
    failed = results.get("failed")
    if not failed:
        return ""
    return "## What could not be measured\n\n" + "".join(f"- {k}: {v}\n" for k, v in failed.items())


def _cores(run: dict) -> str:
    parts = sorted(run["cores"].items(), key=lambda part: -part[1])
    return f"{sum(run['cores'].values()):.1f}: " + ", ".join(f"{k} {v}" for k, v in parts)


def _ratio(one: float | None, other: float | None) -> str:
    return f"{one / other:.2f}" if one and other else ""


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:g} s"
