"""What one AWS call costs, in units of assets/prices.json: 2 of `million writes` are $1.25.

Only what this workshop calls, and what AWS bills by the call: reading a Kinesis stream, a table's
stream, or anything of CloudFormation costs nothing. Units of a provisioned table are used, not
bought; they have names without a price.

https://aws.amazon.com/{kinesis/data-streams,dynamodb,cloudwatch,s3}/pricing
"""

from collections.abc import Mapping

PUT_UNIT_BYTES = 25 * 1024  # Kinesis bills a put in units of 25 KB
FIREHOSE_BYTES = 5 * 1024  # Firehose bills each record as a multiple of it; a beacon is smaller
PROVISIONED = "-MetricDetails"  # the end of the provisioned table's name: cfn/2-analyze.yaml
USED_WRITES, USED_READS = "used write units", "used read units"
_READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
# $0.01 for 1,000 of them; GetMetricData is billed by the metrics instead.
_CLOUDWATCH = {"ListMetrics", "GetMetricStatistics", "ListDashboards", "GetDashboard",
               "PutDashboard", "DeleteDashboards"}  # fmt: skip
MILLION = 1e6


def put_units(count: int, size: int) -> float:
    """Return the units of a put into Kinesis; each record of this workshop is below 25 KB.

    Args:
        count: records.
        size: bytes of all of them.

    Example:
        >>> put_units(2, 1300), put_units(1, 60_000)
        (2, 3)
    """
    return max(count, -(-size // PUT_UNIT_BYTES))


def billed_units(
    service: str,
    operation: str,
    *,
    records: int = 0,
    size: int = 0,
    metrics: int = 0,
    capacity: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return what a call is billed for: names of prices, and counts.

    Args:
        service: its name in boto3, e.g. `"dynamodb"`.
        operation: e.g. `"PutItem"`; for S3 the method, e.g. `"PUT"`, too.
        records, size: of a put into Kinesis: its records, and their bytes.
        metrics: of GetMetricData: the metrics that it asks for.
        capacity: of DynamoDB: the consumed units by table, as its answer contains them.

    Example:
        >>> billed_units("cloudwatch", "GetMetricData", metrics=60)
        {'million metrics read': 6e-05}
    """
    if service == "kinesis" and operation in ("PutRecord", "PutRecords"):
        return {"million puts": put_units(records, size) / MILLION}
    if service == "cloudwatch":
        if operation == "GetMetricData":
            return {"million metrics read": metrics / MILLION}
        if operation == "PutMetricData":
            return {"million PutMetricData": 1 / MILLION}
        return {"million CloudWatch calls": 1 / MILLION} if operation in _CLOUDWATCH else {}
    if service == "s3":
        read = operation in ("GET", "HEAD", "GetObject", "HeadObject")
        free = operation in ("DELETE", "DeleteObject", "DeleteObjects")
        return {} if free else {"million S3 gets" if read else "million S3 puts": 1 / MILLION}
    return _of_tables(operation, capacity or {}) if service == "dynamodb" else {}


def _of_tables(operation: str, capacity: Mapping[str, float]) -> dict[str, float]:
    units: dict[str, float] = {}
    for table, count in capacity.items():
        reads = operation in _READS
        name, share = ("million reads" if reads else "million writes"), 1 / MILLION
        if table.endswith(PROVISIONED):
            name, share = (USED_READS if reads else USED_WRITES), 1.0
        # A unit on demand reads 4 KB with strong consistency, as one of a provisioned table does.
        units[name] = units.get(name, 0) + count * share
    return units
