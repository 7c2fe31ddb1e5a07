"""`make book`: runs all notebooks, and writes a static site with their real outputs.

    python -m docs.book [--only 5,9 | --site] [--pictures]

The notebooks run on a local target of the book's own, which ends with the run.
"""

import argparse
import sys
from pathlib import Path

from docs.book.check_links import findings
from docs.book.run import run_all
from docs.book.site import write_site
from helpers.core.command import exit_code
from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY

FOLDER = REPOSITORY / "build" / "book"
EXECUTED = FOLDER / "notebooks"
HOME = FOLDER / "home"


def main() -> int:
    """Make the book; return 0, or 1 if a notebook fails or a link is dead."""
    arguments = _arguments()
    return exit_code(lambda: _made(arguments))


def _made(arguments: argparse.Namespace) -> int:
    if not arguments.site:
        seconds = run_all(HOME, EXECUTED, arguments.only)
        print(f"The notebooks have run in {seconds:.0f} s.", flush=True)
    site = make_site()
    if arguments.pictures:
        from docs.book.pictures import take_pictures  # needs chromium

        take_pictures(site)
    return 0


def make_site() -> Path:
    """Write the site from the last run, and check its links; return its folder."""
    if not any(EXECUTED.glob("*.ipynb")):
        raise WorkshopError("No notebook has run yet.", "Run `make book` without --site first.")
    site = write_site(EXECUTED, FOLDER, HOME)
    if found := findings(site, private=[REPOSITORY]):
        raise WorkshopError(
            f"The book has {len(found)} dead links or other defects: {'; '.join(found[:5])}",
            "Correct them in the page or the notebook, then run `make book SITE=1`.",
        )
    pages = len(list(site.rglob("*.html")))
    print(f"The book has {pages} pages, and no dead link. Open {site / 'index.html'}")
    return site


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make book", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], help="numbers of notebooks to run"
    )
    parser.add_argument("--site", action="store_true", help="only write it again")
    parser.add_argument("--pictures", action="store_true", help="take the README's pictures of it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
