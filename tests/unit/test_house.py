"""The rules of the house that no linter knows: see CONTRIBUTING.md."""

import ast
import graphlib
import importlib.util
import json
import operator
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import helpers.check
from docs.make_reference import public_names
from docs.stored_notebooks import cleared, stored, stored_notebooks
from helpers import prices
from helpers.home import REPOSITORY
from helpers.monthly import counting_hour

FOLDERS = ("helpers", "assets", "tests", "bench", "docs", "notebooks")
SOURCES = [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]
LONGEST = 500


def test_no_file_is_long():
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for path in SOURCES
        if (lines := path.read_text().count("\n")) > LONGEST
    }
    assert len(SOURCES) > 300 and long == {}


# Which module imports which


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in SOURCES if path.is_relative_to(REPOSITORY / "helpers")}


def imported(name: str) -> Iterator[str]:
    """Yield what a module of helpers imports of helpers, within functions too, at run time."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in statements(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dotted = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(dotted, package)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield inner if inner in MODULES else origin


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from statements(child)


@cache
def graph() -> dict[str, set[str]]:
    """Return which modules of helpers each of them imports."""
    return {name: {each for each in imported(name) if each in MODULES} - {name} for name in MODULES}


def test_the_modules_stand_in_an_order_in_which_each_needs_only_earlier_ones():
    order = list(graphlib.TopologicalSorter(graph()).static_order())  # raises if there is a circle
    assert order.index("helpers.errors") < order.index("helpers.deployment")
    assert order.index("helpers.deployment") < order.index("helpers.demo")


def test_what_plays_aws_is_known_to_one_module_alone():
    outside = {
        name
        for name, needs in graph().items()
        if not name.startswith("helpers.local")
        and any(each.startswith("helpers.local") for each in needs)
    }
    assert outside == {"helpers.targets"}


# What people read

NOTEBOOKS = stored_notebooks()


def text_for_readers() -> str:
    """Notebooks, solutions and pages, but the reference, which is made of the docstrings."""
    solutions = (REPOSITORY / "notebooks" / "solutions").glob("*.py")
    pages = set((REPOSITORY / "docs").glob("*.md")) - {REPOSITORY / "docs" / "reference.md"}
    files = [*solutions, REPOSITORY / "README.md", *pages]
    return "\n".join([*map(stored, NOTEBOOKS), *(path.read_text() for path in files)])


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_is_explained_with_an_example_and_used_where_people_read(name):
    said = operator.attrgetter(name)(helpers).__doc__ or ""
    assert re.search(r"^\s*Example:$", said, re.M), "its docstring has no example"
    if name != "WorkshopError":  # every helper raises it, and nobody writes it down
        assert re.search(rf"\b{re.escape(name)}\(", text_for_readers()), (
            "nothing that people read uses it"
        )


def links() -> Iterator[tuple[Path, str]]:
    """Yield each link of a page or a notebook to a file of this repository."""
    pages = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
    for path in [*pages, *NOTEBOOKS]:
        text = stored(path) if path in NOTEBOOKS else path.read_text()
        for target in re.findall(r"\]\(([^)\s#]+)", text):
            if "://" not in target:
                yield path, target


def test_every_link_leads_to_a_file():
    found = list(links())
    dead = {
        f"{path.name}: {target}" for path, target in found if not (path.parent / target).exists()
    }
    assert len(found) > 50 and dead == set()


def test_the_costs_that_pages_tell_are_those_of_the_price_list():
    standing, counting = (
        f"${prices.hourly():.2f} an hour",
        f"{100 * counting_hour():.0f} cents more",
    )
    for notebook in NOTEBOOKS:
        if notebook.name[0] in "3456":
            head = json.loads(stored(notebook))["cells"][0]["source"]
            assert standing in "".join(head) and counting in "".join(head), notebook.name
    text = (REPOSITORY / "docs" / "teaching.md").read_text()
    assert f"**{standing}**" in text and counting in text
    most = prices.hourly() + counting_hour()
    assert f"about {3.5 * most:.2f} dollars for" in text
    assert f"**{30 * 3.5 * most:.0f} dollars for thirty**" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_pages_tell_the_minutes_that_stand_in_the_notebook(path):
    minutes = re.search(r"\*(\d+) minutes", stored(path))[1]
    readme = (REPOSITORY / "README.md").read_text()
    assert re.search(rf"\(notebooks/{path.name}\) \| .* \| {minutes} \|", readme)
    teaching = (REPOSITORY / "docs" / "teaching.md").read_text()
    assert re.search(rf"\| {path.name[0]} · [^|]* \| {minutes} \|", teaching)


def test_make_help_tells_every_command():
    text = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split()
    assert set(phony) == set(re.findall(r"^([a-z]+):.*?## \w", text, re.M))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_filter_leaves_a_stored_notebook_alone_and_clears_one_that_was_run(path):
    kept = stored(path)
    run = json.loads(kept)
    for number, cell in enumerate(run["cells"]):
        cell["metadata"] |= {"scrolled": True}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": number, "outputs": [{"output_type": "stream"}]}
    run["metadata"]["kernelspec"]["name"] = "python3"
    run["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "source": []})
    assert cleared(kept) == kept == cleared(json.dumps(run))
