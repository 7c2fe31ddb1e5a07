"""Write architecture-N.svg: the pipeline as built up to module N, with its part highlighted.

    python assets/images/make_architecture.py

All drawings use one list of parts and one of arrows, so each part has the same place in all.
"""

import html
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
# As in helpers/plotting/palette.py: blue highlights the module's parts; a white card in any theme.
BLUE, INK, QUIET, LINE, CARD = "#0072B2", "#1F2328", "#57606A", "#C6CED6", "#FFFFFF"
WIDTH, HEIGHT = 960, 206
BOX, TALL, GAP, LEFT = 114, 56, 22, 14
ROWS = (34, 134)


class Part(NamedTuple):
    """A box: its two lines, its position, and the module that builds it."""

    title: str
    words: str
    column: int
    row: int
    module: int


PARTS = {
    "browser": Part("browser", "a click", 0, 0, 0),
    "servers": Part("servers", "log + agent", 1, 0, 1),
    "clicks": Part("Kinesis", "clicks", 2, 0, 1),
    "flink": Part("Flink SQL", "counts", 3, 0, 2),
    "metrics": Part("Kinesis", "metrics", 4, 0, 2),
    "process": Part("Lambda", "process_metrics", 5, 0, 2),
    "table": Part("DynamoDB", "the table", 6, 0, 2),
    "publish": Part("Lambda", "publish_metrics", 6, 1, 3),
    "cloudwatch": Part("CloudWatch", "metrics", 5, 1, 3),
    "dashboard": Part("dashboard", "and alarms", 4, 1, 3),
    "inbox": Part("SNS", "your inbox", 3, 1, 3),
    "firehose": Part("Firehose", "every 10 s", 2, 1, 1),
    "archive": Part("S3", "the archive", 1, 1, 1),
    "athena": Part("Athena", "SQL on it", 0, 1, 4),
}
ARROWS = (
    ("browser", "servers"), ("servers", "clicks"), ("clicks", "flink"), ("flink", "metrics"),
    ("metrics", "process"), ("process", "table"), ("table", "publish"), ("publish", "cloudwatch"),
    ("cloudwatch", "dashboard"), ("dashboard", "inbox"), ("clicks", "firehose"),
    ("firehose", "archive"), ("archive", "athena"),
)  # fmt: skip
BREAKABLE = (
    "servers", "clicks", "flink", "metrics", "process", "table", "publish", "cloudwatch",
)  # fmt: skip
GROWING = ("servers", "clicks", "flink", "process", "table", "publish")
# Module: the title of its drawing, and its highlighted parts.
MODULES: dict[int, tuple[str, tuple[str, ...]]] = {
    0: ("Everything that you will build", ("browser",)),
    1: ("Module 1: capture and archive beacons", ("servers", "clicks", "firehose", "archive")),
    2: ("Module 2: count events", ("flink", "metrics", "process", "table")),
    3: ("Module 3: show the metrics", ("publish", "cloudwatch", "dashboard", "inbox")),
    4: ("Module 4: add your own metric", ("flink", "table", "dashboard", "athena")),
    5: ("Module 5: parts that you will break", BREAKABLE),
    6: ("Module 6: parts that scale", GROWING),
    7: ("Module 7: visits", ("browser", "flink", "table", "cloudwatch")),
    9: ("Module 9: everything that you delete", ()),
}


def drawing(module: int) -> str:
    """Return the SVG of a module.

    Args:
        module: 0 to 7, or 9.
    """
    title, lit = MODULES[module]
    there = {name for name, part in PARTS.items() if part.module <= module or module == 0}
    arrows = "\n".join(arrow(*pair) for pair in ARROWS if {*pair} <= there)
    boxes = "\n".join(
        box(part, lit=name in lit, there=name in there, gone=module == 9)
        for name, part in PARTS.items()
    )
    about = ", ".join(f"{PARTS[name].title} ({PARTS[name].words})" for name in lit) or "none"
    described = f"From the browser to your inbox; highlighted: {about}."
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" \
width="{WIDTH}" height="{HEIGHT}" role="img" font-family="system-ui, sans-serif">
<title>{html.escape(title)}</title>
<desc>{html.escape(described)}</desc>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0 0 8 4 0 8z" fill="{QUIET}"/></marker></defs>
<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="{CARD}"/>
<text x="{LEFT}" y="22" font-size="13" fill="{QUIET}">{html.escape(title)}</text>
{arrows}
{boxes}
</svg>
"""


def place(part: Part) -> tuple[int, int]:
    """Return the upper left corner of a part's box."""
    return LEFT + part.column * (BOX + GAP), ROWS[part.row]


def box(part: Part, lit: bool, there: bool, gone: bool) -> str:
    """Return a part's box: blue if highlighted; a dashed outline if not built yet, or deleted.

    Args:
        part: the part to draw.
        lit: it is highlighted.
        there: it is built.
        gone: it is deleted: dashed, but with its name.
    """
    x, y = place(part)
    dashed = ' stroke-dasharray="4 4"' if gone or not there else ""
    fill, edge = (BLUE, BLUE) if lit else (CARD, INK if there and not gone else LINE)
    rectangle = (
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="7" fill="{fill}" '
        f'stroke="{edge}"{dashed}/>'
    )
    if not there:
        return rectangle
    first, second = (CARD, CARD) if lit else (INK, QUIET)
    middle = x + BOX / 2
    return (
        f"{rectangle}"
        f'<text x="{middle:g}" y="{y + 24}" text-anchor="middle" font-size="14" '
        f'font-weight="600" fill="{first}">{html.escape(part.title)}</text>'
        f'<text x="{middle:g}" y="{y + 42}" text-anchor="middle" font-size="12" '
        f'fill="{second}">{html.escape(part.words)}</text>'
    )


def arrow(start: str, end: str) -> str:
    """Return the arrow between two neighbouring boxes."""
    (x, y), (to_x, to_y) = place(PARTS[start]), place(PARTS[end])
    if x == to_x:
        line = (x + BOX / 2, y + TALL, x + BOX / 2, to_y - 2)
    elif x < to_x:
        line = (x + BOX, y + TALL / 2, to_x - 2, y + TALL / 2)
    else:
        line = (x, y + TALL / 2, to_x + BOX + 2, y + TALL / 2)
    names = zip(("x1", "y1", "x2", "y2"), line, strict=True)
    ends = " ".join(f'{name}="{value:g}"' for name, value in names)
    return f'<line {ends} stroke="{QUIET}" stroke-width="1.5" marker-end="url(#tip)"/>'


if __name__ == "__main__":
    for number in MODULES:
        (FOLDER / f"architecture-{number}.svg").write_text(drawing(number), encoding="utf-8")
