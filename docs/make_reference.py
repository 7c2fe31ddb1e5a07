"""Write docs/reference.md: every name that a notebook imports from `helpers`, from its docstring.

    python docs/make_reference.py          writes the page
    python docs/make_reference.py --check  exits with 1 if the page is out of date

It parses the sources without importing them, and reads notebooks from git's index.
"""

import ast
import json
import re
import sys
from pathlib import Path

from docs.stored_notebooks import stored, stored_notebooks

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "reference.md"
HEAD = """# Reference

Every name that notebooks import with `from helpers import connect, deploy, ...`. `make reference`
generates this page from the docstrings; `help(deploy)` in a notebook shows the same text.

"""
SECTION = re.compile(r"^(Args|Returns|Raises|Example|Yields):$", re.M)
TITLES = {"Args": "Arguments", "Example": "For example"}
ITEM = re.compile(r"^(\S[^:]*): ", re.M)


def main() -> int:
    """Write the page, or compare it with the stored one."""
    page = reference()
    if "--check" in sys.argv:
        return 0 if PAGE.read_text(encoding="utf-8") == page else 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


def reference() -> str:
    """Return the page's text."""
    names = public_names()
    used = notebooks_that_use(names)
    entries = [entry(name, module, used[name]) for name, module in sorted(names.items())]
    index = ", ".join(f"[`{name}`](#{name.lower().replace('.', '')})" for name in sorted(names))
    return f"{HEAD}{index}\n\n" + "\n".join(entries)


def public_names() -> dict[str, str]:
    """Return each public name of `helpers`, and the module that defines it."""
    tree = ast.parse((REPOSITORY / "helpers" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "_MODULE_OF":
            return ast.literal_eval(node.value) | checks()
    raise LookupError("helpers/__init__.py has no _MODULE_OF")


def checks() -> dict[str, str]:
    """Return the checks, such as `check.captured`, which are public as a module."""
    body = ast.parse((REPOSITORY / "helpers" / "check.py").read_text(encoding="utf-8")).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return {f"check.{name}": "check" for name in names if not name.startswith("_")}


def notebooks_that_use(names: dict[str, str]) -> dict[str, list[str]]:
    """Return for each name the notebooks and solutions that call it, in code or prose."""
    folder, code = REPOSITORY / "notebooks", {}
    for path in stored_notebooks():
        cells = json.loads(stored(path))["cells"]
        code[path.name] = "\n".join("".join(cell["source"]) for cell in cells)
    for path in sorted((folder / "solutions").glob("*.py")):
        code[f"solutions/{path.name}"] = path.read_text(encoding="utf-8")
    return {
        name: [path for path, text in code.items() if re.search(rf"\b{re.escape(name)}\(", text)]
        for name in names
    }


def entry(name: str, module: str, used: list[str]) -> str:
    """Return the section of a name."""
    node = definition(name.removeprefix("check."), module)
    links = [f"[{path.split('/')[-1].split('.')[0]}](../notebooks/{path})" for path in used]
    where = f"[{path_of(module)}](../{path_of(module)})"
    where += f"; in {', '.join(links)}" if links else ""
    parts = [f"## {name}\n\n```python\n{signature(node, name)}\n```\n\n{where}\n\n{text_of(node)}"]
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                summary = (ast.get_docstring(method) or "").split("\n\n")[0].replace("\n", " ")
                parts.append(f"- `.{signature(method, method.name)}` {summary}")
        parts[1:] = ["\n".join(parts[1:]) + "\n"] if parts[1:] else []
    return "\n".join(parts)


def definition(name: str, module: str) -> ast.FunctionDef | ast.ClassDef:
    """Return the syntax tree of a public name."""
    for node in ast.parse((REPOSITORY / path_of(module)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"{path_of(module)} does not define {name}")


def path_of(module: str) -> str:
    """Return a module's file, e.g. `helpers/stores/archive.py` for `stores.archive`."""
    return f"helpers/{module.replace('.', '/')}.py"


def signature(node: ast.FunctionDef | ast.ClassDef, name: str) -> str:
    """Return the signature, without `self`."""
    function = node
    if isinstance(node, ast.ClassDef):
        found = [each for each in node.body if getattr(each, "name", "") == "__init__"]
        if not found:
            return f"class {name}"
        function = found[0]
    arguments = ast.unparse(function.args).removeprefix("self").removeprefix(", ")
    if isinstance(node, ast.ClassDef):
        return f"{name}({arguments})"
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{name}({arguments}){returns}"


def text_of(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return a docstring as Markdown, its sections as lists."""
    pieces = SECTION.split(ast.get_docstring(node) or "")
    text = pieces[0].strip() + "\n"
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        lines = re.sub(r"^    ", "", body.strip("\n"), flags=re.M).rstrip()
        if title in ("Args", "Raises"):
            lines = re.sub(r"\n    +", " ", lines)
            lines = ITEM.sub(r"- `\1`: ", lines)
        elif title == "Example" and "`" not in lines:
            lines = f"```python\n{lines}\n```"
        text += f"\n**{TITLES.get(title, title)}**\n\n{lines}\n"
    return text


if __name__ == "__main__":
    sys.exit(main())
