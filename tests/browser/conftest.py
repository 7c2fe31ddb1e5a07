"""One JupyterLab a process, one browser a group of files; notebooks opened in them."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from docs.stored_notebooks import stored
from tests.browser.lab import (
    ROOT,
    SCREENSHOTS,
    SHUT_DOWN_KERNEL,
    Notebook,
    Server,
    chromium_of_its_own,
    jupyterlab_of_its_own,
)
from tests.distribution import same_group
from tests.running_notebooks import notebook_of

__all__ = ["SCREENSHOTS"]  # some tests draw pages of their own in addition to the notebooks'

WINDOW = {"width": 1280, "height": 1100}
SHARED, ENDINGS = {}, ExitStack()


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory, session_home) -> Iterator[Server]:
    # Kernels reach the local target of this module's tests.
    with jupyterlab_of_its_own(tmp_path_factory.mktemp("jupyter"), session_home) as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Browser:
    """The one browser of a group of files."""
    if "browser" not in SHARED:
        SHARED["browser"] = ENDINGS.enter_context(chromium_of_its_own())
    return SHARED["browser"]


@pytest.fixture(scope="module")
def page(chromium) -> Page:
    """Its one window for notebooks: opening one ends the kernel of the one before."""
    if "page" not in SHARED:
        SHARED["page"] = chromium.new_page(viewport=WINDOW)
        ENDINGS.callback(_shut_down_kernel, SHARED["page"])
    return SHARED["page"]


def _shut_down_kernel(page: Page) -> None:
    with suppress(PlaywrightError):  # with the run, its JupyterLab has ended, and all its kernels
        page.evaluate(SHUT_DOWN_KERNEL)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """End the browser after the last test of its group, or before one that needs no browser.

    While Playwright runs, its event loop does, and no other test could run one of its own.
    """
    here = Path(__file__).parent
    if not (nextitem and nextitem.path.parent == here and same_group(item, nextitem)):
        ENDINGS.close()
        SHARED.clear()


@pytest.fixture(scope="module")
def open_notebook(jupyterlab, page):
    """Return a function that writes cells into a new notebook and opens it."""

    def open_cells(*cells: str) -> Notebook:
        path = jupyterlab.folder / f"test-{secrets.token_hex(4)}.ipynb"
        page.set_viewport_size(WINDOW)
        path.write_text(notebook_of(*cells), encoding="utf-8")
        return Notebook(page, jupyterlab, path)

    return open_cells


@pytest.fixture
def open_module(jupyterlab, page):
    """Return a function that opens a copy of one of the workshop's own notebooks."""
    opened = []

    def open_copy(name: str, height: int = 1400, text: str | None = None) -> Notebook:
        path = jupyterlab.folder / name
        path.write_text(text or stored(ROOT / "notebooks" / name), encoding="utf-8")
        page.set_viewport_size(WINDOW | {"height": height})
        opened.append(Notebook(page, jupyterlab, path))
        return opened[-1]

    yield open_copy
    # An amount in dollars is none, in a text or an output: see tests/unit/repository/test_pages.py.
    assert opened and opened[-1].formulas() == []
