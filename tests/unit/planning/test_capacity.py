"""The planner: rates, rows and resources, computed by hand; the ladder of limits; the dollars."""

import math
from datetime import date

import pytest

from bench.aws_latency import computed
from helpers.planning.bottlenecks import LIMITS, ladder, next_step, planned, used
from helpers.planning.capacity import (
    LEAST_WRITE_UNITS,
    MOST_WRITE_UNITS,
    READ_UNITS,
    USED_PART,
    Design,
    beacons_a_record,
    cloudwatch_metrics,
    different_items,
    per_second,
    plan,
    rows_by_metric,
    rows_of_one,
)
from helpers.planning.cost_comparison import CLAIMED, cost_options, original, original_base
from helpers.planning.limits import measured
from helpers.planning.monthly_cost import (
    counting_hour,
    dollars,
    month_of,
    monthly,
    resources,
    thrifty,
)
from helpers.planning.prices import TABLE, price_list, table_hour
from tests.template_files import read_template
from tests.unit.planning.planner_units import FIGURES, planner_units  # noqa: F401 - a fixture

SIZES = (1e6, 10e6, 116e6, 1e9, 10e9)


def test_each_figure_has_a_value_a_unit_and_a_source():
    found = measured()
    for figure in found["measured"].values():
        assert figure["value"] > 0 and figure["unit"] and figure["source"]
        assert date.fromisoformat(figure["date"])
    for figure in found["assumed"].values():
        assert figure["value"] > 0 and figure["source"] and "date" not in figure
    assert not set(found["measured"]) & set(found["assumed"])
    assert set(found["measured"]) | set(found["assumed"]) == set(FIGURES)


@pytest.mark.parametrize(
    ("events", "rate"), [(1e6, 11.574), (116e6, 1342.59), (100e6, 1157.41), (10e9, 115_740.7)]
)
def test_per_second_is_the_mean_rate_of_a_day(events, rate):
    assert per_second(events) == pytest.approx(rate, rel=1e-4)


def test_an_item_has_at_most_one_row_per_batch():
    # three items, a batch of half a second: six rows a second at most
    assert rows_of_one(1e6, (1, 1, 1), 0.5) == pytest.approx(6)
    # one beacon a second, one item: a batch has none with exp(-0.5)
    assert rows_of_one(1, (7,), 0.5) == pytest.approx((1 - math.exp(-0.5)) * 2)
    # only the shares matter: three quarters and a quarter of 4/s, in a second
    expected = (1 - math.exp(-3)) + (1 - math.exp(-1))
    assert rows_of_one(4, (30, 10), 1) == pytest.approx(expected)
    # so few beacons that each has its own row
    assert rows_of_one(0.001, (1, 1), 1) == pytest.approx(0.001, rel=1e-3)


def test_rows_grow_far_less_than_beacons():
    few, many = (sum(rows_by_metric(1e6, rate, 0.5).values()) for rate in (1000, 10_000))
    assert many < 1.5 * few


def test_items_grow_as_the_root_of_events_and_the_catalog_limits_metrics():
    assert different_items(1e6) == 12 and different_items(100e6) == pytest.approx(120)
    # 3 x 12 items, 3 x 7 events, 10 bots, 3 single ones, 2 delays; of visits: 4 x 12 items, 5
    # campaigns, 8 browsers, 6 systems, 3 devices, 3 single ones
    assert cloudwatch_metrics(1e6) == 36 + 21 + 10 + 3 + 2 + 48 + 5 + 8 + 6 + 3 + 3
    # 3 x (50 and `(other)`), and of visits 4 x (20 and `(other)`)
    assert cloudwatch_metrics(10e9) == 153 + 21 + 10 + 3 + 2 + 84 + 5 + 8 + 6 + 3 + 3


def test_a_record_of_25_kb_holds_41_beacons_of_610_bytes():
    assert FIGURES["record_bytes"] == 610
    assert beacons_a_record(Design(aggregated=True)) == 41 and beacons_a_record(Design()) == 1


def test_a_plan_for_116_million_a_day_by_hand():
    # 1,343/s, twice that at the peak: three shards of 1,000, as many KPUs, 14 servers of 200/s
    found = plan(116e6, Design(shards=True))
    assert (round(found.mean), round(found.peak)) == (1343, 2685)
    assert (found.shards, found.kpus, found.servers) == (3, 3, 14)
    # 2,685 x 610 bytes are 1.64 MB/s: two shards of 1 MB/s, once records are packed
    assert plan(116e6, Design(shards=True, aggregated=True)).shards == 2
    # half of the 10,000/s of a core
    assert plan(1e9, Design(large_fleet=True)).servers == 5
    # At the peak, 70 % of the units write 1,260 rows a second. A partition has 1,000 units: the
    # table has two, so its stream has two shards.
    assert found.rows == pytest.approx(0.7 * found.write_units[0])
    assert 1000 < found.write_units[1] < 2000 - 25 / 3
    assert (found.table_shards, found.concurrency) == (2, 3)
    # two readers of three shards share a KPU with the third
    assert plan(116e6, Design(shards=True, shared_kpus=True)).kpus == 1


def test_the_ladders_steps_are_those_computed_by_hand():
    steps = {step.limit.name: step.events for step in ladder()}
    # 1,000 records a second, twice the mean; 1,200 requests a second of six servers; 64 KPUs
    assert steps["one shard's 1,000 records/s"] == pytest.approx(500 * 86_400, rel=1e-4)
    assert steps["the fleet's six servers"] == pytest.approx(600 * 86_400, rel=1e-4)
    assert steps["one key in Flink"] == pytest.approx(3750 * 86_400, rel=1e-4)
    assert steps["64 KPUs, a shard each"] == pytest.approx(32_000 * 86_400, rel=1e-4)
    # full shards of 1 MB/s each: 64 x 1,639 beacons a second
    assert steps["64 KPUs, all busy"] == pytest.approx(64e6 / 610 / 2 * 86_400, rel=1e-4)
    assert list(steps.values()) == sorted(steps.values())
    for step in ladder():
        assert step.limit.used(step.events * 1.01, step.before) > 1
        assert step.limit.used(step.events * 1.01, step.after) <= 1


@pytest.mark.parametrize("events", SIZES)
def test_no_plan_exceeds_a_limit(events):
    found = planned(events)
    assert all(0 < part <= 1 for part in used(found).values())
    step = next_step(events)
    assert step is None or step.limit.name in used(found) or "busy" in step.limit.name


def test_limits_outside_the_ladder_are_far_away_even_at_the_top():
    never = {limit.name for limit in LIMITS} - {step.limit.name for step in ladder()}
    assert never == {"PutMetricData, 500 calls/s", "1,000 functions at once"}
    assert all(used(planned(10e9))[name] < 0.25 for name in never)


def test_dollars_of_a_million_a_day_by_hand():
    found = planned(1e6)
    counts = resources(found)
    assert (counts["shard"], counts["KPU"], counts["t4g.small"]) == (2, 2, 2)
    assert counts["public address"] == 4  # two servers, and the balancer in two zones
    month = 1e6 / 86_400 * 730 * 3600  # beacons
    assert counts["GB archived"] == pytest.approx(month * 5 * 1024 / 1024**3)
    # one connection for four beacons, 25 a second are a unit
    assert counts["LCU-hour"] == pytest.approx(1e6 / 86_400 / 4 / 25 * 730)
    assert month_of("KPU", 2) == pytest.approx(2 * 0.11 * 730)
    assert month_of("metric", 62) == pytest.approx(18.6)
    # two calls a second, $10 a million
    assert month_of("million PutMetricData", counts["million PutMetricData"]) == pytest.approx(
        2 * 730 * 3600 / 1e6 * 10
    )
    # The marks' item of 2 KB, written and read with each call; the catalog's 16 units once in ten
    # seconds, 11 rows of visits once a minute, and 22 units read each five seconds.
    assert counts["million writes"] == pytest.approx((4 + 1.6 + 11 / 60) * 730 * 3600 / 1e6)
    assert counts["million reads"] == pytest.approx((2 + 4.4) * 730 * 3600 / 1e6)
    # 54 rows a second, of which visits are 25.5: more than 70 % of the least 50 units
    assert counts["write unit"] == pytest.approx(found.rows / 0.7) and 53 < found.rows < 55
    assert counts["read unit"] == 25
    by_service = monthly(found)
    assert dollars(found) == pytest.approx(sum(by_service.values()))
    assert list(by_service.values()) == sorted(by_service.values(), reverse=True)
    assert set(counts) <= set(price_list()["prices"])


def test_a_thrifty_plan_costs_less():
    assert all(dollars(thrifty(planned(events))) < dollars(planned(events)) for events in SIZES)
    assert thrifty(planned(1e6)).put_calls == pytest.approx(1 / 5)
    # At a billion a day, records of 25 KB are full: less than a fifth of the archive's bytes.
    archived = [
        month_of("GB archived", resources(each)["GB archived"])
        for each in (planned(1e9), thrifty(planned(1e9)))
    ]
    assert archived[1] == pytest.approx(archived[0] * 610 / 5120, rel=0.05)


def test_ten_times_the_events_cost_less_than_three_times_as_much_per_counting_hour():
    hour = counting_hour()
    assert 2 * 3600 / 1e6 * 10 < hour < counting_hour(10e6) < 3 * hour


def test_an_hour_of_counting_and_a_month_cost_no_more_than_promised():
    # With the table's least capacity, which is billed while the table exists.
    assert counting_hour() + table_hour() <= 0.15
    assert table_hour() == pytest.approx(50 * 0.00065 + 25 * 0.00013 + 8 * 0.10 / 730)
    options = {option.name: option for option in cost_options()}
    grows, shared = (options[f"this design, {name}"] for name in ("as it grows", "shared KPUs"))
    # Without visits: 400, 600 and 1,500. At a million a day, visits have 73 metrics of $0.30, 27
    # write units of $0.47 and a second unit of each mark ($3.30); at ten and a hundred million,
    # most is for the rows of exit_pages.
    assert grows.months[1e6] <= 420 and grows.months[10e6] <= 650
    assert shared.months[100e6] <= 2050 and shared.p50 == grows.p50
    assert options["this design, packed"].p50 == pytest.approx(grows.p50 + 0.5 / 2)
    assert options["this design, thrifty"].p50 == pytest.approx(grows.p50 + 0.5 / 2 + 5 / 2)


def test_the_planner_has_the_templates_capacity_and_fewer_looks_than_lambda_has_polls():
    template = read_template("2-analyze")
    scaling = {
        each["Properties"]["ScalableDimension"]: each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
    }
    units = scaling["dynamodb:table:WriteCapacityUnits"]
    least = template["Parameters"]["WriteUnits"]["Default"]
    assert (least, units["MaxCapacity"]) == (LEAST_WRITE_UNITS, MOST_WRITE_UNITS)
    assert least == TABLE["write unit"]
    reads = scaling["dynamodb:table:ReadCapacityUnits"]
    assert reads["MinCapacity"] == READ_UNITS == TABLE["read unit"]
    used = [
        each["Properties"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
    ]
    assert used == [100 * USED_PART] * 2
    # Five shards of rows invoke process_metrics five times a second: Lambda has four polls.
    assert planned(1e9).metric_shards >= 3
    assert planned(1e9).put_calls == 4 * planned(1e9).table_shards


def test_the_median_on_aws_is_the_computed_one():
    assert measured()["assumed"]["aws_median_seconds"]["value"] == computed()["end to end"][0]


def test_cost_options_are_computed_from_resources():
    # two servers, a KPU and a balancer: the original's cost without events
    assert original_base() == pytest.approx(730 * (2 * 0.0464 + 0.11 + 0.0225))
    assert round(original_base()) == 164
    assert original_base() < original(1e6) < original(10e6) < original(100e6)
    options = {option.name: option.months for option in cost_options()}
    assert options["the original's claim"] == CLAIMED == {1e6: 100, 10e6: 170, 100e6: 950}
    ours = options["this design, as it grows"]
    assert ours == {events: dollars(planned(events)) for events in ours}
    # on demand: $29.20 and $0.16 a GB in place of a shard and its puts
    month = 1e6 / 86_400 * 730 * 3600
    instead = 0.04 * 730 + 0.16 * month * 610 / 1e9 - 0.015 * 730 - 0.014 * month / 1e6
    assert options["this design, on-demand stream"][1e6] - ours[1e6] == pytest.approx(instead)
