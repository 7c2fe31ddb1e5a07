"""`make bench`: measures the workshop on this machine and writes bench/results.md and results.json.

    python -m bench [--only PART[,PART...]] [--short] [--records 5000000]

Each part answers one question. If it fails, the report has one line about it and the others go on.
A missing program is not a failure: the page has "not measured: needs ...". With --only, the figures
of the other parts stay if they are of this machine; those of another machine are deleted. Module 6
plans with assets/measured.json, which measured.py writes. At the end each figure is printed with
the committed one, if that is of the same kind of machine. results.json is one flat object:

    machine        {"id", "cpu", "cores", "memory_gb", "system", "python", "load"}
    measured_at    by part: ISO 8601, UTC
    took_s         by part: seconds
    failed         by part: one sentence; absent if no part failed
    needs          by figure ("setup.cold_s": of `setup`): the missing program or package
    short          the parts with figures of a `--short` run, which are not exact
    latency        by rate ("10", "100", "1000"): {"p50", "p90", "p99" (seconds), "sent", "lost",
                   "drained_s", "generator_lag_ms", "cores" (by process)}
    stage_seconds  at 100/s, p50: {"server_to_stream", "flink", "functions"}
    highest_rate_held, highest_rate, highest_rate_tries     beacons/s; its run; all runs
    server_requests_per_second, apache_requests_per_second  on one core
    agent_lines_per_second_per_core, agent_lines_per_second (by the clock),
    apachelogs_lines_per_second, goaccess_lines_per_second  of one core
    record_bytes, request_bytes        of a beacon: in the clicks stream, of a browser's request
    flink_records_per_second, flink    the job on both cores; {"records", "memory_mb",
                                       "checkpoint_mb", "start_s", "cores"}
    backfill       {"read_per_second", "counted_per_second", "start_s", "a_day_s", "memory_mb",
                   "runs"} of a rebuild
    process_metrics_rows_per_second, publish_metrics_changes_per_second
    chart_frame_ms, chart_frame_p95_ms, chart_cpu_percent
    starts         {"first_chart_s", "first_chart", "start_s", "recovery_s", "update_s", "phases"}
    setup          {"cold_s", "disk_gb", "warm_lab_s", "target_s", "idle_memory_mb", ...}
    scaling        {"servers": {"1": requests/s, ...}, "shards": {"1": beacons/s, ...}}

A figure that was not measured is null or missing.
"""

import argparse
import functools
import importlib
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from bench import compare, machine, measured, report
from bench.chain import end_chain, own_home
from bench.needs import NeedsError
from helpers.core.paths import REPOSITORY

# Each part's module, its arguments with `--short`, and its figures in results.json.
PARTS: dict[str, tuple[str, dict, tuple[str, ...]]] = {
    "machine": ("machine", {}, ("machine",)),
    "servers": ("servers", {"seconds": 2},
                ("server_requests_per_second", "apache_requests_per_second")),
    "agents": ("agents", {"lines": 50_000},
               ("agent_lines_per_second", "agent_lines_per_second_per_core",
                "apachelogs_lines_per_second", "goaccess_lines_per_second", "record_bytes",
                "request_bytes")),
    "flink": ("flink_job", {"records": 300_000}, ("flink_records_per_second", "flink")),
    "starts": ("starts", {}, ("starts",)),
    # The following parts share a chain, in this order.
    "setup": ("setup", {"cold": False}, ("setup",)),
    "latency": ("latency_rates", {"seconds": 12}, ("latency", "stage_seconds")),
    "highest": ("highest_rate", {"seconds": 15, "probe_seconds": 8},
                ("highest_rate_held", "highest_rate", "highest_rate_tries")),
    "charts": ("charts", {"seconds": 6, "frames": 5},
               ("chart_frame_ms", "chart_frame_p95_ms", "chart_cpu_percent")),
    "functions": ("functions", {"records": 1_500},
                  ("process_metrics_rows_per_second", "publish_metrics_changes_per_second",
                   "functions")),
    "backfill": ("backfill", {"records": 200_000}, ("backfill",)),
    "scaling": ("scaling", {"seconds": 2, "hold_seconds": 8}, ("scaling",)),
}  # fmt: skip


def main() -> int:
    """Measure the selected parts; return 1 if one failed."""
    arguments = _arguments()
    own_home(str(REPOSITORY / "build" / "bench"))
    results = report.load()
    if results.get("machine", {}).get("id") != machine.identity():
        results = {}  # of another machine
    try:
        for name in ["machine", *[part for part in arguments.only or PARTS if part != "machine"]]:
            module, short, _ = PARTS[name]
            options = dict(short) if arguments.short else {}
            if name == "flink" and arguments.records:
                options["records"] = arguments.records
            print(f"{name} ...", flush=True)
            _measure(results, name, functools.partial(_run, module, options))
            others = set(results.get("short", ())) - {name}
            results["short"] = sorted(others | ({name} if arguments.short else set()))
            report.save(results)
    finally:
        end_chain()
    measured.carry_over(results)
    print(f"\n{compare.table(results, compare.committed())}")
    print(f"\n{report.PATH} is written.")
    return int(bool(results.get("failed")))


def _run(module: str, options: dict) -> dict:
    try:
        return importlib.import_module(f"bench.{module}").measure(**options)
    except Exception:
        end_chain()  # the next part starts a new one
        raise


def _measure(results: dict, name: str, run: Callable[[], dict]) -> None:
    began = time.monotonic()
    failed = results.setdefault("failed", {})
    failed.pop(name, None)
    figures = PARTS[name][2]
    needs = results.get("needs", {})
    results["needs"] = {key: needs[key] for key in needs if key.split(".")[0] not in figures}
    for figure in figures:
        results.pop(figure, None)
    try:
        measured = run()
        results["needs"] |= measured.pop("needs", {})
        if unknown := set(measured) - set(figures):
            raise RuntimeError(f"PARTS does not have the figures {', '.join(sorted(unknown))}")
        results |= measured
    except NeedsError as error:
        results["needs"] |= dict.fromkeys(figures, str(error))
        print(f"{name}: not measured: needs {error}", flush=True)
    except Exception as error:
        traceback.print_exc()
        failed[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    for empty in ("failed", "needs"):
        if not results[empty]:
            del results[empty]
    results.setdefault("measured_at", {})[name] = datetime.now(UTC).isoformat(timespec="seconds")
    results.setdefault("took_s", {})[name] = round(time.monotonic() - began)
    print(f"{name}: {results['took_s'][name]} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--short", action="store_true", help="short runs, to check the bench")
    parser.add_argument("--records", type=int, help="number of stored records for the Flink job")
    arguments = parser.parse_args()
    if unknown := set(arguments.only or ()) - set(PARTS):
        parser.error(f"no part is called {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
