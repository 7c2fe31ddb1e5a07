"""The live dashboard's tiles as HTML, and the sentence that describes them."""

from helpers.core.text import number, quoted
from helpers.plotting import html_tiles
from helpers.plotting.item_list import readable
from helpers.plotting.metric_figure import as_series, clock
from helpers.plotting.palette import OTHERS
from helpers.plotting.series import largest
from helpers.plotting.svg_bars import event_bars, legend

from .site_figures import Figure, SiteSnapshot

_EVENTS_SHOWN = 6
_NOTHING = "–"
_COLUMN = {10: "10 s", 60: "minute", 1800: "half hour"}


def tiles(seen: SiteSnapshot) -> str:
    """Return the tiles about visitors, as HTML.

    Example:
        `tiles(SiteSnapshot(at=time.time()))` are those before the first reading
    """
    before = seen.choice.period.before
    of = seen.figures
    visits, seconds, views = (of.get(name, Figure()) for name in ("visits", "seconds", "views"))
    bounces, conversion = (of.get(name, Figure()) for name in ("bounces", "conversion"))
    visitors = f"{_change(seen.visitors, before)}; {seen.visitors_note}" if seen.figures else ""
    return html_tiles.row(
        [
            html_tiles.tile("Visitors now", _whole(seen.visitors.value), visitors),
            html_tiles.tile("Visits", _whole(visits.value), _change(visits, before)),
            html_tiles.tile("Bounce rate", _percent(bounces.value), _points(bounces, before)),
            html_tiles.tile("Duration", _time(seconds.value), _seconds(seconds, before)),
            html_tiles.tile("Views a visit", _decimal(views.value), _change(views, before, 1)),
            html_tiles.tile("Conversion", _percent(conversion.value), _points(conversion, before)),
        ]
    )


def chart(seen: SiteSnapshot) -> str:
    """Return the card with the events over time, next to the tiles about the pipeline, as HTML."""
    period = seen.choice.period
    start, series = period.span(seen.at).start, []
    if seen.events is not None:
        recent = [each for each in as_series(seen.events) if len(each.times)]
        series = largest(recent, _EVENTS_SHOWN, OTHERS)
    name = f"Events {period.phrase}, per {_COLUMN[period.column]}"
    alt = f"{name}; described by the sentence below"
    end = max(seen.at, start + period.column)
    bars = event_bars(series, start, end, period.column, alt)
    pipeline = [
        html_tiles.tile("Events a second", _rate(seen), "of the whole site, as they are counted"),
        html_tiles.tile("Latency", _took(_latency(seen)), _path(seen)),
        _alarm_tile(seen),
    ]
    drawing = html_tiles.drawing(name, "UTC; faint: still filling", bars, legend(series))
    return html_tiles.beside(drawing, pipeline)


def still(seen: SiteSnapshot) -> str:
    """Return the whole dashboard as HTML without widgets: what remains when it is stopped."""
    cards = [html_tiles.listing(title, _readable(rows)) for title, _, rows in seen.lists]
    return html_tiles.sheet([tiles(seen), chart(seen), html_tiles.row(cards, "rwa-lists")])


def sentence(seen: SiteSnapshot) -> str:
    """Return the dashboard's description, one or two sentences of plain text."""
    of = seen.figures
    values = {name: of.get(name, Figure()).value for name in ("visits", "bounces", "conversion")}
    phrases = [
        f"{_whole(seen.visitors.value)} visitors {seen.visitors_note}".strip(),
        f"{_whole(values['visits'])} visits {seen.choice.period.phrase}",
        f"bounce rate {_percent(values['bounces'])}",
        f"conversion {_percent(values['conversion'])}",
        f"{_rate(seen)} events a second",
    ]
    for title, _, rows in seen.lists[:1]:
        if rows:
            first = quoted(readable(rows[0][0]))
            phrases.append(f"{title[0].lower()}{title[1:]}: {first} ({number(rows[0][1])}) first")
    if _latency(seen) is not None:
        phrases.append(f"latency {_took(_latency(seen))} ({_path(seen)})")
    phrases.append("alarms: {} ({})".format(*_alarm_words(seen)))
    result = f"{'; '.join(phrases)}. Read at {clock(seen.at)}."
    if seen.recounted is not None:
        result += f" Only visits of the filter, recounted from the archive at {_clock(seen)}."
    elif seen.missing:
        result += f" ⚠ {seen.missing}"
    elif seen.events is not None and not len(seen.events):
        result += " → Nothing to count yet: start the traffic, traffic.start(rate=30)."
    return result


def _readable(rows: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(readable(item), count) for item, count in rows]


def _clock(seen: SiteSnapshot) -> str:
    return clock(seen.recounted or seen.at)


def _change(figure: Figure, period: str, digits: int = 0) -> str:
    if figure.full is None or not figure.before:
        return f"none in {period}"
    percent = round(100 * (figure.full / figure.before - 1))
    return f"{percent:+,}% ({figure.before:,.{digits}f} → {figure.full:,.{digits}f})"


def _points(figure: Figure, period: str) -> str:
    if figure.full is None or figure.before is None:
        return f"no visit in {period}"
    change = figure.full - figure.before
    return f"{change:+.1f} points ({figure.before:.1f}% → {figure.full:.1f}%)"


def _seconds(figure: Figure, period: str) -> str:
    if figure.full is None or figure.before is None:
        return f"no visit in {period}"
    change = figure.full - figure.before
    return f"{change:+.0f} s ({_time(figure.before)} → {_time(figure.full)})"


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


def _latency(seen: SiteSnapshot) -> float | None:
    return seen.to_table if seen.latency is None else seen.latency


def _path(seen: SiteSnapshot) -> str:
    if seen.latency is None:
        return "click to table; CloudWatch: none yet" if seen.to_table else "click to CloudWatch"
    # The table shows only the newest row of each bucket: another sample, not a part of this one.
    return "median, click to CloudWatch"


def _rate(seen: SiteSnapshot) -> str:
    return _decimal(seen.rate)


def _decimal(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}%"


def _took(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f} s"


def _time(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def _whole(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.0f}"
