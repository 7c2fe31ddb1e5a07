"""No text of a stranger's makes a regular expression slow: 64 KB of the worst take a moment.

Each expression of helpers/ and assets/ is found by itself, and run on texts that are made from it,
unless it is listed here with what it reads instead of strangers' texts.
"""

import ast
import importlib.util
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from unittest import mock

import pytest
from access_log import _FLOAT
from crawlerdetect.providers import crawlers, exclusions
from hypothesis import example, given
from hypothesis import strategies as st
from user_agent import _LOOKS_AROUND

from helpers.audit.record_matching import _CLIENTID
from helpers.core.paths import REPOSITORY
from helpers.generator.logs.lines import _APACHE
from tests.fuzzing import fuzzed
from tests.source_tree import trees

COMMAND_APACHE, AWS, LEARNER = "a command line of ours", "AWS's messages", "the learner's own text"
DASHBOARD, PACKAGES = "our dashboard's definition", "our list of packages, pip's output"
OURS = "a template or a policy of ours"
FILES = "names of files and variables of this machine"
OWN_TEXT = {
    "helpers/connection/aws_sign_in.py:refuse_other_endpoints": FILES,
    "helpers/connection/preflight_permissions.py:_PREFIX": OURS,
    "helpers/connection/preflight_services.py:_runtime": OURS,
    "helpers/core/aws_errors.py:_QUOTA_CODE": AWS,
    "helpers/core/aws_errors.py:_DENIED_CODE": AWS,
    "helpers/core/aws_errors.py:_SKEWED": AWS,
    "helpers/core/aws_errors.py:_ACTION": AWS,
    "helpers/dashboards/body.py:_DURATION": DASHBOARD,
    "helpers/dashboards/expressions.py:_PLACEHOLDER": DASHBOARD,
    "helpers/dashboards/search.py:_SCHEMA": DASHBOARD,
    "helpers/dashboards/search.py:_TERM": DASHBOARD,
    "helpers/dashboards/search.py:holds": "a word that is escaped: it has no loop",
    "helpers/dashboards/widgets.py:_plain": DASHBOARD,
    "helpers/dashboards/widgets.py:text": DASHBOARD,
    "helpers/install.py:locked": PACKAGES,
    "helpers/install.py:settings_for_uv": PACKAGES,
    "helpers/install.py:run": PACKAGES,
    "helpers/deployment/leftover_resources.py:_is_listed": "ARNs",
    "helpers/deployment/quotas.py:_STANDARD": AWS,
    "helpers/deployment/zones.py:offering_zones": AWS,
    "helpers/deployment/zones.py:instance_type": OURS,
    "helpers/deployment/zones.py:instance_types": OURS,
    "helpers/local/emulator/zones.py:_ARM": LEARNER,
    "helpers/local/alarms/definition.py:_STATISTIC": LEARNER,
    "helpers/flink/java.py:FOREIGN": FILES,
    "helpers/local/flink/pump_in.py:write_file": "names of shards, sequence numbers",
    "helpers/core/metric_math.py:_SPELLINGS": LEARNER,
    "helpers/connection/flink_dependencies.py:_locked": PACKAGES,
    "helpers/connection/flink_dependencies.py:fetch_packages": PACKAGES,
    "helpers/deployment/flink_sql.py:NAME": FILES,
    "helpers/connection/connect.py:connect": LEARNER,
    "assets/agent/agent.py:arguments": COMMAND_APACHE,
    "assets/agent/siblings.py:files_of": FILES,
    "assets/agent/user_agent.py:_rules": "User-Agents, with a package's rules: see below",
    "assets/fleet/forget_shipped.py:forget": FILES,
    "assets/flink/main.py:fill": LEARNER,
    "assets/flink/main.py:reason": "Flink's messages",
    "assets/flink/main.py:verb": LEARNER,
}


# What there is

USES = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
OF_PANDAS = ("contains", "match", "fullmatch", "extract", "extractall", "findall", "count")


@dataclass
class Expression:
    """A regular expression of a file: one with a name, or one that a function uses at once.

    Args:
        file: its path in the repository.
        owner: its name, or that of its function.
        uses: the methods that are called.
        source: the pattern's text as the code has it: a literal or a constant's name.
    """

    file: str
    owner: str
    uses: set[str]
    source: ast.expr

    @property
    def name(self) -> str:
        """E.g. `helpers/stores/archive.py:_whole`."""
        return f"{self.file}:{self.owner}"

    def compiled(self) -> re.Pattern:
        """Return it as Python runs it; raise ValueError if it is made while the program runs."""
        if isinstance(self.source, ast.Constant) and isinstance(self.source.value, str | bytes):
            literal = self.source.value
        else:
            literal = getattr(module_at(self.file), ast.unparse(self.source), None)
        of_module = getattr(module_at(self.file), self.owner, literal)
        pattern = of_module if isinstance(of_module, re.Pattern) else literal
        if pattern is None:
            raise ValueError(f"{self.name} is made while the program runs: list it")
        return re.compile(pattern)


def expressions(file: str, tree: ast.Module) -> Iterator[Expression]:
    """Find a file's regular expressions: calls of `re` and of pandas' `.str`."""
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
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_expression(node.func):
            owner, use = owners.get(node, "module"), node.func.attr
            uses = called[owner] if use == "compile" else set()
            uses = uses or {use if use in USES else "search"}
            yield Expression(file, owner, uses, node.args[0])


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
        for pattern in re.findall(
            r"(?:REGEXP|SIMILAR TO)\w*\([^']*'([^']*)'", path.read_text(encoding="utf-8")
        ):
            found[path.name] += pattern
    return dict(found)


def module_at(file: str) -> ModuleType:
    """Import a file: of helpers by its name, of assets on its own."""
    path = REPOSITORY / file
    if file.startswith("helpers/"):
        return importlib.import_module(file.removesuffix(".py").replace("/", "."))
    with mock.patch.object(sys, "path", [str(path.parent), *sys.path]):
        spec = importlib.util.spec_from_file_location(f"expressions_{path.stem}", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


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
    inside = compiler.compile(parser.SubPattern(parser.State(), [(parser.IN, parts)]), re.DOTALL)
    return next(
        character for character in (*"a0 ", *map(chr, range(256))) if inside.match(character)
    )


# How slow it is

EVERY = [
    each for name, tree in trees("helpers", "assets").items() for each in expressions(name, tree)
]
FOREIGN = [each for each in EVERY if each.name not in OWN_TEXT]


def seconds(pattern, use, text):
    """How long one use takes, in time of this process's processor."""
    nothing = text[:0]
    before = time.process_time()
    if use in ("sub", "subn"):
        getattr(pattern, use)(lambda found: nothing, text)
    else:
        result = getattr(pattern, use)(text)
        _ = list(result) if use == "finditer" else None
    return time.process_time() - before


def slow(pattern, uses):
    """Return the first of the worst texts for which a use takes too long; None if none does.

    Where time grows with the square of the length, 64 KB take 2,000,000,000 steps: 10 s or more.
    16 KB go first, so that such an expression is found before that.
    """
    for size, most in ((1 << 14, 0.15), (1 << 16, 2.0)):
        for text in worst_texts(pattern, size):
            for use in sorted(uses):
                if seconds(pattern, use, text) > most:
                    return use, size, text[:40]
    return None


def test_what_is_listed_is_there():
    assert set(OWN_TEXT) <= {each.name for each in EVERY}
    assert len(FOREIGN) > 20


@pytest.mark.parametrize("expression", FOREIGN, ids=lambda each: each.name)
def test_a_strangers_text_costs_no_more_than_its_length(expression):
    assert slow(expression.compiled(), expression.uses) is None


@pytest.mark.parametrize(("file", "pattern"), of_sql().items())
def test_a_pattern_of_the_sql_costs_no_more_than_the_texts_length(file, pattern):
    assert slow(re.compile(pattern), {"search"}) is None


OF_PACKAGES = [rule for rule in crawlers.data if any(each in rule for each in _LOOKS_AROUND)]


@pytest.mark.parametrize("rule", exclusions.data + OF_PACKAGES)
def test_a_rule_for_user_agents_that_python_runs_costs_no_more_than_the_texts_length(rule):
    # The agent's other rules for User-Agents run in Rust, in linear time.
    assert slow(re.compile(rule, re.IGNORECASE), {"search", "sub"}) is None


QUADRATIC = {
    r'"((?:[^"\\]|\\.)*)"': "findall",
    r"[0-9]+\.?[0-9]*x": "fullmatch",
    r"(\S+) \S+ .+? \[([^\]]*)\] x": "match",
    r"\s+$": "search",
}


@pytest.mark.parametrize(("pattern", "use"), QUADRATIC.items())
def test_the_worst_texts_find_an_expression_that_backtracks(pattern, use):
    assert slow(re.compile(pattern), {use}) is not None


# What these three read, spelled plainly: so they read it still, though no place of a text twice.
_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
PLAIN_APACHE = re.compile(
    rb"(\S+) \S+ .+? \[([^\]]*)\] %b(?: \S+ \S+ %b %b)?" % (_QUOTED, _QUOTED, _QUOTED)
)
PLAIN_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
PIECES = [b'"', b"\\", b" ", b" [", b"] ", b'] "', b"[", b"]", b"a", b'\\"', b' "" ', b"-", b'" "']
LINES = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
GOOD = b'::1 - a [b] c [25/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'


def groups(found):
    return found and found.groups()


@fuzzed(500)
@given(LINES)
@example(GOOD)
@example(GOOD[:-1])
@example(b'h -  [t] "r"')
@example(b'h - [t] "r" [u] "s"')
def test_a_log_line_is_read_as_the_plain_expression_reads_it(line):
    for text in (line, b"h - " + line, GOOD[: len(line)] + line, line + GOOD):
        assert groups(_APACHE.match(text)) == groups(PLAIN_APACHE.match(text))


@fuzzed(500)
@given(LINES)
@example(b'"a" "b" "c" "d" "e\\"')
def test_the_fifth_quoted_field_is_the_plain_expressions(line):
    for text in (line.decode(), f'"1" {line.decode()}' * 3):
        plain = re.findall(_QUOTED.decode(), text)
        found = _CLIENTID.match(text)
        assert (found and found[1]) == (plain[4] if len(plain) > 4 else None)


@fuzzed(500)
@given(st.text("0123.eE+-x", max_size=12))
def test_a_number_is_what_the_plain_expression_takes(text):
    assert bool(_FLOAT.fullmatch(text)) == bool(PLAIN_FLOAT.fullmatch(text))
