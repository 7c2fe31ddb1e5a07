"""Turns the outputs of a cell into HTML that needs no kernel and no script."""

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

from docs.book.static_widgets import static_html
from helpers.core.paths import REPOSITORY

WIDGET = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
# The site has its own styles for tables and code, for both themes.
_STYLE_OF_A_TABLE = re.compile(r"<style[^>]*>[^<]*\.(?:dataframe|output_html)\b[^<]*</style>", re.S)
_BORDER = re.compile(r'(?<=<table) border="1"')
_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.S | re.I)
_FRAME = re.compile(r"<iframe\b", re.I)
_NOTEBOOK_LINK = re.compile(r"""(href=['"][\w./-]+)\.ipynb\b""")
NO_FRAME = '<p class="book-note">The demo shop is shown here. It runs in the workshop only.</p>'


class Outputs:
    """Turns the outputs of one executed notebook into HTML.

    Args:
        notebook: nbformat's node, with the state of its widgets.
        images: the folder that gets the pictures, next to the page.
        home: the target's folder, which the page calls `.workshop`.
    """

    def __init__(self, notebook: Any, images: Path, home: Path) -> None:  # noqa: ANN401
        self._widgets = notebook.metadata.get("widgets", {}).get(_STATE, {}).get("state", {})
        self._images = images
        self._places = {str(home): ".workshop", f"{REPOSITORY}/": "", str(REPOSITORY): "."}
        self._places[str(Path.home())] = "~"

    def of_cell(self, cell: Any) -> str:  # noqa: ANN401 - nbformat's node
        """Return a cell's outputs as one `div`; an empty text if it has shown nothing."""
        shown = [each for output in cell.outputs if (each := self._output(output)).strip()]
        if not shown:
            return ""
        # The keyboard can scroll a wide table.
        return '<div class="book-output" tabindex="0">\n' + "\n".join(shown) + "\n</div>"

    def _output(self, output: Any) -> str:  # noqa: ANN401 - nbformat's node
        kind = output["output_type"]
        if kind == "stream":
            return self._text(output["text"])
        if kind == "error":
            return self._text("\n".join(output["traceback"]), "book-error")
        data = output["data"]
        if WIDGET in data:
            return self._finished(static_html(self._widgets, data[WIDGET]["model_id"]))
        if "text/html" in data:
            return self._finished(data["text/html"])
        if "image/svg+xml" in data:
            return self._finished(data["image/svg+xml"])
        if "image/png" in data:
            return self._finished(f'<img src="data:image/png;base64,{data["image/png"]}" alt="">')
        return self._text(data.get("text/plain", ""))

    def _text(self, text: str, kind: str = "book-text") -> str:
        from nbconvert.filters import ansi2html  # it takes a second to import

        # Of a progress line, what was written last.
        lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
        shown = "\n".join(lines).strip("\n")
        if not shown.strip():
            return ""
        return _for_markdown(f'<pre class="{kind}">{ansi2html(self._without_paths(shown))}</pre>')

    def _finished(self, markup: str) -> str:
        for pattern in (_STYLE_OF_A_TABLE, _SCRIPT, _BORDER):
            markup = pattern.sub("", markup)
        if _FRAME.search(markup):
            return NO_FRAME
        markup = _NOTEBOOK_LINK.sub(r"\1.html", markup)
        markup = _PNG.sub(lambda found: self._image(base64.b64decode(found[1])), markup)
        return _for_markdown(self._without_paths(markup))

    def _image(self, png: bytes) -> str:
        """Keep a picture in a file; return its address."""
        self._images.mkdir(parents=True, exist_ok=True)
        path = self._images / f"{hashlib.sha256(png).hexdigest()[:16]}.png"
        path.write_bytes(png)
        return f"{self._images.name}/{path.name}"

    def _without_paths(self, text: str) -> str:
        """Replace the folders of this machine, which mean nothing to a reader."""
        for folder, name in self._places.items():
            text = text.replace(folder, name).replace(html.escape(folder), name)
        return text


def _for_markdown(markup: str) -> str:
    """Return HTML in which Markdown finds no fence of a block of code."""
    return markup.replace("`", "&#96;")
