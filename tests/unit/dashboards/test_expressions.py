"""A dashboard's arithmetic between metrics."""

from typing import ClassVar

import numpy as np
import pytest

from helpers.core.metric_math import Unsupported
from helpers.dashboards.body import Widget
from helpers.dashboards.expressions import lines
from helpers.dashboards.queries import shortest_period
from helpers.dashboards.search import parse_search
from tests.unit.dashboards.board_on_cloudwatch import SEARCH


class Listed:
    """Answers every search with two pages."""

    asked: ClassVar[list] = []

    def search(self, search):
        self.asked.append(search)
        return [("top_pages", (("Item", item), ("Stack", "board"))) for item in ("/a", "/b")]


POINTS = {
    "/a": (np.array([0.0, 10.0, 20.0]), np.array([1.0, 2.0, 3.0])),
    "/b": (np.array([10.0, 20.0]), np.array([10.0, 0.0])),
}


def evaluate(*metrics, **properties):
    widget = Widget("metric", 0, 0, 6, 6, {"metrics": metrics, "period": 10} | properties)
    return lines(widget, Listed(), lambda query: POINTS[dict(query.dimensions)["Item"]])


A = ["NS", "top_pages", "Item", "/a", {"id": "a", "visible": False}]
B = ["NS", "top_pages", "Item", "/b", {"id": "b", "visible": False}]


def values(expression):
    (line,) = evaluate(A, B, [{"expression": expression}])
    return dict(zip(line.times.tolist(), line.values.tolist(), strict=True))


def test_arithmetic_between_metrics_and_numbers():
    assert values("a + b") == {10: 12, 20: 3}
    assert values("100 * a / b") == {10: 20}  # nothing is divided by zero
    assert values("-a * 2 - 1") == {0: -3, 10: -5, 20: -7}
    assert values("SUM(METRICS())") == {0: 1, 10: 12, 20: 3}
    assert values("MAX([a, b])") == {0: 1, 10: 10, 20: 3}
    assert values("FILL(b, 0) + 0") == {10: 10, 20: 0}
    assert values("IF(a > 1 AND b > 0, a)") == {10: 2}
    assert values("FILL(IF(a != 2, a), REPEAT)") == {0: 1, 10: 1, 20: 3}


def test_a_list_of_one_metric_remains_a_list():
    one = f"SORT({SEARCH % 'top_pages'}, SUM, DESC, 1)"
    assert values(f"SUM(2 * {one})") == {10: 20, 20: 0}
    assert values(f"a * {one}") == {10: 20, 20: 0}


def test_quoted_text_is_not_taken_for_operators():
    search = "{N,Item} cart AND Item=checkout"
    evaluate([{"expression": f"SEARCH('{search}', 'Sum')"}])
    assert Listed.asked[-1] == parse_search(search)


def test_searches_are_sorted_cut_and_labelled():
    search = SEARCH % "top_pages"
    row = {"expression": f"SORT({search}, SUM, DESC, 1)", "label": "${PROP('Dim.Item')}: ${SUM}"}
    assert [line.label for line in evaluate([row])] == ["/b: 10"]
    assert [line.label for line in evaluate([{"expression": search}])] == ["/a", "/b"]
    (line,) = evaluate([{"expression": f"SUM({search})", "id": "all"}])
    assert line.values.tolist() == [1, 12, 3] and line.label == "all"


def test_a_whole_range_is_one_value():
    whole = {"view": "bar", "setPeriodToTimeRange": True}
    one, two = evaluate([{"expression": SEARCH % "top_pages"}], **whole)
    assert (one.values.tolist(), two.values.tolist()) == ([6], [10])
    (most,) = evaluate(["NS", "m", "Item", "/a"], stat="Maximum", **whole)
    assert most.values.tolist() == [3]
    with pytest.raises(Unsupported, match="p99"):
        evaluate(["NS", "m", "Item", "/a"], stat="p99", **whole)


@pytest.mark.parametrize(
    "expression",
    [
        "ANOMALY_DETECTION_BAND(a, 2)",
        "__import__('os').system('true')",
        "a.values",
        "a if b else a",
        "5",
        "nobody",
        "a +",
        "SUM(5)",
        "loop",
    ],
)
def test_other_expressions_are_not_evaluated(expression):
    with pytest.raises(Unsupported):
        evaluate(A, B, [{"expression": expression, "id": "loop"}])


def test_periods_that_cloudwatch_keeps():
    assert [shortest_period(back) for back in (900, 3 * 3600, 4 * 3600, 20 * 86400)] == [
        1,
        1,
        60,
        300,
    ]
