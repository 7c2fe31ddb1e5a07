"""The notebooks' experiments show their effect after a learner has played with every slider."""

import json
import re
from collections.abc import Iterator

import pandas as pd
import pytest

import helpers
from docs.stored_notebooks import stored
from helpers.core.paths import REPOSITORY
from helpers.core.waiting import bucket_edge
from helpers.traffic.traffic import Traffic
from tests.settling import settled

MESS = {
    "rate": 215,
    "visitors": 1,
    "late_percent": 20,
    "duplicates_percent": 20,
    "malformed_percent": 20,
    "bots_percent": 50,
}


@pytest.fixture
def names(chain) -> Iterator[dict]:
    """Yield what a notebook's first cells define, with traffic at the sliders' ends."""
    traffic = Traffic(chain)
    helpers.fleet_size(chain, 5)
    traffic.start(**MESS)
    public = {name: getattr(helpers, name) for name in helpers.__all__ if name != "check"}
    yield public | {"cloud": chain, "traffic": traffic, "pd": pd}
    traffic.stop()
    helpers.fleet_size(chain, 2)


def cells(notebook: str, first: str, last: str) -> list[str]:
    """Return a notebook's cells of code from one to another, each named by a part of it."""
    (file,) = (REPOSITORY / "notebooks").glob(f"{notebook}-*.ipynb")
    code = [
        "".join(cell["source"])
        for cell in json.loads(stored(file))["cells"]
        if cell["cell_type"] == "code"
    ]
    places = [next(n for n, text in enumerate(code) if part in text) for part in (first, last)]
    return code[places[0] : places[1] + 1]


def run(names: dict, notebook: str, first: str, last: str) -> None:
    for text in cells(notebook, first, last):
        exec(text, names)


def test_three_servers_get_beacons_where_five_were(names):
    run(names, "1", "def servers", "fleet_size(cloud, 3)")
    found = settled(names["servers"], lambda found: len(found) == 3, str)
    assert len(found) == 3


def test_seven_late_clicks_make_107_of_100_in_the_table_and_in_cloudwatch(names):
    run(names, "2", "bucket = send_clicks", 'lambda rows: rows["Value"].sum() > 100')
    rows = settled(names["late_lab"], lambda r: r["Value"].sum() >= 107, str)
    assert list(rows["Value"]) == [107], "one row, of this experiment only"

    run(names, "3", "bucket = send_clicks", 'lambda rows: rows["Value"].sum() > 100')
    rows = settled(names["late_lab"], lambda r: r["Value"].sum() >= 107, str)
    assert rows["Value"].sum() == 107


def test_a_burst_sends_a_new_message_after_a_learner_moved_the_slider(names):
    helpers.wait(seconds=20)  # so that the counts of the sliders' ends are final
    run(names, "3", "since = steady_traffic", "def messages")
    found = names["messages"]()
    assert "ALARM" in set(found["State"]) and (found["Time"] >= names["since"]).all()


def test_the_original_would_keep_only_the_late_seven_of_107(names):
    run(names, "5", "bucket = send_clicks", "bucket = send_clicks")

    def sentence() -> str:
        return helpers.compare_with_original(names["cloud"], names["bucket"]).sentence

    found = settled(sentence, lambda words: "107 sent, 107 here" in words)
    assert "107 sent, 107 here" in found
    story, left = re.search(r"made the rows (.*); each .* so (\d+) would be left", found).groups()
    rows = [int(count) for count in story.split(", then ")]
    assert sum(rows) == 107 and len(rows) > 1 and int(left) == rows[-1], found
    # 7, unless the agents of a busy machine shipped some of the hundred late, too.
    assert rows == [100, 7] or rows[0] < 100, found


def test_a_late_page_view_joins_two_visits_and_lowers_a_value_in_cloudwatch(names):
    run(names, "7", "ben = Visitor", "ben.views_across_the_hour()")
    assert "1 visit, 0 bounces (DynamoDB: 1 visit)" in names["ben"].timeline().sentence
    run(names, "7", "cem = Visitor", "cem = Visitor")
    assert "2 visits, 2 bounces (DynamoDB: 2 visits)" in names["cem"].timeline().sentence
    run(names, "7", "cem.views(30)", "cem.views(30)")
    assert "1 visit, 0 bounces (DynamoDB: 1 visit)" in names["cem"].timeline().sentence
    # Other visitors' pages may be in the same dimension value, `(other)`.
    shown = names["cem"].cloudwatch().iloc[-1]
    assert shown["DynamoDB"] == shown["CloudWatch"] and shown["Smallest"] == -1


def test_nothing_is_lost_when_flink_is_killed_while_the_traffic_was_stopped(names):
    traffic = names["traffic"]
    traffic.stop()
    since = bucket_edge()  # a ledger of all experiments takes a busy machine a minute to read
    traffic.start(**MESS)
    helpers.wait(seconds=10)
    traffic.stop()
    run(names, "5", 'kill(cloud, "flink")', 'kill(cloud, "flink")')
    traffic.stop()
    account = settled(lambda: helpers.ledger(names["cloud"], since), lambda a: a.balances, str)
    assert account.balances, account
