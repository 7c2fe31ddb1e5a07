"""Text that came from the web, made fit to be shown: in a picture, in a sentence.

A page's name, a referrer or a User-Agent is whatever a visitor sent. It may hold letters that no
font has, a line break, or a mark that turns the text around it from right to left.
"""

from functools import lru_cache

from matplotlib.font_manager import findfont, get_font

FAMILY = "DejaVu Sans"  # comes with matplotlib: the same letters, of the same width, everywhere
UNKNOWN = "□"
_MEASURED_AT = 100  # points: large, so that the hinting of small letters does not matter


def printable(text: str) -> str:
    """Return the text with each control or direction mark replaced by `□`, and never empty.

    Example:
        >>> printable("/a\\nb"), printable("")
        ('/a□b', '(blank)')
    """
    kept = "".join(char if char.isprintable() else UNKNOWN for char in text)
    return kept if kept.strip() else "(blank)"


def drawable(text: str) -> str:
    """Return the text with each character that the pictures' font lacks replaced by `□`.

    Example:
        >>> drawable("/产品/price")
        '/□□/price'
    """
    return "".join(char if _advance(char) is not None else UNKNOWN for char in printable(text))


def shorten(text: str, most: int = 40) -> str:
    """Return the text cut in its middle to at most `most` characters, for use in a sentence.

    The middle goes, because the ends tell pages, addresses and User-Agents apart.

    Example:
        >>> shorten("https://example.com/a/very/long/way/to/the/page.html", most=20)
        'https://ex…page.html'
    """
    text = printable(text)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - most // 2 - 1) :]}"


def width(text: str, points: float) -> float:
    """Return how wide a text is drawn, in inches, in letters of `points` points.

    Example:
        >>> width("mm", 9) == 2 * width("m", 9)
        True
    """
    # The sum of the letters' own widths: kerning moves a label by less than a pixel.
    return sum(_advance(char) or 0 for char in text) * points / 72


@lru_cache(maxsize=4096)
def fit(text: str, points: float, inches: float) -> str:
    """Return the text ready to be drawn, cut in its middle where it is wider than `inches`.

    Args:
        text: any text.
        points: size of its letters.
        inches: how wide it may be.

    Example:
        >>> fit("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", points=9, inches=1.2)
        'Mozilla/…ox/130.0'
    """
    text = drawable(text)
    if width(text, points) <= inches:
        return text
    low, high = 0, min(len(text), 500)
    while low < high:
        middle = (low + high + 1) // 2
        if width(shorten(text, middle), points) <= inches:
            low = middle
        else:
            high = middle - 1
    return shorten(text, max(low, 2))


@lru_cache(maxsize=8192)
def _advance(char: str) -> float | None:
    """How far a letter moves the pen, in ems; None if the font does not have it."""
    font = get_font(findfont(FAMILY))
    if ord(char) not in font.get_charmap():
        return None
    font.set_size(_MEASURED_AT, 72)
    return font.load_char(ord(char)).linearHoriAdvance / 65536 / _MEASURED_AT
