"""Tiles and lists in HTML that follow JupyterLab's theme, and grow with the width of the page.

Text from a visitor is escaped here, shortened in its middle, and isolated (bdi), so that it can't
reverse the text around it.
"""

import html
from collections.abc import Sequence

from helpers.core.text import number, printable, shorten

from .palette import BLUE, GREEN, INK, LINE, QUIET, VERMILION

# Letters are 1.7% of the board's width: 14 px on a laptop, 24 px on a projector.
STYLE = f"""<style>
.rwa-board {{ container-type: inline-size; line-height: 1.35;
  color: var(--jp-ui-font-color1, {INK}); font-family: var(--jp-ui-font-family, sans-serif); }}
.rwa-sheet {{ font-size: clamp(13px, 1.7cqw, 25px); display: grid; gap: .7em; }}
.rwa-sheet .widget-html, .rwa-sheet .widget-html-content {{ font-size: inherit;
  line-height: inherit; }}
.rwa-tiles, .rwa-halves, .rwa-lists {{ display: grid; gap: .7em; }}
.rwa-tiles {{ grid-template-columns: repeat(auto-fit, minmax(9em, 1fr)); }}
.rwa-halves {{ grid-template-columns: minmax(0, 3fr) minmax(10em, 1fr); }}
.rwa-lists {{ grid-template-columns: repeat(auto-fit, minmax(min(15em, 100%), 1fr)); }}
.rwa-card {{ border: 1px solid var(--jp-border-color2, {LINE}); border-radius: .4em;
  padding: .5em .8em; min-width: 0; background: var(--jp-layout-color1, transparent); }}
.rwa-name, .rwa-note, .rwa-bars text {{ color: var(--jp-ui-font-color1, {QUIET});
  fill: var(--jp-ui-font-color1, {QUIET}); }}
.rwa-name {{ font-weight: 600; }}
.rwa-aside {{ float: right; font-weight: 400; font-size: .85em; }}
.rwa-big {{ font-size: 1.8em; font-weight: 600; line-height: 1.3; white-space: nowrap; }}
.rwa-note {{ font-size: .85em; height: 4.05em; overflow: hidden; }}
.rwa-halves .rwa-note {{ height: 2.7em; }}
.rwa-row {{ display: flex; justify-content: space-between; gap: 1em; height: 1.6em;
  line-height: 1.6em; margin-top: .15em; padding: 0 .4em; background-repeat: no-repeat;
  background-image: linear-gradient({BLUE}44, {BLUE}44); }}
.rwa-row bdi {{ overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.rwa-pick.jupyter-button {{ position: relative; width: auto; height: 1.75em; line-height: 1.75em;
  margin: .12em 0; padding: 0 4.2em 0 .4em; font-size: 1em; text-align: left; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; opacity: 1;
  color: var(--jp-ui-font-color1, {INK}); background: transparent no-repeat;
  background-image: linear-gradient({BLUE}44, {BLUE}44); background-size: var(--part, 0) 100%; }}
.rwa-pick.jupyter-button::after {{ content: var(--count, ""); position: absolute; right: .4em; }}
.rwa-chip.jupyter-button {{ font-size: 1em; height: 1.9em; line-height: 1.9em;
  color: var(--jp-ui-font-color1, {INK}); background: {BLUE}44; }}
.rwa-sheet .widget-radio-box, .rwa-sheet .widget-radio-box label, .rwa-sheet .widget-label,
.rwa-sheet .lm-TabBar, .rwa-sheet .lm-TabBar-tab {{ font-size: 1em; height: auto; line-height: 1.7;
  max-height: none; min-height: 0; }}
.rwa-sheet .widget-radio-box label {{ display: flex; flex-direction: row-reverse;
  justify-content: flex-end; align-items: center; gap: .3em; }}
.rwa-bars {{ display: block; width: 100%; height: auto; font-size: 15px; }}
.rwa-rule {{ stroke: var(--jp-border-color2, {LINE}); }}
.rwa-bars rect {{ stroke: var(--jp-layout-color1, white); stroke-width: .6; }}
.rwa-key {{ display: inline-block; margin-right: 1em; white-space: nowrap; font-size: .85em; }}
.rwa-key i {{ display: inline-block; width: .8em; height: .8em; margin-right: .35em; }}
.rwa-keys {{ height: 3.2em; overflow: hidden; }}
</style>"""
ALARM_COLORS = {"OK": GREEN, "ALARM": VERMILION}


def tile(name: str, big: str, note: str, color: str = "") -> str:
    """Return a card with a name, a large figure and a note of at most three lines.

    Args:
        name, big, note: plain text.
        color: of the mark before the figure, or none; the text must be sufficient without it.

    Example:
        `tile("Visitors now", "196", "in 13:04")`
    """
    sign = "▲" if color == VERMILION else "✔"
    mark = f'<span style="color:{color}" aria-hidden="true">{sign}</span> ' if color else ""
    return (
        f'<div class="rwa-card" role="group" aria-label="{html.escape(name)}">'
        f'<div class="rwa-name">{html.escape(name)}</div>'
        f'<div class="rwa-big">{mark}{html.escape(big)}</div>'
        f'<div class="rwa-note">{html.escape(note)}</div></div>'
    )


def listing(name: str, rows: Sequence[tuple[str, float]], most: int = 5) -> str:
    """Return a card with the largest items, each on a bar as long as its count.

    Its height does not depend on the number of rows, so that the page does not move.

    Args:
        name: the heading.
        rows: (item, count), the largest first; an item may be any text from a visitor.
        most: the number of rows.

    Example:
        `listing("Top pages", [("/", 612), ("/products", 441)])`
    """
    longest = max((count for _, count in rows), default=0)
    lines = [_row(item, count, count / longest if longest else 0) for item, count in rows[:most]]
    if not rows:
        lines = ['<div class="rwa-row" style="background:none">nothing yet</div>']
    lines += ['<div class="rwa-row" style="background:none"></div>'] * (most - len(lines))
    heading = html.escape(name)
    return (
        f'<div class="rwa-card" role="group" aria-label="{heading}">'
        f'<div class="rwa-name">{heading}</div>{"".join(lines)}</div>'
    )


def drawing(name: str, note: str, svg: str, keys: str) -> str:
    """Return a card with a drawing and its legend, both HTML already, under a name and a note."""
    return (
        f'<div class="rwa-card"><div class="rwa-name">{html.escape(name)}'
        f'<span class="rwa-aside">{html.escape(note)}</span></div>{svg}'
        f'<div class="rwa-keys">{keys}</div></div>'
    )


def row(cards: Sequence[str], kind: str = "rwa-tiles") -> str:
    """Return cards next to each other, on several rows if the page is narrow.

    Args:
        cards: HTML.
        kind: `rwa-tiles`, or `rwa-lists` for wider cards.
    """
    return f'<div class="{kind}">{"".join(cards)}</div>'


def beside(left: str, right: Sequence[str]) -> str:
    """Return a card next to a column of others, all HTML."""
    return (
        f'<div class="rwa-halves">{left}<div style="display:grid;gap:.7em;min-width:0">'
        f"{''.join(right)}</div></div>"
    )


def sheet(parts: Sequence[str]) -> str:
    """Return parts below each other, with the style of all."""
    return f'{STYLE}<div class="rwa-board"><div class="rwa-sheet">{"".join(parts)}</div></div>'


def _row(item: str, count: float, part: float) -> str:
    whole = html.escape(printable(item)[:300])
    return (
        f'<div class="rwa-row" style="background-size:{100 * part:.1f}% 100%" title="{whole}">'
        f"<bdi>{html.escape(shorten(item, 38))}</bdi><span>{number(count)}</span></div>"
    )
