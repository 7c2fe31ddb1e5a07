"""What a notebook imports: `from helpers import connect, deploy, Traffic, ...`.

Each name is loaded when it is first asked for. The local target's processes live in this package
too, and need neither pandas nor matplotlib: loading all of it would cost each of them a second or
two at every start, and 100 MB.
"""

import importlib
from typing import Any

_MODULE_OF = {
    "Traffic": "traffic",
    "WorkshopError": "errors",
    "add_metric": "metric_catalog",
    "add_widget": "dashboards",
    "alarm_history": "alarms",
    "alarm_states": "alarms",
    "archived_beacons": "archive",
    "bar_chart": "charts",
    "beside_the_field": "field",
    "beside_the_original": "original",
    "break_buttons": "break_panel",
    "catalog": "dynamodb",
    "chart": "charts",
    "cloudwatch_values": "cloudwatch",
    "compare": "recount",
    "connect": "targets",
    "cost": "bill",
    "counted_again": "recovery",
    "dashboard": "dashboards",
    "dead_letters": "dead_letter_queue",
    "deploy": "deployment",
    "destroy": "teardown",
    "detector_picture": "detector_chart",
    "disconnect": "targets",
    "extend_expiry": "deployment",
    "fault": "faults",
    "field_table": "field",
    "fleet_size": "fleet",
    "inbox": "alarms",
    "kill": "kills",
    "latency": "stage_times",
    "ledger": "accounts",
    "let_run": "waiting",
    "live_chart": "charts",
    "live_dashboard": "board",
    "live_stream_chart": "charts",
    "metric_values": "dynamodb",
    "newest_records": "stream",
    "outputs": "deployment",
    "own_address": "address",
    "planner_figures": "units",
    "progress": "modules_passed",
    "query_archive": "athena",
    "reconcile": "reconciling",
    "replay_dead_letters": "dead_letter_queue",
    "scale_planner": "scale_panel",
    "score_detectors": "detector",
    "send_beacon": "by_hand",
    "send_clicks": "late_lab",
    "send_late": "late_lab",
    "show_site": "site",
    "show_sql": "flink_sql",
    "simulated_crowd": "crowd_picture",
    "small_crowd": "crowd_run",
    "snapshot": "snapshots",
    "start_analytics": "analytics",
    "statements_folder": "flink_sql",
    "stop_analytics": "analytics",
    "stop_charts": "live",
    "two_clocks": "clocks",
    "update_analytics": "analytics",
}
# No module may have the name of what it holds: importing it would put the module in its place.
__all__ = ["check", *_MODULE_OF]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
