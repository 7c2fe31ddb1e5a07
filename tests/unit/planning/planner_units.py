"""Figures for the planner's tests, which do not depend on assets/measured.json."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from helpers.planning import (
    bottlenecks,
    capacity,
    cost_comparison,
    monthly_cost,
    planner_figure,
    queue_figure,
    queue_model,
)

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
    "beacons_a_visit": 4.5,
    "visit_minutes": 5,
    "beacons_a_connection": 4,
    "answer_bytes": 400,
    "looks_a_second": 2,
    "run_seconds": 0.05,
    "pack_seconds": 0.5,
    "mark_units_a_look": 2,
    "aws_median_seconds": 1.35,
}


@pytest.fixture(autouse=True)
def planner_units(monkeypatch) -> Iterator[None]:
    """Have the planner compute with FIGURES."""
    for module in (bottlenecks, capacity, cost_comparison, monthly_cost, queue_figure, queue_model):
        monkeypatch.setattr(module, "units", lambda: SimpleNamespace(**FIGURES))
    caches = bottlenecks.ladder, planner_figure._curves, capacity._rows, capacity._stored_rows
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()
