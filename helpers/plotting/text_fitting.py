"""The width of a drawn text, and texts cut to the width that a picture has for them."""

from bisect import bisect_right
from functools import lru_cache

from matplotlib.font_manager import findfont, get_font

from helpers.core.text import UNKNOWN, printable, shorten

FAMILY = "DejaVu Sans"  # comes with matplotlib: the same letters, of the same width, everywhere
_MEASURED_AT = 100  # points: large, so that the hinting of small letters has no effect


def drawable(text: str) -> str:
    """Return the text with each character that the pictures' font lacks replaced by `□`.

    Example:
        >>> drawable("/产品/price")
        '/□□/price'
    """
    return "".join(char if _advance(char) is not None else UNKNOWN for char in printable(text))


def width(text: str, points: float) -> float:
    """Return the width of a text in inches, in letters of `points` points.

    Example:
        >>> width("mm", 9) == 2 * width("m", 9)
        True
    """
    # The sum of the letters' own widths: kerning moves a label by less than a pixel.
    return sum(_advance(char) or 0 for char in text) * points / 72


@lru_cache(maxsize=4096)
def fit(text: str, points: float, inches: float) -> str:
    """Return the drawable text, cut in its middle if it is wider than `inches`.

    Args:
        text: any text.
        points: size of its letters.
        inches: its largest width.

    Example:
        >>> fit("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", points=9, inches=1.2)
        'Mozilla/…ox/130.0'
    """
    text = drawable(text)
    if width(text, points) <= inches:
        return text
    lengths = range(min(len(text), 500) + 1)
    most = bisect_right(lengths, inches, key=lambda length: width(shorten(text, length), points))
    return shorten(text, max(most - 1, 2))


@lru_cache(maxsize=8192)
def _advance(char: str) -> float | None:
    """A letter's width in ems; None if the font does not have it."""
    font = get_font(findfont(FAMILY))
    if ord(char) not in font.get_charmap():
        return None
    font.set_size(_MEASURED_AT, 72)
    return font.load_char(ord(char)).linearHoriAdvance / 65536 / _MEASURED_AT
