"""What a notebook imports: `from helpers import connect, deploy, Traffic, ...`.

Each name is loaded when it is first asked for. The local target's processes live in this package
too, and need neither pandas nor matplotlib: loading all of it would cost each of them a second or
two at every start, and 100 MB.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names, for IDEs and type checkers; a test holds both lists equal
    from .audit.dead_letters import dead_letters as dead_letters
    from .audit.dead_letters import replay_dead_letters as replay_dead_letters
    from .audit.ledger import ledger as ledger
    from .audit.reconcile import reconcile as reconcile
    from .audit.recount import compare as compare
    from .audit.snapshots import snapshot as snapshot
    from .audit.visit_cuts import visits_by_clock as visits_by_clock
    from .backfill.rebuild import rebuild as rebuild
    from .connection.connect import connect as connect
    from .connection.connect import disconnect as disconnect
    from .connection.preflight import preflight as preflight
    from .connection.public_ip import public_ip as public_ip
    from .core.errors import WorkshopError as WorkshopError
    from .core.module_progress import progress as progress
    from .core.waiting import poll_until as poll_until
    from .core.waiting import wait as wait
    from .dashboards.charts import bar_chart as bar_chart
    from .dashboards.charts import chart as chart
    from .dashboards.charts import live_chart as live_chart
    from .dashboards.charts import live_stream_chart as live_stream_chart
    from .dashboards.cloudwatch_dashboard import add_widget as add_widget
    from .dashboards.cloudwatch_dashboard import dashboard as dashboard
    from .dashboards.early_and_final import early_and_final as early_and_final
    from .dashboards.funnel import live_funnel as live_funnel
    from .dashboards.site_dashboard import live_dashboard as live_dashboard
    from .deployment.cost import cost as cost
    from .deployment.deploy import deploy as deploy
    from .deployment.deploy import extend_expiry as extend_expiry
    from .deployment.destroy import destroy as destroy
    from .deployment.fleet import fleet_size as fleet_size
    from .deployment.flink_application import start_analytics as start_analytics
    from .deployment.flink_application import stop_analytics as stop_analytics
    from .deployment.flink_application import update_analytics as update_analytics
    from .deployment.flink_sql import show_sql as show_sql
    from .deployment.flink_sql import sql_folder as sql_folder
    from .deployment.metric_catalog import add_metric as add_metric
    from .deployment.shop_frame import show_site as show_site
    from .deployment.stacks import outputs as outputs
    from .exercises.analyze import arrival_delays as arrival_delays
    from .exercises.break_it import broken_pipeline as broken_pipeline
    from .exercises.prediction_widget import outcome as outcome
    from .exercises.prediction_widget import predict as predict
    from .exercises.prediction_widget import predictions as predictions
    from .experiments.detector_benchmark import score_detectors as score_detectors
    from .experiments.detector_figure import detector_chart as detector_chart
    from .experiments.fault_injection import fault as fault
    from .experiments.fault_panel import fault_buttons as fault_buttons
    from .experiments.flash_crowd import run_flash_crowd as run_flash_crowd
    from .experiments.gap_change import visit_changes as visit_changes
    from .experiments.gap_change import visit_snapshot as visit_snapshot
    from .experiments.late_data import send_clicks as send_clicks
    from .experiments.late_data import send_late as send_late
    from .experiments.lost_table import delete_rows as delete_rows
    from .experiments.original_comparison import compare_with_original as compare_with_original
    from .experiments.process_kill import kill as kill
    from .experiments.recovery import time_to_recovery as time_to_recovery
    from .experiments.steady_traffic import steady_traffic as steady_traffic
    from .experiments.visitor import Visitor as Visitor
    from .planning.cost_comparison import cost_comparison as cost_comparison
    from .planning.cost_comparison import cost_comparison_table as cost_comparison_table
    from .planning.limits import planner_figures as planner_figures
    from .planning.planner_widget import scale_planner as scale_planner
    from .planning.price_meter import price_meter as price_meter
    from .planning.queue_figure import simulate_flash_crowd as simulate_flash_crowd
    from .plotting.live_view import stop_charts as stop_charts
    from .sharing.joining import join_class as join_class
    from .sharing.joining import leave_class as leave_class
    from .stores.alarms import alarm_history as alarm_history
    from .stores.alarms import alarm_messages as alarm_messages
    from .stores.alarms import alarm_states as alarm_states
    from .stores.archive import archived_beacons as archived_beacons
    from .stores.athena import query_archive as query_archive
    from .stores.cloudwatch import cloudwatch_values as cloudwatch_values
    from .stores.dynamodb import catalog as catalog
    from .stores.dynamodb import metric_values as metric_values
    from .stores.kinesis import newest_records as newest_records
    from .teaching.class_page import class_progress as class_progress
    from .timing.stage_latency import latency as latency
    from .traffic.send_beacon import send_beacon as send_beacon
    from .traffic.traffic import Traffic as Traffic

_MODULE_OF = {
    "Traffic": "traffic.traffic",
    "Visitor": "experiments.visitor",
    "WorkshopError": "core.errors",
    "add_metric": "deployment.metric_catalog",
    "add_widget": "dashboards.cloudwatch_dashboard",
    "alarm_history": "stores.alarms",
    "alarm_messages": "stores.alarms",
    "alarm_states": "stores.alarms",
    "archived_beacons": "stores.archive",
    "arrival_delays": "exercises.analyze",
    "bar_chart": "dashboards.charts",
    "broken_pipeline": "exercises.break_it",
    "catalog": "stores.dynamodb",
    "chart": "dashboards.charts",
    "class_progress": "teaching.class_page",
    "cloudwatch_values": "stores.cloudwatch",
    "compare": "audit.recount",
    "compare_with_original": "experiments.original_comparison",
    "connect": "connection.connect",
    "cost": "deployment.cost",
    "cost_comparison": "planning.cost_comparison",
    "cost_comparison_table": "planning.cost_comparison",
    "dashboard": "dashboards.cloudwatch_dashboard",
    "dead_letters": "audit.dead_letters",
    "delete_rows": "experiments.lost_table",
    "deploy": "deployment.deploy",
    "destroy": "deployment.destroy",
    "detector_chart": "experiments.detector_figure",
    "disconnect": "connection.connect",
    "early_and_final": "dashboards.early_and_final",
    "extend_expiry": "deployment.deploy",
    "fault": "experiments.fault_injection",
    "fault_buttons": "experiments.fault_panel",
    "fleet_size": "deployment.fleet",
    "join_class": "sharing.joining",
    "kill": "experiments.process_kill",
    "latency": "timing.stage_latency",
    "leave_class": "sharing.joining",
    "ledger": "audit.ledger",
    "live_chart": "dashboards.charts",
    "live_dashboard": "dashboards.site_dashboard",
    "live_funnel": "dashboards.funnel",
    "live_stream_chart": "dashboards.charts",
    "metric_values": "stores.dynamodb",
    "newest_records": "stores.kinesis",
    "outcome": "exercises.prediction_widget",
    "outputs": "deployment.stacks",
    "planner_figures": "planning.limits",
    "poll_until": "core.waiting",
    "predict": "exercises.prediction_widget",
    "predictions": "exercises.prediction_widget",
    "preflight": "connection.preflight",
    "price_meter": "planning.price_meter",
    "progress": "core.module_progress",
    "public_ip": "connection.public_ip",
    "query_archive": "stores.athena",
    "rebuild": "backfill.rebuild",
    "reconcile": "audit.reconcile",
    "replay_dead_letters": "audit.dead_letters",
    "run_flash_crowd": "experiments.flash_crowd",
    "scale_planner": "planning.planner_widget",
    "score_detectors": "experiments.detector_benchmark",
    "send_beacon": "traffic.send_beacon",
    "send_clicks": "experiments.late_data",
    "send_late": "experiments.late_data",
    "show_site": "deployment.shop_frame",
    "show_sql": "deployment.flink_sql",
    "simulate_flash_crowd": "planning.queue_figure",
    "snapshot": "audit.snapshots",
    "sql_folder": "deployment.flink_sql",
    "start_analytics": "deployment.flink_application",
    "steady_traffic": "experiments.steady_traffic",
    "stop_analytics": "deployment.flink_application",
    "stop_charts": "plotting.live_view",
    "time_to_recovery": "experiments.recovery",
    "update_analytics": "deployment.flink_application",
    "visit_changes": "experiments.gap_change",
    "visit_snapshot": "experiments.gap_change",
    "visits_by_clock": "audit.visit_cuts",
    "wait": "core.waiting",
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
