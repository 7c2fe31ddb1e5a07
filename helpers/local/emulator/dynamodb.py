"""DynamoDB: a table made by CloudFormation gets the TimeToLiveSpecification of its template.

MiniStack has time to live, with a reaper that deletes expired items, but its CloudFormation
ignores the property: DescribeTimeToLive says DISABLED.
"""

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

_TABLE = "AWS::DynamoDB::Table"


def apply() -> None:
    """Set the time to live whenever CloudFormation has created a table."""
    handlers = provisioners._RESOURCE_HANDLERS[_TABLE]
    create = handlers["create"]

    def create_with_time_to_live(logical_id: str, properties: dict, stack: str) -> tuple:
        name, attributes = create(logical_id, properties, stack)
        if specification := properties.get("TimeToLiveSpecification"):
            enabled = str(specification.get("Enabled")).lower() == "true"
            specification = {**specification, "Enabled": enabled}
            dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": specification})
        return name, attributes

    handlers["create"] = create_with_time_to_live
