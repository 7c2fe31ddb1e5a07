"""The live dashboard's tiles as HTML, and the sentence that describes them."""

from helpers.core.text import number, quoted
from helpers.plotting import html_tiles
from helpers.plotting.metric_figure import as_series, clock
from helpers.plotting.palette import OTHERS
from helpers.plotting.series import largest
from helpers.plotting.svg_bars import event_bars, legend

from .site_figures import SiteSnapshot

BUCKET = 10
_EVENTS_SHOWN = 6
_NOTHING = "–"


def draw(seen: SiteSnapshot) -> str:
    """Return the whole dashboard as HTML.

    Example:
        `draw(SiteSnapshot(at=time.time()))` is a dashboard before its first reading
    """
    minutes = f"in {seen.minutes:g} min"
    return html_tiles.board(
        [
            html_tiles.tile("Visitors now", _figure(seen.visitors), seen.visitors_note),
            html_tiles.tile("Events a second", _rate(seen), "as they are counted"),
            html_tiles.tile("Conversion", _percent(seen.conversion), _conversions(seen)),
            html_tiles.tile("Latency", _seconds(_latency(seen)), _path(seen)),
            _alarm_tile(seen),
        ],
        _events(seen),
        [
            html_tiles.listing(f"Top pages, {minutes}", seen.pages),
            html_tiles.listing(f"Referrers, {minutes}", seen.referrers),
        ],
    )


def sentence(seen: SiteSnapshot) -> str:
    """Return the dashboard's description, one or two sentences of plain text."""
    phrases = [f"{_figure(seen.visitors)} visitors {seen.visitors_note}".strip()]
    phrases.append(f"{_rate(seen)} events a second")
    phrases.append(f"conversion {_percent(seen.conversion)}")
    if seen.pages:
        phrases.append(f"most visited {quoted(seen.pages[0][0])} ({number(seen.pages[0][1])})")
    if seen.referrers:
        phrases.append(f"most from {quoted(seen.referrers[0][0])} ({number(seen.referrers[0][1])})")
    if _latency(seen) is not None:
        phrases.append(f"latency {_seconds(_latency(seen))} ({_path(seen)})")
    phrases.append("alarms: {} ({})".format(*_alarm_words(seen)))
    result = f"{'; '.join(phrases)}. Read at {clock(seen.at)}."
    if seen.missing:
        result += f" ⚠ {seen.missing}"
    elif not seen.pages:
        result += " → Nothing to count yet: start the traffic, traffic.start(rate=30)."
    return result


def _events(seen: SiteSnapshot) -> str:
    start, series = seen.at - seen.minutes * 60, []
    if seen.events is not None:
        recent = [each.between(start - BUCKET, seen.at) for each in as_series(seen.events)]
        series = largest([each for each in recent if len(each.times)], _EVENTS_SHOWN, OTHERS)
    name = f"Events, per {BUCKET} s"
    alt = f"{name}, of the last {seen.minutes:g} minutes; described by the sentence below"
    bars = event_bars(series, start, seen.at, BUCKET, alt)
    return html_tiles.drawing(name, "UTC; faint: still filling", bars, legend(series))


def _alarm_tile(seen: SiteSnapshot) -> str:
    big, note = _alarm_words(seen)
    state = {"ALARM": "ALARM", "all OK": "OK"}.get(big, "")
    return html_tiles.tile("Alarms", big, note, html_tiles.ALARM_COLORS.get(state, ""))


def _alarm_words(seen: SiteSnapshot) -> tuple[str, str]:
    if seen.alarms is None:
        return _NOTHING, "module 3 is not deployed" if seen.missing else "not read yet"
    in_alarm = [name for name, state in seen.alarms if state == "ALARM"]
    if in_alarm:
        return "ALARM", ", ".join(in_alarm)
    unknown = [name for name, state in seen.alarms if state != "OK"]
    if unknown:
        return "no data", f"yet for {', '.join(unknown)}"
    return "all OK", f"{len(seen.alarms)} alarms, none in ALARM"


def _conversions(seen: SiteSnapshot) -> str:
    return f"{seen.conversions:,} of {seen.views:,} page views, {seen.minutes:g} min"


def _latency(seen: SiteSnapshot) -> float | None:
    return seen.to_table if seen.latency is None else seen.latency


def _path(seen: SiteSnapshot) -> str:
    if seen.latency is None:
        return "click to table; CloudWatch: none yet" if seen.to_table else "click to CloudWatch"
    # The table shows only the newest row of each bucket: another sample, not a part of this one.
    return "median, click to CloudWatch"


def _rate(seen: SiteSnapshot) -> str:
    return _NOTHING if seen.rate is None else f"{seen.rate:,.1f}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}%"


def _seconds(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f} s"


def _figure(value: int | None) -> str:
    return _NOTHING if value is None else f"{value:,}"
