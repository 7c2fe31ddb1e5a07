"""Rules of CONTRIBUTING.md that no linter checks.

Functions are short, and nothing depends on the machine's language, encoding or time zone. A place
that could depend on them is listed here with the reason why it does not.
"""

import ast
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from assets.agent.access_log import epoch_ms, log_time
from helpers.core.paths import REPOSITORY
from tests.conftest import pytest_make_parametrize_id
from tests.source_tree import FOLDERS, trees

# The lines that a function may have, by folder.
MOST_LINES = dict.fromkeys(FOLDERS, 60) | {"tests": 80}


def lengths(folder: str) -> dict[str, int]:
    """Return how many lines each function of a folder has."""
    return {
        f"{name}:{node.name}": node.end_lineno - node.lineno + 1
        for name, tree in trees(folder).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short():
    found = {folder: lengths(folder) for folder in FOLDERS}
    assert len(found["helpers"]) > 1000 and statistics.median(found["helpers"].values()) < 10
    long = {
        name
        for folder, functions in found.items()
        for name, lines in functions.items()
        if lines > MOST_LINES[folder]
    }
    assert not long


# Language, encoding, zone

DIGITS = "digits alone, of a moment in UTC"
# Functions that by default take names, an order or a time zone from the machine.
WATCHED = {
    *("strftime", "strptime", "localtime", "mktime", "ctime", "asctime", "tzset", "tzlocal"),
    *("utcnow", "utcfromtimestamp", "setlocale", "localeconv", "strcoll", "strxfrm"),
    *("month_name", "month_abbr", "day_name", "day_abbr", "parsedate", "parsedate_to_datetime"),
    *("DateFormatter", "AutoDateFormatter", "ConciseDateFormatter", "fromisoformat"),
    *("casefold", "getpreferredencoding"),
}
ALLOWED = {
    ("assets/agent/notices.py", "strftime"): DIGITS,
    (
        "helpers/local/beacon_server/apache_log.py",
        "localtime",
    ): "Apache logs local time and its distance from UTC",
    ("helpers/stores/archive.py", "strftime"): DIGITS,
    ("helpers/dashboards/early_and_final.py", "strftime"): DIGITS,
    (
        "helpers/audit/dead_letters.py",
        "to_datetime of text",
    ): "ISO 8601 of a failure record, in UTC",
    ("helpers/generator/run.py", "strftime"): DIGITS,
    ("helpers/audit/ledger_text.py", "strftime"): DIGITS,
    (
        "helpers/connection/preflight_identity.py",
        "parsedate_to_datetime",
    ): "HTTP's Date, in English",
    ("helpers/deployment/expiry.py", "strftime"): DIGITS,
    ("helpers/deployment/expiry.py", "strptime"): "digits of our own parameter, in UTC",
    ("helpers/generator/logs/request.py", "fromisoformat"): "ISO 8601, of UTC without a zone",
    ("helpers/local/emulator/firehose.py", "strftime"): DIGITS,
    ("helpers/local/flink/pump_in.py", "fromisoformat"): "ISO 8601 with its zone, our own code's",
    (
        "helpers/plotting/metric_figure.py",
        "to_datetime of text",
    ): "a column of times already, in UTC",
}
NOW = ("datetime.now", "datetime.datetime.now", "pd.Timestamp.now")
# Of strftime's directives those whose answer is the same in every language.
SAFE = re.compile(r"%(?:-?[YmdHMSyfjz]|%)")

SHIPPED = trees("helpers", "assets", "bench", "docs", "notebooks")


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", None) or getattr(node.func, "id", "")


def places(tree: ast.AST) -> Iterator[str]:
    """Yield what a file does that may depend on the machine's language or zone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in WATCHED or (name == "today" and isinstance(node, ast.Attribute)):
                yield name
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from (name for name in names if name in ("locale", "calendar"))
        if isinstance(node, ast.Call):
            given = {keyword.arg for keyword in node.keywords}
            if ast.unparse(node.func) in NOW and not node.args and "tz" not in given:
                yield "now without a zone"
            if called(node) == "fromtimestamp" and len(node.args) + len(given) < 2:
                yield "fromtimestamp without a zone"
            if called(node) == "astimezone" and not node.args:
                yield "astimezone without a zone"
            if called(node) == "to_datetime" and "unit" not in given:
                yield "to_datetime of text"


def formats(tree: ast.AST) -> Iterator[str]:
    """Yield each text with directives of strftime: of an f-string, or of a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            yield ast.unparse(node.format_spec)
        if isinstance(node, ast.Call) and called(node) in ("strftime", "strptime"):
            yield from (ast.unparse(each) for each in node.args)


def test_every_place_that_formats_or_parses_a_time_is_known():
    found = {(name, place) for name, tree in SHIPPED.items() for place in places(tree)}
    assert len(SHIPPED) > 150
    assert found == set(ALLOWED)


def test_times_are_shown_in_digits_and_never_with_names_of_the_machines_language():
    texts = [(name, text) for name, tree in SHIPPED.items() for text in formats(tree)]
    timed = [(name, text) for name, text in texts if re.search(r"%-?[A-Za-z]", text)]
    assert len(timed) > 20
    assert [
        (name, text) for name, text in timed if re.search(r"%-?[A-Za-z]", SAFE.sub("", text))
    ] == []


def without_encoding(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of calls that read or write text in the machine's own encoding."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(
            k.arg in ("encoding", None) for k in node.keywords
        ):
            continue
        name, given = called(node), {keyword.arg: keyword.value for keyword in node.keywords}
        owner = getattr(getattr(node.func, "value", None), "id", "")
        if (name == "read_text" and not node.args) or (name == "write_text" and len(node.args) < 2):
            yield node.lineno
        elif name in ("open", "fdopen", "NamedTemporaryFile") and owner not in ("os", "webbrowser"):
            place = 1 if isinstance(node.func, ast.Name) or name == "fdopen" else 0
            mode = given.get("mode") or next(iter(node.args[place:]), ast.Constant("r"))
            if "b" not in str(getattr(mode, "value", "b")):
                yield node.lineno
        elif "text" in given or "universal_newlines" in given:
            yield node.lineno


def test_every_text_is_read_and_written_in_an_encoding_that_is_named():
    assert [(name, line) for name, tree in SHIPPED.items() for line in without_encoding(tree)] == []


STATEMENTS = sorted((REPOSITORY / "assets" / "flink").rglob("*.sql"))
# They take names, a zone, or the rules for capitals from the JVM.
FORBIDDEN = re.compile(
    r"\b(UNIX_TIMESTAMP|FROM_UNIXTIME|TO_TIMESTAMP\w*|TO_DATE|DATE_FORMAT|CONVERT_TZ|LOCALTIME\w*|"
    r"CURRENT_DATE|CURRENT_TIME|NOW|UPPER|LOWER|INITCAP|DAYNAME|FORMAT)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.name)
def test_no_statement_parses_or_formats_a_time_or_changes_letters(path):
    assert len(STATEMENTS) > 15
    code = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
    assert FORBIDDEN.findall(code) == []
    # Its only clock: as numbers.
    assert code.count("CURRENT_TIMESTAMP") == len(
        re.findall(r"EXTRACT\((?:EPOCH|MILLISECOND) FROM CURRENT_TIMESTAMP\)", code)
    )


def test_no_shell_script_sorts_formats_or_reads_a_date():
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, check=True)
    scripts = {
        name: (REPOSITORY / name).read_text(encoding="utf-8")
        for name in listed.stdout.decode().splitlines()
        if re.search(r"(\.sh|(^|/)(run|Makefile)|^cfn/[^/]+)$", name)
    }
    assert {"Makefile", "assets/fleet/setup.sh", ".ci/run", "cfn/1-frontend.yaml"} <= set(scripts)
    asked = re.compile(r"(?:^|[|&;(`]|\$\()\s*(?:date|sort|awk|cal|ls -l|bc)\b", re.MULTILINE)
    for name, text in scripts.items():
        assert asked.findall(text) == [], name
        if not name.endswith(".yaml") and re.search(r"\bgrep\b", text):
            assert "LC_ALL=C" in text, name


def test_the_agent_and_the_server_write_and_read_english_after_setlocale():
    """A kernel may have chosen the machine's language: here the one that a machine has at hand."""
    chosen = (
        "import locale, sys\n"
        "for name in ('de_DE.UTF-8', 'fr_FR.UTF-8', 'ja_JP.UTF-8', 'C'):\n"
        "    try:\n"
        "        locale.setlocale(locale.LC_ALL, name); break\n"
        "    except locale.Error: pass\n"
        "sys.path += ['assets/agent']\n"
        "from access_log import click_record, epoch_ms, log_time\n"
        "from helpers.local.beacon_server.apache_log import format_line\n"
        "for month in range(12):\n"
        "    now = (1_795_564_800 + month * 2_629_800) * 1000\n"
        "    assert epoch_ms(log_time(now / 1000)) == now\n"
        "    line = format_line('::1', now, b'GET /beacon HTTP/1.1', 200, 2, {}).rstrip()\n"
        "    assert click_record(line, 's:1:0:0', now)['requested_at'] == now, line\n"
    )
    for zone in ("Asia/Kolkata", "America/St_Johns", "UTC", "Pacific/Chatham"):
        environment = {"TZ": zone, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
        ended = subprocess.run(
            [sys.executable, "-c", chosen], cwd=REPOSITORY, env=environment, capture_output=True
        )
        assert ended.returncode == 0, ended.stderr.decode()
    assert epoch_ms(log_time(0)) == 0


# The names of tests: every process of a run gives the same ones, whenever it collects them


@pytest.mark.parametrize("moment", [time.time, lambda: int(time.time()) - 3600], ids=["now", "ago"])
def test_a_moment_is_no_name(moment):
    with pytest.raises(pytest.UsageError, match="start=.* give this test's `ids`"):
        pytest_make_parametrize_id(moment(), "start")


@pytest.mark.parametrize("value", [0, 2.5, True, "now", None, 10**18])
def test_other_values_keep_the_names_that_pytest_gives(value):
    assert pytest_make_parametrize_id(value, "value") is None
