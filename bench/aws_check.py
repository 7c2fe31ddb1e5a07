"""`make aws-check`: runs modules 1 to 4 and 9 in an AWS account, and writes docs/aws-check.md.

    python -m bench.aws_check [--target local] [--prefix rwa] [--report docs/aws-check.md]

It runs the notebooks themselves, cell by cell, without a browser. So it makes the calls that a
learner makes, and each cell's own checks are its checks. A notebook whose cell fails is not
continued, and those after it are not begun. Module 9 is always run: it deletes everything.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bench.aws_check_report import Report, text
from bench.chain import own_home
from bench.notebook_steps import Step, steps
from helpers.connection.connect import connect
from helpers.core.call_meter import Reading
from helpers.core.cloud import Cloud
from helpers.core.command import exit_code
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.cost import cost
from helpers.deployment.leftover_resources import remaining
from helpers.local import pace
from helpers.timing.stage_latency import latency

NOTEBOOKS = ("1-capture", "2-analyze", "3-visualize", "4-extend")
CLEAN_UP = "9-clean-up"
# On AWS, each kernel counts its own calls.
COUNTED = """import dataclasses, json
print(json.dumps([dataclasses.asdict(each) for each in cloud.counted_calls()[1]]))"""
# Before the traffic of module 3 ends, the latency is read: only the last minute's, because
# publish_metrics begins with the changes of minutes before.
MEASURED_IN, MEASURED_BEFORE = "3-visualize", "print(traffic.stop())"
REPORT = REPOSITORY / "docs" / "aws-check.md"


def main() -> int:
    """Run the check; return 0 if every step held and nothing is left, else 1."""
    arguments = _arguments()
    # A learner's own local target goes on, and notebook 9 does not end it.
    own_home(str(REPOSITORY / "build" / "aws-check"))
    return exit_code(lambda: _checked(arguments))


def _checked(arguments: argparse.Namespace) -> int:
    report = check(arguments.target, arguments.prefix)
    arguments.report.write_text(text(report), encoding="utf-8")
    print(f"\n{report.verdict}\n{arguments.report} is written.")
    return 0 if report.has_held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make aws-check", description=__doc__.split("\n")[0])
    parser.add_argument("--target", default="aws", choices=("aws", "local"))
    parser.add_argument("--prefix", default="rwa", help="the first part of every resource's name")
    parser.add_argument("--report", type=Path, default=REPORT, help="the page that is written")
    return parser.parse_args()


def check(target: str, prefix: str = "rwa") -> Report:
    """Run the notebooks on a target and delete everything; return what was found.

    Args:
        target: `"aws"` or `"local"`.
        prefix: the first part of every resource's name.

    Raises:
        WorkshopError: something is deployed under this prefix already, or `connect` fails. Then
            nothing was changed.
    """
    print("This takes about 40 minutes, costs less than $2 on AWS, and deletes all it created.")
    cloud = connect(target, prefix)
    if found := remaining(cloud):
        raise WorkshopError(
            f"{len(found)} resources of {prefix} exist already, which this check would delete: "
            f"{', '.join(found[:5])}.",
            "Delete them with notebook 9 first, or run this check in another account or region.",
        )
    report = Report(target, cloud.region, datetime.now(UTC), circumstances=_circumstances(target))
    try:
        _run_modules(cloud, report)
    finally:
        # Also after Ctrl + C: what exists costs until it is deleted.
        _clean_up(cloud, report)
    return report


def _circumstances(target: str) -> str:
    if target == "aws" or not pace.is_set():
        return ""
    divisor = os.environ[pace.SETTING]
    return (
        f"It took AWS's times, documented or estimated, divided by {divisor}: for new metrics, "
        "servers, roles, stacks, deletes, lists, and starts of Flink. The notebooks' own waits are "
        "not divided."
    )


def _run_modules(cloud: Cloud, report: Report) -> None:
    def measure(code: str) -> None:
        if code.startswith(MEASURED_BEFORE):
            with suppress(WorkshopError):
                report.latency = latency(cloud, minutes=0.5).frame

    for notebook in NOTEBOOKS:
        before = measure if notebook == MEASURED_IN else None
        if not _run(cloud, notebook, report, before):
            return


def _run(
    cloud: Cloud, notebook: str, report: Report, before: Callable[[str], None] | None = None
) -> bool:
    """Run a notebook, and stop at the first cell that fails; return whether it held."""
    connected = f'connect("{report.target}", prefix="{cloud.prefix}")'
    last = COUNTED if report.target == "aws" and notebook != CLEAN_UP else ""
    for step in steps(notebook, connected, before or (lambda code: None), last):
        if step.code == COUNTED:
            report.calls += [Reading(**each) for each in json.loads(step.outputs[0])]
            continue
        report.steps.append(step)
        _print(step)
        if step.has_failed:
            return False
    return True


def _print(step: Step) -> None:
    sign = "✗" if step.has_failed else " "
    print(f"{sign} {step.notebook:<12} {step.seconds:7.1f} s  {step.call[:80]}", flush=True)
    if step.has_failed:
        print(f"  {step.error or 'It should have failed, and did not.'}", flush=True)


def _clean_up(cloud: Cloud, report: Report) -> None:
    with suppress(WorkshopError):
        report.cost = cost(cloud)
        if report.target == "local":
            report.calls = cloud.counted_calls()[1]
    report.ended = datetime.now(UTC)
    held = _run(cloud, CLEAN_UP, report)
    if not held and report.target == "aws":
        print(
            f"\n⚠ Something of {cloud.prefix} may be left, and costs until it is deleted. Open "
            "notebook 9, connect to AWS there and run `destroy(cloud)` again.",
            file=sys.stderr,
        )
    report.is_clean = held


if __name__ == "__main__":
    sys.exit(main())
