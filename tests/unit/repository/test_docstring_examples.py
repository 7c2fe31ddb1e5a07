"""Examples with `>>>` in docstrings: each prints what the docstring shows."""

import doctest
import importlib
import importlib.util
import sys

import pytest

from helpers.core.paths import REPOSITORY

FOLDERS = ("helpers", "assets/agent", "assets/functions", "bench")
FILES = [
    path.relative_to(REPOSITORY).as_posix()
    for folder in FOLDERS
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("file", FILES)
def test_an_example_prints_what_its_docstring_shows(file, own_home, monkeypatch):
    tests = doctest.DocTestFinder().find(module_of(file, monkeypatch))
    runner = doctest.DocTestRunner(verbose=False)
    for test in tests:
        runner.run(test)
    assert runner.tries > 0 and runner.failures == 0


def module_of(file, monkeypatch):
    """Import a module of a package, or a deployed one as where it is deployed: from its folder."""
    if file.startswith(("helpers", "bench")):
        return importlib.import_module(file.removesuffix(".py").replace("/", "."))
    path = REPOSITORY / file
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # a function makes its client at once
    for neighbour in path.parent.glob("*.py"):  # both functions have a catalog.py
        monkeypatch.delitem(sys.modules, neighbour.stem, raising=False)
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec.loader.exec_module(module)
    return module
