"""The page that `make aws-check` writes: what held, the latency, the cost, and what is left."""

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from bench.notebook_steps import Step
from helpers.core.call_meter import Reading
from helpers.planning.price_meter import by_caller

LEAST_SHOWN = 0.0001  # dollars
# Cells whose lines are results; those of others, such as "is up to date", are not.
_CHECKING = ("check.", "start_analytics(", "update_analytics(", "destroy(")
PLACES = {"aws": "an AWS account", "local": "the local target"}


@dataclass
class Report:
    """The results of a run.

    Args:
        target: `"aws"` or `"local"`.
        region: the region.
        began, ended: UTC; `ended` is when the clean-up began.
        steps: each cell that was run.
        latency: as `latency(cloud).frame`, None if it was not measured.
        cost: as `cost(cloud)`, before the clean-up.
        calls: the counted calls: on AWS those of the notebooks, else those of the whole target.
        is_clean: notebook 9 found that nothing is left.
        circumstances: a sentence on how the target was run, for the page.
    """

    target: str
    region: str
    began: datetime
    ended: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    latency: pd.DataFrame | None = None
    cost: pd.DataFrame | None = None
    calls: list[Reading] = field(default_factory=list)
    is_clean: bool = False
    circumstances: str = ""

    @property
    def hours(self) -> float:
        """The hours until the clean-up began."""
        return ((self.ended or self.began) - self.began).total_seconds() / 3600

    @property
    def failures(self) -> list[Step]:
        """The steps that failed."""
        return [step for step in self.steps if step.has_failed]

    @property
    def has_held(self) -> bool:
        """Whether no step failed and nothing is left."""
        return self.is_clean and not self.failures

    @property
    def verdict(self) -> str:
        """One sentence: whether it held."""
        minutes = sum(step.seconds for step in self.steps) / 60
        if self.has_held:
            return f"All {len(self.steps)} steps held, in {minutes:.0f} minutes. Nothing is left."
        failed = ", ".join(f"{step.notebook}: `{step.call}`" for step in self.failures)
        left = "Nothing is left." if self.is_clean else "Something may be left."
        return f"{len(self.failures)} of {len(self.steps)} steps failed ({failed}). {left}"


def text(report: Report) -> str:
    """Return the page's text.

    Args:
        report: of the run.
    """
    parts = [
        "# The last run of `make aws-check`",
        f"Modules 1 to 4 and 9 on {PLACES[report.target]}, region {report.region}, "
        f"{report.began:%Y-%m-%d %H:%M} UTC. {report.circumstances}".strip(),
        f"**{report.verdict}**",
        "## What held",
        _checks(report),
        "## Latency",
        _latency(report.latency),
        "## Cost",
        _cost(report),
        _calls(report),
        "## Steps",
        _table(
            ["notebook", "step", "seconds", "result"],
            [[step.notebook, f"`{_cell(step.call)}`", f"{step.seconds:.1f}", _result(step)]
             for step in report.steps],
        ),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _checks(report: Report) -> str:
    lines = [
        f"- {step.notebook}: {_cell(line)}"
        for step in report.steps
        for line in step.checks
        if any(call in step.code for call in _CHECKING)
    ]
    return "\n".join(lines) or "No check was reached."


def _latency(frame: pd.DataFrame | None) -> str:
    if frame is None:
        return "It was not measured."
    rows = [
        [name, row["What"], f"{row['p50']:.2f}", f"{row['p99']:.2f}", f"{row['Count']:,}"]
        for name, row in frame.iterrows()
    ]
    words = "Seconds from a request until its datapoint was put into CloudWatch, by stage:"
    return f"{words}\n\n{_table(['stage', 'what it does', 'p50', 'p99', 'measured'], rows)}"


def _cost(report: Report) -> str:
    if report.cost is None:
        return "It was not measured."
    rows = [
        [name, row["What"], f"{row['Dollars an hour']:.3f}", f"{row['Dollars so far']:.3f}"]
        for name, row in report.cost.iterrows()
    ]
    words = "In dollars, of what was deployed when the clean-up began, by `cost(cloud)`:"
    return f"{words}\n\n{_table(['service', 'what', 'an hour', 'so far'], rows)}"


def _calls(report: Report) -> str:
    if not report.calls:
        return "No calls were counted."
    frame = by_caller(report.calls, max(report.hours, 1e-9))
    whose = "the notebooks" if report.target == "aws" else "the whole target"
    rows = [
        [name, f"{row['Calls']:,}", f"{row['Dollars']:.4f}", row["Most of it"]]
        for name, row in frame.iterrows()
        if row["Dollars"] >= LEAST_SHOWN
    ]
    words = (
        f"What AWS bills by the call, by `price_meter(cloud)`: the calls of {whose} in "
        f"{60 * report.hours:.0f} minutes, in dollars. Callers below {LEAST_SHOWN} are left out:"
    )
    return f"{words}\n\n{_table(['caller', 'calls', 'so far', 'most of it'], rows)}"


def _result(step: Step) -> str:
    if step.has_failed:
        return f"**failed**: {_cell(step.error) or 'it should have failed'}"
    return "failed, as it should" if step.is_expected else ""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str) -> str:
    """Return a text that can't end a table's cell, nor begin a formula."""
    return value.replace("|", "\\|").replace("`", "'").replace("$", "USD ")
