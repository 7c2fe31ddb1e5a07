"""The example in each public helper's docstring runs, on a target with traffic, as it is written.

An example is the code between backticks. What follows `->` is a value of the same type as the one
that it returns; what follows "prints" is printed, but for its numbers.
"""

import ast
import operator
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

import helpers
from docs.make_reference import public_names

# These are run where they cost no further minute, or must come last.
ELSEWHERE = {
    "connect": "each target's first call",
    "destroy": "browser/test_module_4.py, by module 9",
    "disconnect": "local/test_supervisor.py",
    "run_flash_crowd": "browser/test_module_5.py, by module 6",
    "WorkshopError": "unit/core/test_errors.py",
}
NAMES = [name for name in sorted(public_names()) if name not in ELSEWHERE]


@pytest.fixture(scope="module")
def names():
    """What the examples use; a result that an example names is there for the next ones."""
    since = datetime.now(UTC) - timedelta(minutes=5)
    values = {name: getattr(helpers, name) for name in helpers.__all__ if name != "check"}
    return values | {"since": since, "time": time, "datetime": datetime, "UTC": UTC}


def example_of(name):
    text = operator.attrgetter(name)(helpers).__doc__.split("Example:\n", 1)[1]
    if "`" not in text:
        return re.sub(r"^ {8}|>>> ", "", text, flags=re.M).strip(), ""
    code, rest = re.match(r"\s*`([^`]+)`(.*)", text, re.S).groups()
    return " ".join(code.split()), " ".join(rest.split())


def evaluated(code, names):
    """Run the code; return the value of its last line where that is an expression."""
    *before, last = ast.parse(code).body
    exec(compile(ast.Module(before, []), "example", "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), "example", "exec"), names)
        return None
    return eval(compile(ast.Expression(last.value), "example", "eval"), names)


def printed_pattern(text):
    parts = re.split(r"\d[\d:.,]*|\.\.\.", text)
    return ".*".join(map(re.escape, parts))


# `send_clicks` gives the `bucket` that other examples name; a stopped job is started again.
FIRST, LAST = ["send_clicks"], ["stop_analytics", "start_analytics", "stop_charts"]
ORDER = [*FIRST, *(name for name in NAMES if name not in FIRST + LAST), *LAST]


@pytest.mark.parametrize("name", ORDER)
def test_an_example_runs_and_gives_what_it_says(chain, names, capsys, name):
    names["cloud"], names["traffic"] = chain, helpers.Traffic(chain)
    code, rest = example_of(name)
    value = evaluated(code, names)
    if rest.startswith("->"):
        told = ast.literal_eval(re.match(r"-> `([^`]+)`", rest)[1])
        value = getattr(value, "item", lambda: value)()  # numpy's number
        assert type(value) is type(told), f"{code} returned {value!r}"
    elif rest.startswith("prints"):
        told = re.match(r"prints `([^`]+)`", rest)[1]
        assert re.search(printed_pattern(told), capsys.readouterr().out)
