"""The example in each public helper's docstring runs on a target with traffic.

An example is the code between backticks. A value after `->` has the type of the value that the code
returns; a text after "prints" is printed, with other numbers. `check` runs at the end of notebooks.
"""

import ast
import operator
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

import helpers
from docs.make_reference import public_names
from helpers.core.paths import REPOSITORY
from helpers.deployment import flink_application
from helpers.local import state

# Examples that run elsewhere: they need a minute, end the target, or ask the internet.
ELSEWHERE = {
    "connect": "the last test here",
    "delete_rows": "module 5, in browser/test_module_5.py",
    "destroy": "module 9, in browser/test_module_4.py",
    "disconnect": "the last test here",
    "public_ip": "unit/connection/test_public_ip.py",
    "run_flash_crowd": "module 6, in browser/test_module_5.py",
    "visit_changes": "module 7, in browser/test_module_4.py",
    "visit_snapshot": "module 7, in browser/test_module_4.py",
    "WorkshopError": "every helper raises it",
}
NAMES = [name for name in sorted(public_names()) if "." not in name and name not in ELSEWHERE]
EXTRA_SQL = REPOSITORY / "assets" / "flink" / "extra" / "20_avg_pg_ld.sql"
DEPLOYED = []


@pytest.fixture(scope="module")
def names():
    """The variables of the examples; a variable that an example sets is there for the next ones."""
    values = {name: getattr(helpers, name) for name in helpers.__all__ if name != "check"}
    values["wait"] = lambda seconds: helpers.wait(min(seconds, 1))
    return values | {"since": datetime.now(UTC) - timedelta(minutes=5)}


@pytest.fixture
def cloud(target_home, request):
    """The whole chain, deployed for the first example, with traffic."""
    if not DEPLOYED:
        DEPLOYED.append(request.getfixturevalue("chain"))
    helpers.Traffic(DEPLOYED[0]).start(rate=20)
    return DEPLOYED[0]


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


# `send_clicks` sets the `bucket` of other examples; a stopped job is started again.
FIRST, LAST = ["send_clicks"], ["stop_analytics", "start_analytics", "stop_charts"]
ORDER = [*FIRST, *(name for name in NAMES if name not in FIRST + LAST), *LAST]


@pytest.mark.parametrize("name", ORDER)
def test_an_example_runs_as_its_docstring_shows(cloud, names, capsys, name):
    names["cloud"], names["traffic"] = cloud, helpers.Traffic(cloud)
    if name == "update_analytics":
        shutil.copy(EXTRA_SQL, helpers.sql_folder())
    code, rest = example_of(name)
    value = evaluated(code, names)
    if rest.startswith("->"):
        shown = ast.literal_eval(re.match(r"-> `([^`]+)`", rest)[1])
        value = getattr(value, "item", lambda: value)()  # numpy's number
        assert type(value) is type(shown), f"{code} returned {value!r}"
    elif rest.startswith("prints"):
        shown = re.match(r"prints `([^`]+)`", rest)[1]
        assert re.search(printed_pattern(shown), capsys.readouterr().out)


def test_a_statement_that_the_started_job_refuses_is_named_with_flinks_reason(
    cloud, tmp_path, monkeypatch
):
    # Usually this machine's Flink refuses it before; AWS's may differ.
    monkeypatch.setattr(flink_application, "check_code", lambda code, groups: None)
    (tmp_path / "30_mine.sql").write_text("INSERT INTO metrics\nSELECT colour FROM beacons\n")
    with pytest.raises(helpers.WorkshopError) as error:
        helpers.update_analytics(cloud, tmp_path)
    begin = "rwa-analytics did not start with the new SQL: 30_mine.sql: "
    assert error.value.cause.startswith(begin) and "\n" not in error.value.cause
    assert "From line 2, column 8" in error.value.cause
    assert "Column 'colour' not found" in error.value.cause


def test_a_target_starts_and_ends_with_the_examples_of_connect_and_disconnect(own_home, names):
    evaluated(example_of("connect")[0], names)
    assert names["cloud"].prefix == "rwa" and state.holder()
    evaluated(example_of("disconnect")[0], names)
    assert not state.holder()
