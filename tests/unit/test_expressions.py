"""No text of a stranger's makes a regular expression slow: 64 KB of the worst take a moment.

Each expression of helpers/ and assets/ is found by itself, and run on texts that are made from it,
unless it is listed here with what it reads instead of strangers' texts.
"""

import re
import time

import pytest
from access_log import _FLOAT
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.generator.access_log import _LINE
from helpers.matching import _CLIENTID
from tests.expressions import expressions, of_sql, sources, worst_texts
from tests.fuzzing import fuzzed

COMMAND_LINE, AWS, LEARNER = "a command line of ours", "AWS's messages", "the learner's own text"
DASHBOARD, PACKAGES = "our dashboard's definition", "our list of packages, pip's output"
FILES = "names of files and variables of this machine"
OWN_TEXT = {
    "helpers/aws_account.py:_refuse_other_endpoints": FILES,
    "helpers/aws_errors.py:_QUOTA_CODE": AWS,
    "helpers/aws_errors.py:_DENIED_CODE": AWS,
    "helpers/aws_errors.py:_SKEWED": AWS,
    "helpers/aws_errors.py:_ACTION": AWS,
    "helpers/dashboard_body.py:_DURATION": DASHBOARD,
    "helpers/dashboard_math.py:_PLACEHOLDER": DASHBOARD,
    "helpers/dashboard_search.py:_SCHEMA": DASHBOARD,
    "helpers/dashboard_search.py:_TERM": DASHBOARD,
    "helpers/dashboard_search.py:holds": "a word that is escaped: it has no loop",
    "helpers/dashboard_widgets.py:_plain": DASHBOARD,
    "helpers/dashboard_widgets.py:text": DASHBOARD,
    "helpers/install.py:locked_version": PACKAGES,
    "helpers/install.py:run": PACKAGES,
    "helpers/leftovers.py:_is_listed": "ARNs",
    "helpers/local/alarms/definition.py:_STATISTIC": LEARNER,
    "helpers/local/flink/checkpoints.py:covered": FILES,
    "helpers/flink/java.py:FOREIGN": FILES,
    "helpers/local/flink/pump_in.py:write_file": "names of shards, sequence numbers",
    "helpers/metric_math.py:_SPELLINGS": LEARNER,
    "helpers/managed_flink.py:_locked": PACKAGES,
    "helpers/managed_flink.py:fetch_packages": PACKAGES,
    "helpers/statements.py:NAME": FILES,
    "helpers/targets.py:connect": LEARNER,
    "assets/agent/agent.py:arguments": COMMAND_LINE,
    "assets/agent/siblings.py:files_of": FILES,
    "assets/fleet/apache_log.py:_is_found": FILES,
    "assets/fleet/forget_shipped.py:forget": FILES,
    "assets/flink/main.py:fill": LEARNER,
    "assets/flink/main.py:reason": "Flink's messages",
    "assets/flink/main.py:verb": LEARNER,
}
EVERY = [each for path in sources() for each in expressions(path)]
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
PLAIN_LINE = re.compile(
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
        assert groups(_LINE.match(text)) == groups(PLAIN_LINE.match(text))


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
