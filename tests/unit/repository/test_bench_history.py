"""`make bench` writes module 6's figures, and compares a run with the committed one."""

import json

import pytest

from bench import compare, measured
from bench.aws_latency import STAGES, computed

MACHINE = {"cpu": "A chip", "cores": 2, "memory_gb": 8.0, "load": 0.1}
FIGURES = {
    "machine": MACHINE,
    "measured_at": {"servers": "2031-02-03T04:05:06+00:00", "flink": "2031-02-03T04:05:06+00:00"},
    "server_requests_per_second": 12_345,
    "flink_records_per_second": 30_000,
    "flink": {"records": 5_000_000, "cores": 1.5},
    "latency": {"100": {"p50": 0.5, "cores": {"Flink": 0.3}}},
    "agent_lines_per_second_per_core": 1,  # of a run on another day: it has no time here
}


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "measured.json"
    path.write_bytes(measured.PATH.read_bytes())
    monkeypatch.setattr(measured, "PATH", path)
    return path


def test_what_was_measured_is_written_and_the_rest_stays(file):
    before = json.loads(file.read_text())
    measured.carry_over(FIGURES)
    after = json.loads(file.read_text())
    server = after["measured"]["server_requests_per_second"]
    assert (server["value"], server["date"]) == (12_345, "2031-02-03")
    assert server["source"].startswith("make bench: ") and "2 cores of A chip" in server["source"]
    assert after["measured"]["flink_records_per_second"]["value"] == 20_000, "of one core"
    assert after["assumed"] == before["assumed"]
    changed = {key for key, entry in after["measured"].items() if entry != before["measured"][key]}
    assert changed == {"server_requests_per_second", "flink_records_per_second"}


def test_a_short_run_changes_nothing(file):
    before = file.read_text()
    measured.carry_over(FIGURES | {"short": ["servers", "flink"]})
    assert file.read_text() == before


def test_the_file_is_what_its_writer_writes():
    stored = measured.PATH.read_text(encoding="utf-8")
    assert measured.text(json.loads(stored)) == stored


def test_each_figure_is_compared_with_the_committed_one():
    before = FIGURES | {"server_requests_per_second": 10_000, "flink_records_per_second": 60_000}
    found = {name: ratio for name, *_, ratio in compare.ratios(FIGURES, before)}
    assert found["server_requests_per_second"] == pytest.approx(1.2345)
    assert found["flink_records_per_second"] == 0.5
    assert found["latency.100.p50"] == 1
    assert "ratio" in compare.table(FIGURES, before) and "1.23" in compare.table(FIGURES, before)


def test_another_kind_of_machine_is_not_compared():
    other = FIGURES | {"machine": MACHINE | {"cores": 64}}
    assert "another kind of machine" in compare.table(FIGURES, other)
    assert "another kind of machine" in compare.table(FIGURES, {})


def test_what_aws_would_show_is_no_less_than_its_parts():
    found = computed()
    p50, p99 = found.pop("end to end")
    assert set(found) == {stage.name for stage in STAGES}
    assert p50 == pytest.approx(sum(p50 for p50, _ in found.values()), abs=0.1)
    assert p50 < p99 < sum(p99 for _, p99 in found.values())
