"""The rows of a job that has ended: the last one of each key, by metric and hour."""

import json

from helpers.backfill.counted_rows import HOUR, divide_rows, rows_of_hour

BEGIN = 1_800_000_000 // HOUR * HOUR


def line(value, bucket, item="/a", op="c"):
    after = {"EventTimestamp": bucket, "MetricItem": item, "UnitValueInt": value}
    change = {"before": None, "after": after, "op": op}
    return json.dumps(change).encode() + b"\n"


def test_the_last_row_of_each_key_in_the_order_of_the_files(tmp_path):
    output, hours = tmp_path / "out", tmp_path / "hours"
    folder = output / "MetricType=top_pages"
    folder.mkdir(parents=True)
    hours.mkdir()
    (folder / "part-x-0-9").write_bytes(line(1, BEGIN) + line(7, BEGIN + HOUR))
    (folder / "part-x-0-10").write_bytes(
        line(1, BEGIN, op="d") + line(2, BEGIN) + line(3, BEGIN + 10) + line(4, BEGIN, "/b")
    )
    (folder / "part-x-0-11").write_bytes(line(9, BEGIN - 10) + line(9, BEGIN + 2 * HOUR))
    other = output / "MetricType=event_anomaly"
    other.mkdir()
    (other / "part-x-0-0").write_bytes(line(1, BEGIN))
    divide_rows(output, hours, BEGIN, BEGIN + 2 * HOUR, ["top_pages", "event_anomaly"])

    def values(metric, hour):
        rows = rows_of_hour(hours, metric, hour)
        assert {row["MetricType"] for row in rows.values()} <= {metric}
        return {key: row["UnitValueInt"] for key, row in rows.items()}

    first = {(BEGIN, "/a"): 2, (BEGIN + 10, "/a"): 3, (BEGIN, "/b"): 4}
    assert values("top_pages", BEGIN) == first
    assert values("top_pages", BEGIN + HOUR) == {(BEGIN + HOUR, "/a"): 7}
    assert values("top_pages", BEGIN - HOUR) == values("top_pages", BEGIN + 2 * HOUR) == {}
    assert values("event_anomaly", BEGIN) == {}, "scores are final"


def test_metrics_that_are_not_wanted_are_left_out(tmp_path):
    folder = tmp_path / "out" / "MetricType=agent_count"
    folder.mkdir(parents=True)
    (folder / "part-x-0-0").write_bytes(line(1, BEGIN))
    divide_rows(tmp_path / "out", tmp_path, BEGIN, BEGIN + HOUR, ["top_pages"])
    assert rows_of_hour(tmp_path, "agent_count", BEGIN) == {}
