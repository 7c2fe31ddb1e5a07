"""Make the README's pictures from a real run of module 3 in JupyterLab, with traffic.

    python -m docs.make_picture

It runs the notebook's cells on a separate local target, moves the rate slider as a learner would,
and takes the pictures after some minutes. It needs Debian's chromium.
"""

import os
import tempfile
from pathlib import Path

from helpers.local import supervisor
from tests.browser.lab import ROOT, Notebook, chromium_of_its_own, jupyterlab_of_its_own

IMAGES = ROOT / "assets" / "images"
NOTEBOOK = "3-visualize.ipynb"
WIDTH, HEIGHT = 1280, 1100
SECONDS_A_STEP, STEPS = 30, ("PageUp", "PageUp", "PageUp", "Home", "PageUp")
CONTROLS = "traffic.controls()"


def main() -> None:
    """Run the notebook, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {"WORKSHOP_HOME": str(home / "target"), "WORKSHOP_ANY_PORTS": "1"}
        try:
            with (
                jupyterlab_of_its_own(home, home / "target") as server,
                chromium_of_its_own() as browser,
            ):
                path = server.folder / NOTEBOOK
                path.write_bytes((ROOT / "notebooks" / NOTEBOOK).read_bytes())
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5
                )
                take(Notebook(page, server, path))
        finally:
            supervisor.stop()


def take(notebook: Notebook) -> None:
    """Run all cells up to the controls, change the rate, and take the pictures."""
    for index in range(notebook.cell(CONTROLS) + 1):
        notebook.run(index)
    # The first of the sliders is the rate.
    slider = notebook.output(notebook.cell(CONTROLS)).get_by_role("slider").first
    slider.wait_for(timeout=60_000)
    for key in STEPS:
        slider.press(key)
        notebook.page.wait_for_timeout(SECONDS_A_STEP * 1000)
    shoot(notebook, "live-notebook.png", "live_chart(", CONTROLS)


def shoot(notebook: Notebook, name: str, first: str, last: str) -> None:
    """Take a picture from the cell that contains `first` to the end of the one with `last`."""
    top, end = (notebook.whole(notebook.cell(words)) for words in (first, last))
    end.scroll_into_view_if_needed()
    top.scroll_into_view_if_needed()
    above, below = top.bounding_box(), end.bounding_box()
    clip = above | {"height": below["y"] + below["height"] - above["y"]}
    notebook.page.screenshot(path=IMAGES / name, clip=clip)
    print(f"Written: {name}")


if __name__ == "__main__":
    main()
