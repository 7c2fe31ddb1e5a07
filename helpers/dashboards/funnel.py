"""The funnel of visits, live: visits that began, those that went on, those with a conversion."""

import html
import time
from dataclasses import dataclass

from helpers.core.cloud import Cloud
from helpers.core.errors import check_number
from helpers.plotting.live_view import LiveBoard
from helpers.plotting.metric_figure import clock
from helpers.plotting.palette import BLUE, INK, LINE
from helpers.stores.dynamodb import metric_values

_BUCKET = 60
# As in html_tiles: letters grow with the width of the board, and colours follow the theme.
STYLE = f"""<style>
.rwa-funnel {{ container-type: inline-size; max-width: 60em; line-height: 1.35;
  color: var(--jp-ui-font-color1, {INK}); font-family: var(--jp-ui-font-family, sans-serif); }}
.rwa-steps {{ display: grid; grid-template-columns: max-content 1fr max-content;
  gap: .45em .9em; align-items: center; margin: .2em 0 .4em;
  font-size: clamp(13px, 1.7cqw, 22px); }}
.rwa-steps b {{ font-variant-numeric: tabular-nums; }}
.rwa-steps small {{ font-size: .85em; }}
.rwa-track {{ height: 1.9em; border: 1px solid var(--jp-border-color2, {LINE});
  border-radius: .25em; overflow: hidden; }}
.rwa-track i {{ display: block; height: 100%; background: {BLUE}; }}
</style>"""
STEPS = (
    ("Visits", "that began"),
    ("No bounce", "more than one beacon"),
    ("Conversion", "bought something"),
)


@dataclass(frozen=True)
class Funnel:
    """The steps of the funnel.

    Args:
        visits: those that began.
        stayed: those of them that are no bounces.
        converted: those of them with a conversion.
        minutes: of how many minutes.
        at: when it was read, epoch seconds.
    """

    visits: int
    stayed: int
    converted: int
    minutes: float
    at: float

    @property
    def counts(self) -> tuple[int, int, int]:
        """The number of visits at each step."""
        return self.visits, self.stayed, self.converted

    @property
    def sentence(self) -> str:
        """A description of the funnel, plain text."""
        since = f"in the last {self.minutes:g} minutes"
        if not self.visits:
            return f"No visit began {since}. → Start the traffic: traffic.start(rate=30)."
        return (
            f"{self.visits:,} visits began {since}; {self.stayed:,} ({_percent(self, 1)}) are no "
            f"bounces; {self.converted:,} ({_percent(self, 2)}) have a conversion. Some of "
            f"the newest ones are not over yet. Read at {clock(self.at)}."
        )


def live_funnel(cloud: Cloud, minutes: float = 10, period: float = 2) -> LiveBoard:
    """Start a funnel of the last minutes' visits that follows the table while other cells run.

    Its steps: all visits; those that are no bounces; those with a conversion. Each visit counts in
    the minute in which it began.

    Args:
        cloud: where the table is.
        minutes: how far back visits began, 1 to 1,440.
        period: seconds between two readings, 1 or more. A reading is a part of the table's
            capacity, which is billed in any case.

    Returns:
        The running funnel. As the last line of a cell it is shown; `.stop()` ends it.

    Raises:
        WorkshopError: a number is not possible. An error while reading (for example, a module is
            not deployed) is shown below the funnel, which tries again.

    Example:
        `live_funnel(cloud, minutes=5)`
    """
    check_number("minutes", minutes, 1, 1440)
    check_number("period", period, 1, 3600)

    def read() -> tuple[str, str]:
        funnel = read_funnel(cloud, minutes)
        return draw(funnel), funnel.sentence

    blank = draw(Funnel(0, 0, 0, minutes, time.time()))
    return LiveBoard(read, blank=blank, name="funnel", period=period).start()


def read_funnel(cloud: Cloud, minutes: float) -> Funnel:
    """Return the funnel of the last minutes, from the table.

    Args:
        cloud: where the table is.
        minutes: how far back visits began; the oldest minute is counted as a whole.

    Raises:
        NotDeployed: module 2-analyze is not deployed.
    """
    now = time.time()
    visits, bounces, converted = (
        int(metric_values(cloud, metric, minutes=minutes + _BUCKET / 60)["Value"].sum())
        for metric in ("visit_count", "bounce_count", "conversion_count")
    )
    # The three are read one after the other, while visits begin.
    stayed = max(visits - bounces, 0)
    return Funnel(visits, stayed, min(converted, stayed), minutes, now)


def draw(funnel: Funnel) -> str:
    """Return the funnel as HTML: for each step a bar, its count, and its share of all visits.

    Example:
        `draw(Funnel(200, 120, 9, minutes=10, at=time.time()))`
    """
    lines = []
    before = None
    for number, ((name, words), count) in enumerate(zip(STEPS, funnel.counts, strict=True)):
        width = 100 * count / funnel.visits if funnel.visits else 0
        share = _percent(funnel, number)
        note = "of the visits" if number else ""
        if before:
            note += f"; {100 * count / before:.0f}% of the step above" if number > 1 else ""
        lines.append(
            f"<span><b>{html.escape(name)}</b><br><small>{html.escape(words)}</small></span>"
            f'<div class="rwa-track" aria-hidden="true"><i style="width:{width:.1f}%"></i></div>'
            f"<span><b>{count:,}</b> · {share}<br><small>{html.escape(note)}</small></span>"
        )
        before = count
    return (
        f'{STYLE}<div class="rwa-funnel mathjax_ignore" role="group" aria-label="Funnel of visits">'
        f'<div class="rwa-steps">{"".join(lines)}</div></div>'
    )


def _percent(funnel: Funnel, step: int) -> str:
    if not funnel.visits:
        return "–"
    share = 100 * funnel.counts[step] / funnel.visits
    return f"{share:.0f}%" if step == 0 or share >= 10 else f"{share:.1f}%"
