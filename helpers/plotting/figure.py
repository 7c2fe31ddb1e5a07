"""A figure that Jupyter shows sharp at its own size, with a sentence for those who can't see it."""

import base64
import html
import io
import threading
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from .palette import CARD, INK, LINE
from .text_fitting import FAMILY, drawable

DOTS_PER_INCH = 144  # one and a half dots per CSS pixel: sharp on a laptop, cheap to draw
# matplotlib is not thread-safe: only one chart is drawn at a time.
_drawing = threading.Lock()


class Picture(Figure):
    """A matplotlib Figure, outside pyplot, with a `sentence` that describes it.

    Args:
        width, height: size in inches; on the screen an inch is 96 CSS pixels.

    Example:
        `picture = Picture(9.6, 3.2); picture.savefig("picture.png")`
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor=CARD)
        self.sentence = ""

    def draw(self, renderer: RendererBase) -> None:
        """Draw everything in one font; what is between two `$` is text, not a formula."""
        for text in self.findobj(Text):
            text.set(parse_math=False, fontfamily=FAMILY)
        super().draw(renderer)

    def png(self) -> bytes:
        """Draw the figure and return it as PNG."""
        data = io.BytesIO()
        with _drawing:
            self.savefig(data, format="png", dpi=DOTS_PER_INCH, pil_kwargs={"compress_level": 3})
        return data.getvalue()

    def box(self) -> "Box":
        """Return the whole picture as a Box to draw in."""
        return Box(self, 0, 0, *self.get_size_inches())

    def css_width(self) -> int:
        """Return the picture's width on the screen in CSS pixels."""
        return round(self.get_size_inches()[0] * 96)

    def _repr_html_(self) -> str:
        return as_html(self.png(), self.sentence, self.css_width())

    def __repr__(self) -> str:
        return self.sentence or super().__repr__()


def as_html(png: bytes, sentence: str, css_width: int) -> str:
    """Return an HTML figure with the image inside and its sentence as caption and as alt text.

    Args:
        png: the image.
        sentence: plain text; it is escaped here.
        css_width: width in CSS pixels; on a narrower page the image shrinks.
    """
    text = html.escape(sentence)
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    # Without this class, JupyterLab shows text between two $ as a formula.
    return (
        '<figure class="mathjax_ignore" style="margin:0">'
        f'<img src="{source}" alt="{text}" width="{css_width}" style="max-width:100%;height:auto">'
        f"<figcaption>{text}</figcaption></figure>"
    )


@dataclass(frozen=True)
class Box:
    """A rectangle of a picture, measured in inches from the picture's upper left corner.

    Sizes in inches give a small and a large picture the same letters and margins.
    """

    figure: Picture
    left: float
    top: float
    width: float
    height: float

    def inside(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """Return the box that remains within these margins, in inches."""
        return Box(
            self.figure,
            self.left + left,
            self.top + top,
            max(self.width - left - right, 0.05),
            max(self.height - top - bottom, 0.05),
        )

    def axes(self) -> Axes:
        """Return new axes that fill the box."""
        width, height = self.figure.get_size_inches()
        lower = height - self.top - self.height
        return self.figure.add_axes(
            (self.left / width, lower / height, self.width / width, self.height / height)
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        points: float = 9,
        color: str = INK,
        **options: Any,  # noqa: ANN401 - matplotlib's own text options
    ) -> Text:
        """Write a text whose left end is `x`, and whose middle is `y`, inches from the upper left.

        It is shown as it is: `$` does not begin a formula, and no character needs another font.
        """
        return self.figure.text(
            self.left + x,
            self.figure.get_size_inches()[1] - self.top - y,
            drawable(text) if text else "",
            transform=self.figure.dpi_scale_trans,
            parse_math=False,
            **{"va": "center_baseline", "fontsize": points, "color": color, **options},
        )

    def rectangle(
        self, x: float, y: float, width: float, height: float, color: str, edge: str = "none"
    ) -> None:
        """Fill a rectangle whose upper left corner is `x` and `y` inches from the box's."""
        lower = self.figure.get_size_inches()[1] - self.top - y - height
        patch = Rectangle(
            (self.left + x, lower),
            width,
            height,
            transform=self.figure.dpi_scale_trans,
            facecolor=color,
            edgecolor=edge,
            linewidth=0.8,
            zorder=-1,
        )
        # The figure draws its own patches before its axes only if they are added as artists.
        self.figure.add_artist(patch)

    def card(self) -> None:
        """Draw the box as a white card with a thin rim."""
        self.rectangle(0, 0, self.width, self.height, CARD, edge=LINE)
