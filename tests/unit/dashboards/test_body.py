"""A dashboard's JSON: its shorthand, its places and its searches."""

import pytest

from helpers.core.metric_math import Unsupported
from helpers.dashboards.body import rows, seconds, widgets
from helpers.dashboards.cloudwatch_dashboard import size
from helpers.dashboards.search import parse_search


def test_dots_repeat_the_row_before():
    found = rows(
        [
            ["NS", "m", "Stack", "rwa", "Item", "a", {"label": "A", "visible": False}],
            [".", ".", ".", ".", ".", "b"],
            ["...", "c", {"stat": "Sum"}],
            [{"expression": "m1 * 2", "id": "e1"}],
            ["...", "Stack", "other", "Item", "d"],
            ["NS", "n"],
        ]
    )
    assert [(each.namespace, each.name) for each in found[:3]] == [("NS", "m")] * 3
    assert [dict(each.dimensions).get("Item") for each in found[:3]] == ["a", "b", "c"]
    assert found[0].options == {"label": "A", "visible": False} and not found[0].visible
    assert found[2].options == {"stat": "Sum"} and found[2].visible
    assert found[3].expression == "m1 * 2"
    assert found[4].dimensions == (("Stack", "other"), ("Item", "d"))
    assert found[5].dimensions == ()


@pytest.mark.parametrize(
    ("start", "expected"),
    [("-PT3H", 10800), ("-PT90S", 90), ("-P1W", 604800), ("-P1DT2H", 93600), (None, 10800)],
)
def test_relative_starts(start, expected):
    assert seconds(start) == expected


def test_widgets_keep_their_places_and_others_follow_each_other():
    body = {
        "widgets": [
            {"type": "text", "x": 12, "y": 3, "width": 12, "height": 4},
            {"type": "text", "width": 18, "height": 5},
            {"type": "text", "width": 9},
            {"type": "text", "x": 20, "y": 0, "width": 24},
        ]
    }
    assert [(each.x, each.y, each.width, each.height) for each in widgets(body)] == [
        (12, 3, 12, 4),
        (0, 0, 18, 5),
        (0, 5, 9, 6),
        (0, 0, 24, 6),
    ]
    assert size(body)[1] > size({"widgets": []})[1]


def found(search, **dimensions):
    return parse_search(search).finds("top_pages", dimensions)


def test_a_search_finds_exactly_its_dimensions_and_values():
    search = '{RealtimeWebAnalytics,Stack,Item} MetricName="top_pages" Stack="rwa"'
    assert parse_search(search).namespace == "RealtimeWebAnalytics"
    assert found(search, Stack="rwa", Item="/a")
    assert not found(search, Stack="rwa2", Item="/a")
    assert not found(search, Stack="rwa")
    assert not found(search, Stack="rwa", Item="/a", More="x")
    assert not parse_search(search).finds("top_pages_2", {"Stack": "rwa", "Item": "/a"})


def test_words_without_quotes_match_whole_words():
    assert found("{N,Item} cart", Item="/shop/CART.html")
    assert not found("{N,Item} car", Item="/shop/cart.html")
    assert found("{N,Item} Item=cart AND MetricName=top_pages", Item="/cart")
    assert parse_search('{"A B","C D"} "C D"="x"').dimensions == {"C D"}


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *((rows, row) for row in ([["."]], ["oops"], [["NS"]], [["NS", "m", "Item"]], [[1, 2]])),
        *((seconds, start) for start in ("2026-11-24T00:00:00Z", "-P", "15 minutes")),
        *((parse_search, text) for text in ("no schema", "{N,I} a OR b", "{N,I} NOT a")),
        *((parse_search, text) for text in ("{N,I} (a b)", '{N,I} I="unclosed')),
    ],
)
def test_unsupported_rows_starts_and_searches_raise(read, value):
    with pytest.raises(Unsupported):
        read(value)
