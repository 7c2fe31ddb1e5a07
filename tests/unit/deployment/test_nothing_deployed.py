"""The notebooks' helpers before anything is deployed: their errors name the module to deploy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import helpers
from helpers import check
from helpers.core.cloud import Cloud
from helpers.core.errors import NotDeployed, WorkshopError
from helpers.core.paths import REPOSITORY

VISITS = None  # of an earlier snapshot: nothing is compared
BUCKET = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
LOG = REPOSITORY / "assets" / "sample" / "access.log.gz"
WIDGET = {"title": "Mine", "metrics": [["RealtimeWebAnalytics", "event_count"]]}
METRIC = {"title": "Load time", "unit": "Milliseconds", "statistic": "Average"}

# Name: a call, and the module that the error's remedy must name.
CALLS = {
    "add_metric": (lambda c: helpers.add_metric(c, "avg_pg_ld", **METRIC), "2-analyze"),
    "add_widget": (lambda c: helpers.add_widget(c, WIDGET), "3-visualize"),
    "alarm_history": (lambda c: helpers.alarm_history(c, "rwa-clicks"), "3-visualize"),
    "alarm_states": (helpers.alarm_states, "3-visualize"),
    "archived_beacons": (helpers.archived_beacons, "1-capture"),
    "compare_with_original": (lambda c: helpers.compare_with_original(c, BUCKET), "2-analyze"),
    "catalog": (helpers.catalog, "2-analyze"),
    "chart": (lambda c: helpers.chart(c, "event_count"), "2-analyze"),
    "cloudwatch_values": (lambda c: helpers.cloudwatch_values(c, "event_count"), "2-analyze"),
    "compare": (lambda c: helpers.compare(c, BUCKET), "1-capture"),
    "time_to_recovery": (helpers.time_to_recovery, "2-analyze"),
    "dashboard": (helpers.dashboard, "3-visualize"),
    "dead_letters": (helpers.dead_letters, "2-analyze"),
    "deploy": (lambda c: helpers.deploy(c, "2-analyze"), "1-capture"),
    "extend_expiry": (helpers.extend_expiry, "1-capture"),
    "fleet_size": (lambda c: helpers.fleet_size(c, 3), "1-frontend"),
    "alarm_messages": (helpers.alarm_messages, "3-visualize"),
    "latency": (helpers.latency, "1-capture"),
    "live_stream_chart": (helpers.live_stream_chart, "1-capture"),
    "metric_values": (lambda c: helpers.metric_values(c, "event_count"), "2-analyze"),
    "newest_records": (helpers.newest_records, "1-capture"),
    "outputs": (lambda c: helpers.outputs(c, "3-visualize"), "3-visualize"),
    "query_archive": (lambda c: helpers.query_archive(c, "SELECT 1"), "1-capture"),
    "reconcile": (helpers.reconcile, "2-analyze"),
    "replay_dead_letters": (helpers.replay_dead_letters, "2-analyze"),
    "send_beacon": (lambda c: helpers.send_beacon(c, "click", "/", "me"), "1-frontend"),
    "send_clicks": (helpers.send_clicks, "1-frontend"),
    "send_late": (lambda c: helpers.send_late(c, 1, at=BUCKET), "1-capture"),
    "snapshot": (helpers.snapshot, "2-analyze"),
    "start_analytics": (helpers.start_analytics, "2-analyze"),
    "stop_analytics": (helpers.stop_analytics, "2-analyze"),
    "update_analytics": (helpers.update_analytics, "2-analyze"),
    "visit_changes": (lambda c: helpers.visit_changes(c, VISITS), "2-analyze"),
    "visit_snapshot": (helpers.visit_snapshot, "2-analyze"),
    "visits_by_clock": (helpers.visits_by_clock, "1-capture"),
    "visitor.views": (lambda c: helpers.Visitor(c, "ann").views(10), "2-analyze"),
    "traffic.start": (lambda c: helpers.Traffic(c).start(), "1-frontend"),
    "traffic.replay": (lambda c: helpers.Traffic(c).replay(LOG), "1-frontend"),
}


@pytest.fixture
def bare(emulator, own_home) -> Cloud:
    return replace(emulator, prefix="bare")


@pytest.mark.parametrize("name", CALLS)
def test_the_error_names_the_module_to_deploy(bare, name):
    call, module = CALLS[name]
    with pytest.raises(NotDeployed) as error:
        call(bare)
    assert f'deploy(cloud, "{module}")' in error.value.remedy


@pytest.mark.parametrize(
    "name", ["captured", "analyzed", "visualized", "extended", "unbroken", "visits"]
)
def test_a_check_without_traffic_proposes_to_start_it(bare, name):
    with pytest.raises(WorkshopError) as error:
        getattr(check, name)(bare, helpers.Traffic(bare))
    assert "traffic.start(" in error.value.remedy
