"""What a rebuild costs on AWS: calls and rows, by the list of prices."""

from helpers.planning.price_meter import price_of

# publish_metrics puts at least so many values a call, as a rule (its batches have up to 500 rows).
VALUES_A_CALL = 100


def reading_cost(objects: int) -> float:
    """Return the cost of reading objects of the archive, in dollars.

    Args:
        objects: their number.

    Example:
        >>> reading_cost(1_000_000)
        0.4
    """
    return price_of({"million S3 gets": objects / 1e6})


def sending_cost(rows: int, metrics_read: int) -> float:
    """Return the cost of rows that are sent, in dollars: streams, table, and CloudWatch.

    Args:
        rows: their number.
        metrics_read: by GetMetricData, for rows that the table lacks.

    Example:
        >>> round(sending_cost(1_000_000, 0), 2)
        0.74
    """
    return price_of(
        {
            "million puts": rows / 1e6,
            "million writes": rows / 1e6,
            "million PutMetricData": rows / VALUES_A_CALL / 1e6,
            "million metrics read": metrics_read / 1e6,
        }
    )


def dollars(cost: float) -> str:
    """Return a cost for a sentence.

    Example:
        >>> dollars(0.0004), dollars(1.234)
        ('less than $0.01', '$1.23')
    """
    return "less than $0.01" if cost < 0.01 else f"${cost:.2f}"
