"""Dollars a month of each way to have the numbers, at three sizes, in one picture."""

from .field import SIZES, field
from .palette import BLUE, GREEN, OTHERS, QUIET, SKY, SLATE
from .picture import Box, Picture

_WIDTH, _TOP, _ROW = 9.6, 0.8, 0.52  # inches
_NAMES, _GAP = 2.75, 0.25
_COLORS = (BLUE, GREEN, SKY, SLATE, OTHERS)


def beside_the_field() -> Picture:
    """Return the picture of what a month costs at 1, 10 and 100 million events a day.

    This design from its plan, the original from its template and from its README
    (see `field_table()` for the sources). Each size has a scale of its own.

    Example:
        `beside_the_field()`
    """
    offers = field()
    picture = Picture(_WIDTH, _TOP + _ROW * len(offers) + 0.4)
    box = picture.box().inside(left=0.2, right=0.2)
    box.text(0, 0.27, "Dollars a month", points=13, weight="bold")
    part = (box.width - _NAMES - _GAP * (len(SIZES) - 1)) / len(SIZES)
    for column, events in enumerate(SIZES):
        area = Box(picture, box.left + _NAMES + column * (part + _GAP), 0, part, _TOP)
        area.text(0, 0.58, f"{events / 1e6:g} million events a day", points=9.5)
        most = max(offer.months[events] for offer in offers)
        for row, (offer, color) in enumerate(zip(offers, _COLORS, strict=True)):
            top, cost = _TOP + row * _ROW, offer.months[events]
            width = (part - 0.7) * cost / most
            area.rectangle(0, top + 0.08, max(width, 0.02), _ROW - 0.2, color)
            area.text(width + 0.07, top + _ROW / 2 - 0.02, f"${cost:,.0f}", points=10)
    for row, offer in enumerate(offers):
        top = _TOP + row * _ROW
        box.text(0, top + 0.16, offer.name, points=10, weight="bold")
        box.text(0, top + 0.34, offer.source, points=7.5, color=QUIET)
    foot = _TOP + _ROW * len(offers) + 0.2
    box.text(0, foot, "us-east-1, without free tiers and logs; a bar's scale is that of its column",
             points=8.5, color=QUIET)  # fmt: skip
    said = "; ".join(
        f"{offer.name}: " + ", ".join(f"${offer.months[events]:,.0f}" for events in SIZES)
        for offer in offers
    )
    picture.sentence = f"A month at 1, 10 and 100 million events a day. {said}."
    return picture
