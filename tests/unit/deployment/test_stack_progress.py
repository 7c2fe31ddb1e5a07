"""The progress of a deployment: one row per resource."""

from datetime import UTC, datetime, timedelta

from helpers.deployment.stack_progress import Row, rows


def event(name, status, second, kind="AWS::Kinesis::Stream"):
    return {
        "LogicalResourceId": name,
        "ResourceType": kind,
        "ResourceStatus": status,
        "Timestamp": datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=second),
    }


def test_rows_show_ready_pending_and_failed_resources():
    events = [
        event("stack", "CREATE_IN_PROGRESS", 0, "AWS::CloudFormation::Stack"),
        event("Clicks", "CREATE_IN_PROGRESS", 1),
        event("Role", "CREATE_IN_PROGRESS", 1, "AWS::IAM::Role"),
        event("Logs", "CREATE_IN_PROGRESS", 1, "AWS::Logs::LogGroup"),
        event("Clicks", "CREATE_COMPLETE", 8),
        event("Bucket", "CREATE_IN_PROGRESS", 8, "AWS::S3::Bucket"),
        event("Logs", "CREATE_COMPLETE", 3, "AWS::Logs::LogGroup"),
        event("Table", "CREATE_IN_PROGRESS", 8, "AWS::DynamoDB::Table"),
        event("Table", "CREATE_FAILED", 9, "AWS::DynamoDB::Table"),
        event("Table", "DELETE_COMPLETE", 10, "AWS::DynamoDB::Table"),
    ]
    now = datetime(2026, 11, 25, 0, 0, 12, tzinfo=UTC)
    assert rows(events, now) == [
        Row("✓", "Clicks", "stream of records", 7.0),
        Row("…", "Bucket", "bucket of files", 4.0),
        Row("✗", "Table", "table", 1.0),
        Row("…", "2 supporting parts", "permissions, keys, logs", 11.0),
    ]
