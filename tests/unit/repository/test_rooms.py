"""Which room of `helpers/` imports which: the tables in CONTRIBUTING.md, held against the code."""

import ast
import graphlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import helpers
from docs.make_reference import public_names
from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.paths import REPOSITORY

HELPERS = REPOSITORY / "helpers"
ABOVE_ROOMS = {"helpers", "helpers.check", "helpers.demo"}


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(HELPERS.rglob("*.py"))}


@cache
def graph() -> dict[str, set[str]]:
    """Return what each module imports of helpers: in functions and for types, too."""
    return {name: {each for each in imported(name) if each in MODULES} for name in MODULES}


def imported(name: str) -> Iterator[str]:
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(base, package)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                yield inner if inner in MODULES else origin


def room_of(module: str) -> str:
    return module.split(".")[1]


def table(title: str) -> dict[str, list[str]]:
    """Return the rows of a table in CONTRIBUTING.md by their first cell."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in part.splitlines() if line.startswith("|")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows[2:]}


ROOMS = {
    room: {"core", room, *re.findall(r"`(\w+)`", cells[1] if len(cells) > 1 else "")}
    for room, cells in table("Rooms of `helpers/`").items()
}


def test_the_table_names_every_room():
    folders = {path.parent.name for path in HELPERS.glob("*/__init__.py")}
    assert set(ROOMS) == folders
    loose = {path.name for path in HELPERS.glob("*.py")}
    assert loose == {"__init__.py", "check.py", "demo.py", "install.py", "lab.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_table_allows(room):
    outside = {
        f"{module} imports {each}"
        for module, needs in graph().items()
        if module not in ABOVE_ROOMS and module.count(".") and room_of(module) == room
        for each in needs
        if each in ABOVE_ROOMS or room_of(each) not in ROOMS[room]
    }
    assert outside == set()


def test_no_module_imports_itself_by_way_of_others():
    # `helpers` itself only has a table of names: which module has each, loaded when asked for.
    loaded = {
        name: needs - {name, "helpers"} for name, needs in graph().items() if name != "helpers"
    }
    order = list(graphlib.TopologicalSorter(loaded).static_order())  # raises CycleError
    assert len(order) > 150 and order.index("helpers.core.errors") < order.index("helpers.demo")


def test_rooms_form_no_circle_and_only_connection_imports_local():
    between = {
        room: {
            room_of(e)
            for m, needs in graph().items()
            if m.startswith(f"helpers.{room}.")
            for e in needs
            if e.count(".")
        }
        - {room}
        for room in ROOMS
    }
    list(graphlib.TopologicalSorter(between).static_order())  # raises CycleError
    assert {room for room, needs in between.items() if "local" in needs} == {"connection"}


def test_install_needs_only_the_standard_library():
    tree = ast.parse((HELPERS / "install.py").read_text(encoding="utf-8"))
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names <= sys.stdlib_module_names


# The names that notebooks import


def typed_names() -> dict[str, str]:
    """Return what a type checker and an IDE read: the imports under `if TYPE_CHECKING:`."""
    tree = ast.parse((HELPERS / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    return {
        alias.name: node.module
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name  # so that mypy takes it for offered again
    }


def test_a_type_checker_sees_the_names_that_are_loaded_when_asked_for():
    lazy = {name: module for name, module in public_names().items() if "." not in name}
    assert typed_names() == lazy
    assert set(helpers.__all__) == set(lazy) | {"check"}
    for name, module in lazy.items():
        assert getattr(helpers, name).__module__ == f"helpers.{module}", name
    assert not set(lazy) & {room for room in ROOMS}, "a room would hide the name"


def test_make_lab_needs_only_core():
    assert graph()["helpers.lab"] and all(
        room_of(each) == "core" for each in graph()["helpers.lab"]
    )


def test_the_table_of_notebooks_names_the_rooms_that_each_uses():
    modules = public_names()
    used = {}
    for path in stored_notebooks():
        cells = json.loads(stored(path))["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        names = [name for name in modules if re.search(rf"\b{re.escape(name)}\b", code)]
        used[path.stem] = sorted({modules[name].split(".")[0] for name in names} & set(ROOMS))
    told = {name: re.findall(r"`(\w+)`", row[0]) for name, row in table("Notebooks").items()}
    assert told == used
