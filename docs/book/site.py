"""Makes the site of the pages, with mkdocs and its theme Material."""

import logging
import os
import shutil
from pathlib import Path

from docs.book.pages import write_pages
from helpers.core.errors import WorkshopError

FOLDER = Path(__file__).parent
CONFIG = FOLDER / "mkdocs.yml"
# Styles, and what lets the search work in pages that were opened without a server.
ADDED = (FOLDER / "book.css", FOLDER / "iframe-worker.js")


def write_site(executed: Path, folder: Path, home: Path) -> Path:
    """Write the site; return its folder.

    Args:
        executed: the folder of the executed notebooks.
        folder: gets `pages/` (Markdown) and `site/`.
        home: the folder of the target on which the notebooks were run.

    Raises:
        WorkshopError: a link is dead, or mkdocs fails for another reason.
    """
    # A notice of its authors about their next version.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    pages, site = folder / "pages", folder / "site"
    navigation = write_pages(executed, pages, home)
    for path in ADDED:
        shutil.copy(path, pages / path.name)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    config = load_config(
        str(CONFIG), docs_dir=str(pages), site_dir=str(site), nav=navigation, strict=True
    )
    try:
        build(config)
    except Abort as error:
        raise WorkshopError(
            f"The site could not be written: {error}",
            "The lines above name the page and the link: correct it, then run `make book` again.",
        ) from None
    return site
