"""One JupyterLab and one browser for the tests of a file; notebooks opened in them."""

import secrets
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser

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
def open_notebook(jupyterlab, chromium):
    """Return a function that writes cells into a new notebook and opens it.

    A module's tests share one page; opening the next notebook ends the kernel of the one before.
    """
    page = chromium.new_page(viewport={"width": 1280, "height": 1100})

    def open_cells(*cells: str) -> Notebook:
        page.evaluate(SHUT_DOWN_KERNEL)
        path = jupyterlab.folder / f"test-{secrets.token_hex(4)}.ipynb"
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        # Without a kernel's name JupyterLab would ask for one.
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), path)
        return Notebook(page, jupyterlab, path)

    yield open_cells
    page.evaluate(SHUT_DOWN_KERNEL)
    page.close()


@pytest.fixture
def open_module(jupyterlab, chromium):
    """Return a function that opens one of the workshop's own notebooks, in a window of its own."""
    opened = []

    def open_copy(name: str, width: int = 1280, height: int = 1400) -> Notebook:
        path = jupyterlab.folder / name
        path.write_text(stored(ROOT / "notebooks" / name), encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": height})
        opened.append(Notebook(page, jupyterlab, path))
        return opened[-1]

    yield open_copy
    formulas = {}
    for notebook in opened:
        formulas[notebook.path.name] = notebook.formulas()
        notebook.page.evaluate(SHUT_DOWN_KERNEL)
        notebook.page.close()
    # An amount in dollars is none, in a text or an output: see tests/unit/test_formulas.py.
    assert all(found == [] for found in formulas.values()), formulas
