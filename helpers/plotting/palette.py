"""The colours of every picture, which colour-blind people can distinguish, on a white card.

Okabe and Ito, "Color Universal Design" (2008): https://jfly.uni-koeln.de/color/ (their yellow is
left out, because a thin yellow line can't be seen on white; slate replaces their black).
The card is white with dark text, so that a picture is as readable in a dark JupyterLab as in a
light one.
"""

from collections.abc import Iterable
from zlib import crc32

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, SLATE = "#CC79A7", "#56B4E9", "#4A5361"
COLORS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, SLATE)

INK, QUIET, LINE = "#1F2328", "#57606A", "#D8DEE4"  # contrast on white: 16, 6.4; LINE is for rules
CARD, DESK = "#FFFFFF", "#F3F5F7"
BAR = "#CFE4F2"  # pale, because dark labels are written on it
OTHERS = "#A3ABB3"
# On a button. Contrast 5.2, 7.8, 7.0, 6.9; JupyterLab's own green, orange and cyan have 4 or less.
LETTERS_ON = {BLUE: CARD, SLATE: CARD, ORANGE: INK, SKY: INK}

_KNOWN = {
    "pageview": BLUE,
    "click": ORANGE,
    "conversion": GREEN,
    "exception": VERMILION,
    "login": PURPLE,
    "play": SKY,
    "stop": SLATE,
    "(other)": OTHERS,
}


def item_colors(items: Iterable[str]) -> dict[str, str]:
    """Return a colour for each item: known events have a fixed one, others one that is still free.

    The choice depends only on the names, so an item keeps its colour from frame to frame and from
    chart to chart, unless two items of one chart would share it. From the eighth item, colours
    repeat.

    Args:
        items: the names shown in one chart.

    Example:
        >>> item_colors(["click", "/cart"])["click"] == ORANGE
        True
    """
    names = set(items)
    if len(names) == 1 and not names & _KNOWN.keys():
        return dict.fromkeys(names, BLUE)
    colors = {name: _KNOWN[name] for name in names & _KNOWN.keys()}
    for name in sorted(names - colors.keys()):
        first = crc32(name.encode(errors="replace")) % len(COLORS)
        preferred = COLORS[first:] + COLORS[:first]
        free = [color for color in preferred if color not in colors.values()]
        colors[name] = (free or preferred)[0]
    return colors
