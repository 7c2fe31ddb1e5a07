"""The latency of each stage as a waterfall chart: a stage begins where the one before ends."""

from typing import Any

import pandas as pd

from helpers.plotting.chart_parts import LEGEND
from helpers.plotting.figure import Picture
from helpers.plotting.palette import BLUE, INK, LINE, ORANGE, QUIET, SKY

_WIDTH, _TOP, _ROW, _FOOT = 9.4, 0.75, 0.46, 0.62  # inches
_LABELS, _NUMBERS = 3.3, 2.2  # inches left and right of the bars
_BARS = (  # a column of the frame, the thickness of its bar, its colour, and its meaning
    ("p99", 0.09, ORANGE, "ninety-nine of a hundred"),
    ("p90", 0.32, SKY, "nine of ten"),
    ("p50", 0.48, BLUE, "half of them take no longer"),
)


def draw_latency(frame: pd.DataFrame, sentence: str) -> Picture:
    """Return the picture of each stage's latency.

    Args:
        frame: as `latency(cloud).frame`: the stages in order, then the whole.
        sentence: a description of the picture, in words.

    Example:
        `draw_latency(measured.frame, measured.sentence)`
    """
    picture = Picture(_WIDTH, _TOP + _ROW * len(frame) + _FOOT)
    picture.sentence = sentence
    box = picture.box().inside(left=0.2, right=0.2)
    box.text(0, 0.3, "Where the time goes", points=13, weight="bold")
    axes = box.inside(left=_LABELS, top=_TOP, right=_NUMBERS, bottom=_FOOT).axes()
    axes.set_axis_off()
    axes.set_ylim(len(frame) - 0.5, -0.5)
    begins = [*frame["p50"].iloc[:-1].cumsum().shift(fill_value=0), 0.0]
    for name, thickness, color, words in _BARS:
        # The edge is visible even if a stage takes no time.
        axes.barh(range(len(frame)), frame[name], thickness, begins, color=color, edgecolor=color,
                  label=words)  # fmt: skip
    axes.patches[-1].set_color(INK)  # half of the whole
    axes.legend(loc="lower left", bbox_to_anchor=(0.2 / _WIDTH, 0.24 / picture.get_figheight()),
                bbox_transform=picture.transFigure, ncols=3, reverse=True, **LEGEND)  # fmt: skip
    columns = {"p50": "half", "p90": "9 of 10", "p99": "99 of 100"}
    ends = dict(zip(columns, (1.45, 0.75, 0.05), strict=True))  # inches from the right
    for name, words in columns.items():
        box.text(box.width - ends[name], 0.58, words, points=8, color=QUIET, ha="right")
    for place, (stage, row) in enumerate(frame.iterrows()):
        middle = _TOP + _ROW * (place + 0.5)
        box.text(0, middle - 0.08, stage, points=10, weight="bold")
        box.text(0, middle + 0.1, row["What"], points=8, color=QUIET)
        for name in columns:
            look: dict[str, Any] = {"weight": "bold"} if name == "p50" else {"color": QUIET}
            box.text(box.width - ends[name], middle, f"{row[name]:.2f} s", ha="right", **look)
    box.rectangle(0, _TOP + _ROW * (len(frame) - 1), box.width, 0.01, LINE)
    return picture
