"""Which rows a rebuild sends, and what CloudWatch has of them already."""

from helpers.backfill.corrections import Stored, add_published, corrections


def row(value, item="/a", bucket=100, samples="the value"):
    samples = value if samples == "the value" else samples
    is_real = isinstance(value, float)
    return {
        "MetricType": "m",
        "EventTimestamp": bucket,
        "MetricItem": item,
        "UnitValueInt": None if is_real else value,
        "UnitValueFloat": value if is_real else None,
        "Samples": samples,
    }


def values(rows):
    return [(each["MetricItem"], each["UnitValueInt"], each["Samples"]) for each in rows]


def test_only_rows_that_differ_are_sent():
    counted = {(100, item): row(5, item) for item in ("/same", "/wrong", "/lost")}
    stored = {(100, "/same"): Stored(5, 5, True), (100, "/wrong"): Stored(9, 9, True)}
    assert values(corrections(counted, stored, "m")) == [("/lost", 5, 5), ("/wrong", 5, 5)]


def test_a_row_with_the_right_value_of_other_beacons_is_sent():
    counted = {(100, "/a"): row(0.5, samples=2)}
    assert corrections(counted, {(100, "/a"): Stored(0.5, 4, False)}, "m")
    assert not corrections(counted, {(100, "/a"): Stored(0.5, 2, False)}, "m")


def test_what_is_no_longer_counted_becomes_0_once():
    (zero,) = corrections({}, {(100, "/gone"): Stored(3, 3, True)}, "m")
    assert (zero["UnitValueInt"], zero["UnitValueFloat"], zero["Samples"]) == (0, None, 0)
    (zero,) = corrections({}, {(100, "visits"): Stored(3, None, True)}, "m")
    assert (zero["UnitValueInt"], zero["Samples"]) == (0, None)
    (zero,) = corrections({}, {(100, "mean"): Stored(3.5, 2, False)}, "m")
    assert (zero["UnitValueInt"], zero["UnitValueFloat"]) == (None, 0.0)
    assert corrections({}, {(100, "/gone"): Stored(0, 0, True)}, "m") == []


def test_a_0_that_the_table_lacks_is_not_sent():
    """Visits that were renewed, and never began in this minute."""
    assert corrections({(100, "/a"): row(0, samples=None)}, {}, "m") == []


def published(rows, surplus, is_mean=False):
    cells = {(each["EventTimestamp"], each["MetricItem"]): "cell" for each in rows}
    add_published(rows, cells, {"cell": surplus} if surplus else {}, is_mean)
    return [(each["PublishedTotal"], each["PublishedSamples"]) for each in rows]


def test_cloudwatch_has_nothing_of_a_new_metric():
    assert published([row(5)], None) == [(0, 0)]


def test_cloudwatch_has_all_of_a_lost_row():
    assert published([row(5)], (5, 0)) == [(5, 0)]


def test_rows_that_share_a_value_of_cloudwatch_share_its_sum():
    rows = [row(5, "/a"), row(3, "/b"), row(2, "/c")]
    assert published(rows, (10, 0)) == [(5, 0), (3, 0), (2, 0)]
    assert published(rows, (6, 0)) == [(5, 0), (1, 0), (0, 0)]
    # CloudWatch has counted something twice: the difference is put, so its sum is right then.
    assert published(rows, (14, 0)) == [(5, 0), (3, 0), (6, 0)]
    assert published(rows, (-4, 0)) == [(0, 0)] * 3


def test_of_a_mean_cloudwatch_has_sum_and_samples():
    rows = [row(2.5, "/a", samples=4), row(1.0, "/b", samples=3)]
    assert published(rows, (13.0, 7), is_mean=True) == [(10.0, 4), (3.0, 3)]
