"""The property groups of a Flink application."""

from typing import Any

Groups = dict[str, dict[str, str]]
# As cfn/2-analyze.yaml has them, as far as a plan needs them (tests/unit/flink/test_plans.py).
DEFAULT_GROUPS: Groups = {
    "clicks": {"format": "json", "json.ignore-parse-errors": "true"},
    "metrics": {"format": "debezium-json"},
    "flink": {
        "table.local-time-zone": "UTC",
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": "500 ms",
        "table.exec.mini-batch.size": "50000",
    },
}


def property_groups(detail: dict[str, Any]) -> Groups:
    """Return an application's property groups by their names.

    Args:
        detail: the `ApplicationDetail` of DescribeApplication.
    """
    configuration = detail.get("ApplicationConfigurationDescription", {})
    properties = configuration.get("EnvironmentPropertyDescriptions", {})
    found = properties.get("PropertyGroupDescriptions", [])
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in found}
