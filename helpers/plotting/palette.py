"""The colours of every picture, told apart by colour-blind eyes too, on a card of their own.

Okabe and Ito, "Color Universal Design" (2008): https://jfly.uni-koeln.de/color/ (their yellow is
left out, because a thin yellow line can't be seen on white; slate stands for their black).
The card is white with dark ink, so that a picture reads alike in a light and a dark JupyterLab.
"""

from collections.abc import Iterable
from zlib import crc32

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, SLATE = "#CC79A7", "#56B4E9", "#4A5361"
COLORS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, SLATE)

INK, QUIET, LINE = "#1F2328", "#57606A", "#D8DEE4"  # contrast on white: 16, 6.4; LINE is for rules
CARD, DESK = "#FFFFFF", "#F3F5F7"
BAR = "#CFE4F2"  # pale, because dark labels stand on it
OTHERS = "#A3ABB3"
# On a button. Contrast 5.2, 7.8, 7.0, 6.9; JupyterLab's own green, orange, cyan: 4 and less.
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
    """Give each item a colour: the known events always theirs, any other one that is still free.

    The choice depends on the names alone, so an item keeps its colour from frame to frame and from
    chart to chart, unless two of one chart would share it. The eighth item begins the colours anew.

    Args:
        items: the names shown in one chart.

    Example:
        >>> item_colors(["click", "/cart"])["click"] == ORANGE
        True
    """
    names = set(items)
    if len(names) == 1 and not names & _KNOWN.keys():
        return dict.fromkeys(names, BLUE)
    given = {name: _KNOWN[name] for name in names & _KNOWN.keys()}
    for name in sorted(names - given.keys()):
        first = crc32(name.encode(errors="replace"))
        wanted = [COLORS[(first + step) % len(COLORS)] for step in range(len(COLORS))]
        free = [color for color in wanted if color not in given.values()]
        given[name] = (free or wanted)[0]
    return given
