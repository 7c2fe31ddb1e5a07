"""Where the time goes, as a waterfall: each stage begins where the one before ends."""

import pandas as pd

from .palette import BLUE, INK, LINE, ORANGE, QUIET, SKY
from .picture import Picture

_WIDTH, _TOP, _ROW, _FOOT = 9.4, 0.75, 0.46, 0.62  # inches
_LABELS, _NUMBERS = 3.3, 2.2  # inches left and right of the bars
_BAR = 0.22


def draw_latency(frame: pd.DataFrame, sentence: str) -> Picture:
    """Return the picture of what each stage takes.

    Args:
        frame: as `latency(cloud).frame`: the stages in order, then the whole.
        sentence: what it shows, in words.

    Example:
        `draw_latency(found.frame, found.sentence)`
    """
    picture = Picture(_WIDTH, _TOP + _ROW * len(frame) + _FOOT)
    picture.sentence = sentence
    box = picture.box().inside(left=0.2, right=0.2)
    box.text(0, 0.3, "Where the time goes", points=13, weight="bold")
    parts = frame.iloc[:-1]
    begins = [*parts["p50"].cumsum().shift(fill_value=0), 0.0]
    longest = max(begin + p99 for begin, p99 in zip(begins, frame["p99"], strict=True)) or 1
    inches = (box.width - _LABELS - _NUMBERS) / longest
    for place, (begin, (stage, row)) in enumerate(zip(begins, frame.iterrows(), strict=True)):
        middle, left = _TOP + _ROW * (place + 0.5), _LABELS + begin * inches
        whole = place == len(frame) - 1
        if whole:
            box.rectangle(0, middle - _ROW / 2, box.width, 0.01, LINE)
        box.text(0, middle - 0.08, stage, points=10, weight="bold")
        box.text(0, middle + 0.1, row["What"], points=8, color=QUIET)
        box.rectangle(left, middle - 0.02, max(row["p99"] * inches, 0.02), 0.04, ORANGE)
        box.rectangle(left, middle - _BAR / 3, max(row["p90"] * inches, 0.02), _BAR / 1.5, SKY)
        width = max(row["p50"] * inches, 0.03)
        box.rectangle(left, middle - _BAR / 2, width, _BAR, INK if whole else BLUE)
        for column, name in enumerate(("p50", "p90", "p99")):
            box.text(
                box.width - _NUMBERS + 0.75 + 0.7 * column,
                middle,
                f"{row[name]:.2f} s",
                ha="right",
                weight="bold" if name == "p50" else "normal",
                color=INK if name == "p50" else QUIET,
            )
    for column, name in enumerate(("half", "9 of 10", "99 of 100")):
        x = box.width - _NUMBERS + 0.75 + 0.7 * column
        box.text(x, 0.58, name, points=8, color=QUIET, ha="right")
    foot = _TOP + _ROW * len(frame) + 0.3
    x = 0.0
    for color, height, words in (
        (BLUE, _BAR, "half of them take no longer"),
        (SKY, _BAR / 1.5, "nine of ten"),
        (ORANGE, 0.04, "ninety-nine of a hundred"),
    ):
        box.rectangle(x, foot - height / 2, 0.3, height, color)
        box.text(x + 0.4, foot, words, points=8, color=QUIET)
        x += 2.4
    return picture
