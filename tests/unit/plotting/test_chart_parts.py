"""A count is whole: no axis of counts has a number such as 0.2, and no table shows 99.0."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from docs.stored_notebooks import stored, stored_notebooks
from helpers.dashboards.early_and_final import draw_counts
from helpers.planning.cost_comparison import cost_comparison_table
from helpers.planning.limits import planner_figures
from helpers.plotting import chart_parts
from helpers.plotting.figure import Picture
from helpers.plotting.html_tables import table_html
from helpers.plotting.metric_figure import Metric, draw_metric
from helpers.plotting.series import Series

NOW = 1_795_500_007.0
COUNTS = (1, 2, 3, 5, 7, 40, 1204)


def ticks(picture: Picture) -> list[str]:
    """The numbers at the value axes of a picture."""
    found = []
    for axes in picture.findobj(Axes):
        found += [label.get_text() for label in axes.get_yticklabels() if label.get_text()]
    assert found
    return found


def counts(highest: int) -> pd.DataFrame:
    times = pd.to_datetime([NOW // 10 * 10 - 60], unit="s", utc=True)
    return pd.DataFrame({"Time": times, "Item": ["click"], "Value": [highest]})


@pytest.mark.parametrize("highest", COUNTS)
@pytest.mark.parametrize("statistic", ["Sum", "Maximum"])
def test_a_metric_of_counts_has_whole_numbers_at_its_axis(highest, statistic):
    picture = Picture(8.8, 3.1)
    draw_metric(picture, counts(highest), Metric("event_count", "Events", statistic=statistic),
                minutes=5, now=NOW)  # fmt: skip
    assert not [tick for tick in ticks(picture) if "." in tick]


def test_a_metric_that_is_no_count_keeps_its_fractions():
    picture = Picture(8.8, 3.1)
    metric = Metric("event_anomaly", "Score", statistic="Maximum", unit="None")
    draw_metric(picture, counts(1), metric, minutes=5, now=NOW)
    assert [tick for tick in ticks(picture) if "." in tick]


@pytest.mark.parametrize("highest", COUNTS)
def test_the_two_clocks_have_whole_numbers(highest):
    picture = Picture(8.8, 3.1)
    values = pd.Series([highest], index=[NOW // 10 * 10 - 60])
    draw_counts(picture, values, values, "click", 5, NOW)
    assert not [tick for tick in ticks(picture) if "." in tick]


@pytest.mark.parametrize("inches", [0.3, 0.6, 1.2, 2.4])
@pytest.mark.parametrize("highest", [0, *COUNTS])
def test_an_axis_of_counts_has_a_tick_and_whole_ones_alone(highest, inches):
    axes = Picture(3, 3).box().axes()
    chart_parts.value_axis(axes, 0, highest, inches, whole=True)
    found = axes.get_yticks()
    assert len(found) and (found == np.round(found)).all()


def test_a_series_is_of_counts_if_all_its_values_are_whole():
    whole, broken = (Series("a", np.array([1.0]), np.array([v])) for v in (3.0, 0.5))
    assert chart_parts.are_whole([whole]) and not chart_parts.are_whole([whole, broken])


def test_a_notebook_makes_no_table_of_records_with_floats_for_counts():
    # `after` of Flink's rows has UnitValueInt, or none: pandas alone makes floats of them.
    rows = pd.Series([{"UnitValueInt": 99, "Samples": 99}, {"UnitValueInt": None, "Samples": 3}])
    cells = [
        "".join(cell["source"])
        for path in stored_notebooks()
        for cell in json.loads(stored(path))["cells"]
        if cell["cell_type"] == "code"
    ]
    makers = [line for cell in cells for line in cell.splitlines() if "pd.DataFrame(list(" in line]
    assert makers
    for line in makers:
        known = {"pd": pd, "rows": {"after": rows}, "columns": ["UnitValueInt", "Samples"]}
        exec(line, known)
        assert known[line.split(" = ")[0]]["UnitValueInt"].dtype == "Int64"


def test_the_planners_tables_show_whole_numbers_as_such():
    figures = planner_figures()["Value"]
    assert isinstance(figures["record bytes"], int) and isinstance(figures["pack seconds"], float)
    assert f">{figures['record bytes']}</td>" in table_html(planner_figures())
    dollars = cost_comparison_table().drop(columns=["p50", "Source"])
    assert set(dollars.dtypes.astype(str)) == {"Int64"} and (dollars > 10).all(axis=None)
