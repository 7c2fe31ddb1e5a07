"""Formats numbers, days and text from visitors for a sentence or a page.

A visitor can send any page name, referrer or User-Agent: with characters that no font has, line
breaks, or marks that reverse the direction of the text around them.
"""

import math
from datetime import datetime

from assets.agent.access_log import MONTHS

UNKNOWN = "□"


def number(value: float) -> str:
    """Return a number with separators, or in millions or billions.

    Example:
        >>> number(1204), number(0.51234), number(2_500_000), number(float("nan"))
        ('1,204', '0.512', '2.5M', '–')
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 1e15:
        return f"{value:.2g}"
    if abs(value) >= 1_000_000:
        return f"{value / 1e9:.3g}G" if abs(value) >= 1e9 else f"{value / 1e6:.3g}M"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def printable(text: str) -> str:
    """Return the text with each control or direction mark replaced by `□`; `(blank)` if empty.

    Example:
        >>> printable("/a\\nb"), printable("")
        ('/a□b', '(blank)')
    """
    kept = "".join(char if char.isprintable() else UNKNOWN for char in text)
    return kept if kept.strip() else "(blank)"


def shorten(text: str, most: int = 40) -> str:
    """Return the text cut in its middle to at most `most` characters, for use in a sentence.

    It keeps both ends, which distinguish pages, addresses and User-Agents.

    Example:
        >>> shorten("https://example.com/a/very/long/way/to/the/page.html", most=20)
        'https://ex…page.html'
    """
    text = printable(text)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - most // 2 - 1) :]}"


def quoted(item: str, most: int = 40) -> str:
    """Return a shortened item that does not change the direction of the sentence around it."""
    # First-strong isolate and its end (Unicode TR9): an Arabic page must not reorder the numbers.
    return f"\u2068{shorten(item, most)}\u2069"


def day(moment: datetime) -> str:
    """Return a datetime's day, in English (strftime's `%b` depends on the locale).

    Example:
        >>> day(datetime(2026, 11, 25))
        '25 Nov'
    """
    return f"{moment.day} {MONTHS[moment.month - 1]}"
