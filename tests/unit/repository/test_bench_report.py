"""bench/results.md shows exactly the figures of bench/results.json."""

import sys

import pytest

from bench import __main__ as bench
from bench import highest_rate, measured, report, scaling, servers, setup

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
    "failed": {"charts": "RuntimeError: it ended"},
    "needs": {"apache_requests_per_second": "`apache2` (Debian: apache2)", "scaling": "`ab`"},
}  # fmt: skip


def test_the_page_holds_the_figures_the_ratios_the_targets_and_what_failed():
    page = report.page(FIGURES)
    for line in (
        "A chip, 2 cores, 8.0 GB",
        "| p50 at 100/s | 0.9 s | ≤ 0.9 s | met |",
        "| p99 at 100/s | 3.1 s | ≤ 1.5 s | **missed** |",
        "| held end to end, beacons/s | 2,000 | ≥ 4,000 | **missed** |",
        "| p99 at 1,000/s | not measured | 6 s |  |",
        "| 100/s | 0.9 s | 1.4 s | 3.1 s | 3,000 | 0 | 0.3: Flink 0.31 |",
        "a bare loop of `apachelogs`, reads only: 20,000 | 2.00 |",
        "- charts: RuntimeError: it ended",
    ):
        assert line in page
    assert "Apache httpd, the same: not measured: needs `apache2` (Debian: apache2) |  |" in page


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


AB = "not measured: needs `ab` (Debian: apache2-utils)"


@pytest.fixture
def without_programs(tmp_path, monkeypatch):
    """A machine on which no program is found, and no package can be downloaded."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))


@pytest.fixture
def run_bench(tmp_path, monkeypatch):
    """Return a function that runs `make bench` with its files in a folder of this test's own."""
    monkeypatch.setattr(report, "FIGURES", tmp_path / "results.json")
    monkeypatch.setattr(report, "PATH", tmp_path / "results.md")
    monkeypatch.setattr(measured, "carry_over", lambda results: None)
    home = str(tmp_path / "home")
    monkeypatch.setattr(bench, "own_home", lambda _: monkeypatch.setenv("WORKSHOP_HOME", home))
    agents = ("agents", {"lines": 3000}, bench.PARTS["agents"][2])
    monkeypatch.setitem(bench.PARTS, "agents", agents)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bench", "--short", *arguments])
        return bench.main(), report.PATH.read_text()

    return run


def test_figures_of_another_machine_and_of_missing_programs_are_not_on_the_page(
    without_programs, run_bench, capsys
):
    report.save(FIGURES | {"server_requests_per_second": 31_814, "flink_records_per_second": 777})
    exit_code, page = run_bench("--only", "servers,agents")
    assert exit_code == 0 and "Traceback" not in "".join(capsys.readouterr())
    # Of this run: the agent alone.
    assert "A chip" not in page and "31,814" not in page and "777" not in page
    assert f"one core | {AB} | Apache httpd, the same: {AB} |" in page
    assert "`apachelogs`, reads only: not measured: needs `apachelogs` (PyPI)" in page
    assert "GoAccess, reads only: not measured: needs `goaccess` (Debian: goaccess)" in page
    assert "| agent, lines/s a core | not measured" not in page
    assert "Failed measurements" not in page


def test_what_this_machine_measured_before_stays_unless_it_is_measured_again(
    run_bench, monkeypatch, tmp_path
):
    _, page = run_bench("--only", "machine")
    figures = report.load()
    report.save(figures | {"flink_records_per_second": 777, "server_requests_per_second": 31_814})
    monkeypatch.setenv("PATH", str(tmp_path))
    exit_code, page = run_bench("--only", "servers")
    assert exit_code == 0 and "777" in page and "31,814" not in page and AB in page


def test_without_apache_our_own_server_is_measured_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(servers, "APACHE", tmp_path / "apache2")
    found = servers.measure(seconds=1)
    assert found["server_requests_per_second"] > 0 and "apache_requests_per_second" not in found
    assert list(found["needs"]) == ["apache_requests_per_second"]


def test_without_programs_the_chain_is_measured_all_the_same(without_programs, monkeypatch):
    monkeypatch.setattr(scaling, "_shards", lambda count, seconds: {"held": count, "tries": []})
    found = scaling.measure()
    assert found["scaling"]["servers"] == {} and found["scaling"]["shards"]["4"]["held"] == 4
    found, needs = setup._without_target(cold=True)
    assert found["notes"] == [] and "cold_s" not in found
    figures = ("cold_s", "warm_lab_s", "lab_memory_mb", "disk_gb")
    assert set(needs) == {f"setup.{figure}" for figure in figures}
    page = report.page({"setup": found, "needs": needs})
    assert page.count("not measured: needs `make` (Debian: make)") == 4  # one of them a target
