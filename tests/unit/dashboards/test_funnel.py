"""The funnel of visits: its shares, and what it shows without visits."""

import time

import pandas as pd
import pytest

from helpers.core.errors import NotDeployed, WorkshopError
from helpers.dashboards import funnel
from helpers.dashboards.funnel import Funnel, draw, live_funnel, read_funnel
from helpers.plotting.live_view import stop_charts


def table(**sums):
    """Return a reader of the table with these sums of the metrics of visits."""

    def read(cloud, metric, minutes):
        return pd.DataFrame({"Value": [sums[metric], 0]})

    return read


def test_each_step_has_its_share_of_all_visits(monkeypatch):
    sums = {"visit_count": 200, "bounce_count": 80, "conversion_count": 9}
    monkeypatch.setattr(funnel, "metric_values", table(**sums))
    seen = read_funnel(None, minutes=10)
    assert seen.counts == (200, 120, 9)
    assert "200 visits began in the last 10 minutes; 120 (60%) are no bounces" in seen.sentence
    assert "9 (4.5%) have a conversion" in seen.sentence
    html = draw(seen)
    assert "width:60.0%" in html and "width:4.5%" in html and "8% of the step above" in html


def test_values_that_were_read_between_two_updates_make_no_impossible_share(monkeypatch):
    sums = {"visit_count": 3, "bounce_count": 4, "conversion_count": 2}
    monkeypatch.setattr(funnel, "metric_values", table(**sums))
    assert read_funnel(None, minutes=10).counts == (3, 0, 0)


def test_without_visits_it_names_the_next_step():
    empty = Funnel(0, 0, 0, minutes=5, at=time.time())
    assert "traffic.start(rate=30)" in empty.sentence
    assert draw(empty).count("width:0.0%") == 3


def test_an_error_is_shown_below_it(monkeypatch):
    def read(cloud, metric, minutes):
        raise NotDeployed("The table rwa-MetricDetails", "2-analyze")

    monkeypatch.setattr(funnel, "metric_values", read)
    running = live_funnel(None, minutes=5)
    assert "module 2-analyze is not deployed" in running.sentence
    assert stop_charts() == 1


@pytest.mark.parametrize("arguments", [{"minutes": 0}, {"minutes": "5"}, {"period": 0}], ids=str)
def test_impossible_numbers_are_refused(arguments):
    with pytest.raises(WorkshopError):
        live_funnel(None, **arguments)
