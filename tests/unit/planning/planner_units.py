"""Figures for the planner's tests: a new measurement in assets/measured.json breaks none."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from helpers.planning import bottlenecks, capacity
from helpers.planning import cost_comparison as field
from helpers.planning import monthly_cost as monthly
from helpers.planning import planner_figure as scale_picture
from helpers.planning import queue_figure as crowd_picture
from helpers.planning import queue_model as flash_crowd

FIGURES = {
    "server_requests_per_second": 10000,
    "agent_lines_per_second": 84000,
    "record_bytes": 610,
    "request_bytes": 280,
    "flink_records_per_second": 7500,
    "rows_per_second": 1700,
    "server_to_stream_seconds": 0.1,
    "flink_seconds": 1.0,
    "functions_seconds": 0.4,
    "peak_over_mean": 2,
    "items_at_a_million": 12,
    "items_exponent": 0.5,
    "archive_share": 0.1,
    "beacons_a_connection": 4,
    "answer_bytes": 400,
    "looks_a_second": 2,
    "run_seconds": 0.1,
    "pack_seconds": 0.5,
    "catalog_units_a_look": 15,
}


@pytest.fixture(autouse=True)
def planner_units(monkeypatch) -> Iterator[None]:
    """Let the planner reckon with FIGURES."""
    for module in (bottlenecks, capacity, crowd_picture, field, flash_crowd, monthly):
        monkeypatch.setattr(module, "units", lambda: SimpleNamespace(**FIGURES))
    caches = bottlenecks.ladder.cache_clear, scale_picture._curves.cache_clear
    for clear in caches:
        clear()
    yield
    for clear in caches:
        clear()
