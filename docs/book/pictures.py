"""Takes the README's pictures of the book: `make book PICTURES=1`. It needs Debian's chromium."""

import io
from pathlib import Path

from PIL import Image

from helpers.core.paths import REPOSITORY
from tests.browser.lab import chromium_of_its_own

IMAGES = REPOSITORY / "assets" / "images"
WINDOW = {"width": 1280, "height": 1000}
# The picture -> its page, the heading at its upper end, and the theme.
PICTURES = {
    "book-1-capture.png": ("notebooks/1-capture.html#many-beacons", "light"),
    "book-3-visualize.png": ("notebooks/3-visualize.html#the-dashboard", "dark"),
    "book-7-visits.png": ("notebooks/7-visits.html#a-late-beacon-makes-one-visit-of-two", "light"),
}


def take_pictures(site: Path) -> None:
    """Write the pictures.

    Args:
        site: the folder of the site; it needs no server.
    """
    with chromium_of_its_own() as browser:
        for name, (address, theme) in PICTURES.items():
            page = browser.new_page(viewport=WINDOW, color_scheme=theme)
            page.goto(f"{site.as_uri()}/{address}")
            page.wait_for_load_state("networkidle")
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            # A third of the size. This method also keeps a colour that few pixels have.
            small = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            small.save(IMAGES / name, optimize=True)
            page.close()
            print(f"Written: assets/images/{name}")
