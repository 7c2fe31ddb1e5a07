"""The bench's page says what the figures say, and only that."""

import pytest

from bench import highest_rate, report

RUN = {"rate": 100, "seconds": 30.0, "sent": 3000, "lost": 0, "p50": 0.9, "p90": 1.4, "p99": 3.1,
       "drained_s": 1.2, "cores": {"Flink": 0.31}}  # fmt: skip
FIGURES = {
    "machine": {"cpu": "A chip", "cores": 2, "memory_gb": 8.0, "system": "Linux", "python": "3.12",
                "load": 0.1},
    "measured_at": {"machine": "2026-11-25T10:30:00+00:00"},
    "took_s": {"machine": 60},
    "latency": {"100": RUN},
    "highest_rate_held": 2000,
    "highest_rate": RUN | {"rate": 2000},
    "highest_rate_tries": [RUN | {"rate": 2000}],
    "agent_lines_per_second_per_core": 40_000,
    "apachelogs_lines_per_second": 20_000,
    "failed": {"servers": "RuntimeError: `ab` is not here"},
}  # fmt: skip


def test_the_page_holds_the_figures_the_ratios_the_targets_and_what_failed():
    page = report.page(FIGURES)
    for line in (
        "A chip, 2 cores, 8.0 GB",
        "| p50 at 100/s | 0.9 s | ≤ 1.5 s | met |",
        "| p99 at 100/s | 3.1 s | ≤ 3 s | **missed** |",
        "| held end to end, beacons/s | 2,000 | ≥ 2,000 | met |",
        "| p99 at 1,000/s | not measured | 6 s |  |",
        "| 100/s | 0.9 s | 1.4 s | 3.1 s | 3,000 | 0 | 0.3: Flink 0.31 |",
        "a bare loop of `apachelogs`, reads only: 20,000 | 2.00 |",
        "- servers: RuntimeError: `ab` is not here",
    ):
        assert line in page
    assert "Apache httpd, the same: not measured |  |" in page


def test_a_page_without_figures_claims_nothing():
    page = report.page({})
    assert "met" not in page.replace("metrics", "") and page.count("not measured") > 8


@pytest.mark.parametrize("most", [0, 250, 1500, 4000, 5500, 99_999])
def test_the_ladder_ends_at_the_highest_rate_that_is_held(most):
    tried = []
    place = highest_rate._highest(lambda rate: tried.append(rate) or rate <= most)
    held = [rate for rate in highest_rate.LADDER if rate <= most]
    assert highest_rate.LADDER[place] == max(held, default=highest_rate.LADDER[0])
    assert len(tried) == len(set(tried))
