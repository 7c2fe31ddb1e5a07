"""How the live dashboard's numbers become tiles, and the sentence that says what they show."""

from helpers.core.text import number, quoted
from helpers.plotting import html_tiles as tiles
from helpers.plotting.metric_figure import as_series, clock
from helpers.plotting.palette import OTHERS
from helpers.plotting.series import largest
from helpers.plotting.svg_bars import event_bars, legend

from .site_figures import Numbers

BUCKET = 10
_EVENTS_SHOWN = 6
_NOTHING = "–"


def draw(seen: Numbers) -> str:
    """Return the whole dashboard as HTML.

    Example:
        `draw(Numbers(at=time.time()))` is one that has read nothing yet
    """
    minutes = f"in {seen.minutes:g} min"
    return tiles.board(
        [
            tiles.tile("Visitors now", _figure(seen.visitors), seen.visitors_note),
            tiles.tile("Events a second", _pace(seen), "as they come to be counted"),
            tiles.tile("Conversion", _percent(seen.conversion), _conversions(seen)),
            tiles.tile("Latency", _seconds(_latency(seen)), _path(seen)),
            _alarm_tile(seen),
        ],
        _events(seen),
        [
            tiles.listing(f"Top pages, {minutes}", seen.pages),
            tiles.listing(f"Referrers, {minutes}", seen.referrers),
        ],
    )


def words(seen: Numbers) -> str:
    """Return what the dashboard shows, as one or two sentences of plain text."""
    said = [f"{_figure(seen.visitors)} visitors {seen.visitors_note}".strip()]
    said.append(f"{_pace(seen)} events a second")
    said.append(f"conversion {_percent(seen.conversion)}")
    if seen.pages:
        said.append(f"most visited {quoted(seen.pages[0][0])} ({number(seen.pages[0][1])})")
    if seen.referrers:
        said.append(f"most from {quoted(seen.referrers[0][0])} ({number(seen.referrers[0][1])})")
    if _latency(seen) is not None:
        said.append(f"latency {_seconds(_latency(seen))} ({_path(seen)})")
    said.append("alarms: {} ({})".format(*_alarm_words(seen)))
    sentence = f"{'; '.join(said)}. Read at {clock(seen.at)}."
    if seen.missing:
        sentence += f" ⚠ {seen.missing}"
    elif not seen.pages:
        sentence += " → Nothing to count yet: start the traffic, traffic.start(rate=30)."
    return sentence


def _events(seen: Numbers) -> str:
    start, series = seen.at - seen.minutes * 60, []
    if seen.events is not None:
        recent = [each.between(start - BUCKET, seen.at) for each in as_series(seen.events)]
        series = largest([each for each in recent if len(each.times)], _EVENTS_SHOWN, OTHERS)
    name = f"Events, per {BUCKET} s"
    said = f"{name}, of the last {seen.minutes:g} minutes; the sentence below says the rest"
    bars = event_bars(series, start, seen.at, BUCKET, said)
    return tiles.drawing(name, "UTC; faint: still filling", bars, legend(series))


def _alarm_tile(seen: Numbers) -> str:
    big, note = _alarm_words(seen)
    state = {"ALARM": "ALARM", "all OK": "OK"}.get(big, "")
    return tiles.tile("Alarms", big, note, tiles.ALARM_COLORS.get(state, ""))


def _alarm_words(seen: Numbers) -> tuple[str, str]:
    if seen.alarms is None:
        return _NOTHING, "module 3 is not deployed" if seen.missing else "not read yet"
    ringing = [name for name, state in seen.alarms if state == "ALARM"]
    if ringing:
        return "ALARM", ", ".join(ringing)
    unknown = [name for name, state in seen.alarms if state != "OK"]
    if unknown:
        return "no data", f"yet for {', '.join(unknown)}"
    return "all OK", f"{len(seen.alarms)} alarms, none rings"


def _conversions(seen: Numbers) -> str:
    return f"{seen.conversions:,} of {seen.views:,} page views, {seen.minutes:g} min"


def _latency(seen: Numbers) -> float | None:
    return seen.to_table if seen.latency is None else seen.latency


def _path(seen: Numbers) -> str:
    if seen.latency is None:
        return "click to table; CloudWatch: none yet" if seen.to_table else "click to CloudWatch"
    # Of the table's rows we see the last of each bucket only: another sample, and not a part of it.
    return "median, click to CloudWatch"


def _pace(seen: Numbers) -> str:
    return _NOTHING if seen.pace is None else f"{seen.pace:,.1f}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}%"


def _seconds(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f} s"


def _figure(value: int | None) -> str:
    return _NOTHING if value is None else f"{value:,}"
