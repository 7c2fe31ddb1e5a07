"""Every regular expression of the workshop, and the worst texts for each."""

import ast
import importlib.util
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType

from helpers.home import REPOSITORY

USES = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
OF_PANDAS = ("contains", "match", "fullmatch", "extract", "extractall", "findall", "count")
FOLDERS = ("helpers", "assets")


def sources() -> list[Path]:
    """All Python files that a learner or a server runs."""
    return [path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))]


@dataclass
class Expression:
    """A regular expression of a file: one with a name, or one that a function uses at once.

    Args:
        path: the file.
        owner: its name, or that of its function.
        uses: the methods that are called.
        source: the pattern's text as the code has it: a literal or a constant's name.
    """

    path: Path
    owner: str
    uses: set[str]
    source: ast.expr

    @property
    def name(self) -> str:
        """E.g. `helpers/archive.py:_whole`."""
        return f"{self.path.relative_to(REPOSITORY)}:{self.owner}"

    def compiled(self) -> re.Pattern:
        """Return it as Python runs it; raise ValueError if it is made while the program runs."""
        if isinstance(self.source, ast.Constant) and isinstance(self.source.value, str | bytes):
            literal = self.source.value
        else:
            literal = getattr(module_at(self.path), ast.unparse(self.source), None)
        of_module = getattr(module_at(self.path), self.owner, literal)
        pattern = of_module if isinstance(of_module, re.Pattern) else literal
        if pattern is None:
            raise ValueError(f"{self.name} is made while the program runs: list it")
        return re.compile(pattern)


def expressions(path: Path) -> list[Expression]:
    """Find a file's regular expressions: calls of `re` and of pandas' `.str`."""
    tree = ast.parse(path.read_text())
    owners = {
        node: assigned.targets[0].id
        for assigned in ast.walk(tree)
        if isinstance(assigned, ast.Assign) and isinstance(assigned.targets[0], ast.Name)
        for node in ast.walk(assigned.value)
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            owners |= dict.fromkeys(ast.walk(function), function.name)
    called = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in USES:
            called[ast.unparse(node.value)].add(node.attr)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_expression(node.func):
            owner, use = owners.get(node, "module"), node.func.attr
            own = {use} if use in USES else {"search"}
            found.append(
                Expression(path, owner, called[owner] or own if use == "compile" else own,
                           node.args[0])
            )  # fmt: skip
    return found


def _is_expression(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    if isinstance(function.value, ast.Name) and function.value.id == "re":
        return function.attr in (*USES, "compile")
    of_text = isinstance(function.value, ast.Attribute) and function.value.attr == "str"
    return of_text and function.attr in OF_PANDAS


def of_sql() -> dict[str, str]:
    """The patterns in the job's SQL, by file."""
    found = defaultdict(str)
    for path in sorted((REPOSITORY / "assets" / "flink").rglob("*.sql")):
        for pattern in re.findall(r"(?:REGEXP|SIMILAR TO)\w*\([^']*'([^']*)'", path.read_text()):
            found[path.name] += pattern
    return dict(found)


def module_at(path: Path) -> ModuleType:
    """Import a file: of helpers by its name, of assets on its own."""
    name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    if path.is_relative_to(REPOSITORY / "helpers"):
        return importlib.import_module(name)
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"expressions_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(path.parent))


def worst_texts(pattern: re.Pattern, size: int) -> Iterator:
    """Yield texts of that size on which a pattern that backtracks does so most.

    A text that matches is taken, each part of it repeated, and what follows it spoiled: so a loop
    runs as long as it can, then fails, and an expression that can divide the loop's text in two
    ways, or begin at each place of it, tries them all.
    """
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    for sample in {_sample(tree, times) for times in (1, 2)}:
        for begin in range(len(sample)):
            for end in range(begin + 1, min(begin + 4, len(sample)) + 1):
                part = sample[begin:end]
                for tail in ("", "\x01", sample[end:] + "\x01"):
                    text = sample[:begin] + part * (size // len(part)) + tail
                    yield text.encode("latin-1") if isinstance(pattern.pattern, bytes) else text
    for part in ("a", " ", '"', "\\", '\\"', " [", " []", ' [] "', "0", ".", "a.", "%", ";", ":"):
        text = part * (size // len(part)) + "\x01"
        yield text.encode() if isinstance(pattern.pattern, bytes) else text


def _sample(tree: parser.SubPattern, times: int) -> str:
    return "".join(_of_part(str(kind), value, times) for kind, value in tree)


def _of_part(kind: str, value: object, times: int) -> str:
    match kind, value:
        case ("LITERAL", int()):
            return chr(value)
        case ("NOT_LITERAL" | "ANY", _):
            return "a" if value != ord("a") else "b"
        case ("IN", list()):
            return _of_class(value)
        case ("BRANCH", (_, branches)):
            return "".join(_sample(branch, times) for branch in branches[:times])
        case ("SUBPATTERN", (*_, inner)):
            return _sample(inner, times)
        case ("ATOMIC_GROUP", inner):
            return _sample(inner, times)
        case ("MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT", (least, most, inner)):
            return _sample(inner, times) * min(int(most), max(int(least), times))
    return ""  # an assertion takes no text


def _of_class(parts: list) -> str:
    inside = re.compile("[" + "".join(_class_text(*part) for part in parts) + "]", re.DOTALL)
    order = [*"a0 ", *map(chr, range(256))]
    return next(character for character in order if inside.match(character))


def _class_text(kind: object, value: object) -> str:
    categories = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}
    match str(kind), value:
        case ("NEGATE", _):
            return "^"
        case ("LITERAL", int()):
            return re.escape(chr(value))
        case ("RANGE", (first, last)):
            return f"{re.escape(chr(first))}-{re.escape(chr(last))}"
        case ("CATEGORY", _):
            name = str(value).removeprefix("CATEGORY_").removeprefix("UNI_")
            negated = name.removeprefix("NOT_")
            text = categories[negated]
            return text if negated == name else text.upper()
    raise ValueError(f"{kind} in a class")
