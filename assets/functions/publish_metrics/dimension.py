"""Converts any text to a CloudWatch dimension value, which allows less than DynamoDB does."""

import hashlib

LONGEST = 255  # characters of a dimension value
HASH_DIGITS = 8
BLANK, OTHER = "(blank)", "(other)"


def dimension_value(item: str) -> str:
    """Return an item as a dimension value: 1 to 255 characters of printable ASCII.

    Other characters are percent-encoded, as in a URL. So `/é` and `/%C3%A9`, which are the same
    page for a browser, are added up in CloudWatch.

    Args:
        item: a metric's MetricItem, e.g. `/cart`.

    Returns:
        The value. A longer one is cut and ends with hex digits of the whole item's SHA-256, so that
        items with the same beginning have different values.

    Limits: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html

    Example:
        >>> dimension_value("/café")
        '/caf%C3%A9'
    """
    if not item.strip():
        return BLANK
    value = "".join(
        character if " " <= character <= "~" else _encoded(character) for character in item
    )
    if value.startswith(":"):
        value = f"%3A{value[1:]}"
    if len(value) > LONGEST:
        digits = hashlib.sha256(item.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
        value = value[: LONGEST - HASH_DIGITS] + digits
    return value


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
