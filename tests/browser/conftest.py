"""One JupyterLab and one browser for the tests of a file; notebooks opened in them."""

import secrets
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, Page

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

__all__ = ["SCREENSHOTS"]  # some tests draw pages of their own beside the notebooks'


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory, session_home) -> Iterator[Server]:
    # Kernels reach the local target of this module's tests.
    with jupyterlab_of_its_own(tmp_path_factory.mktemp("jupyter"), session_home) as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Not for the session: while Playwright runs, its event loop does, and no test after these
    # in the same process could run one of its own.
    with chromium_of_its_own() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(chromium) -> Iterator[Page]:
    """The one window of a file's tests: opening a notebook ends the kernel of the one before."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1100})
    yield page
    page.evaluate(SHUT_DOWN_KERNEL)
    page.close()


@pytest.fixture(scope="module")
def open_notebook(jupyterlab, page):
    """Return a function that writes cells into a new notebook and opens it."""

    def open_cells(*cells: str) -> Notebook:
        path = jupyterlab.folder / f"test-{secrets.token_hex(4)}.ipynb"
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        # Without a kernel's name JupyterLab would ask for one.
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), path)
        return Notebook(page, jupyterlab, path)

    return open_cells


@pytest.fixture
def open_module(jupyterlab, page):
    """Return a function that opens a copy of one of the workshop's own notebooks."""
    opened = []

    def open_copy(name: str, height: int = 1400, text: str | None = None) -> Notebook:
        path = jupyterlab.folder / name
        path.write_text(text or stored(ROOT / "notebooks" / name), encoding="utf-8")
        page.set_viewport_size({"width": 1280, "height": height})
        opened.append(Notebook(page, jupyterlab, path))
        return opened[-1]

    yield open_copy
    # An amount in dollars is none, in a text or an output: see tests/unit/test_formulas.py.
    assert opened and opened[-1].formulas() == []
