"""Any text as a CloudWatch dimension value, which takes less than a DynamoDB item does."""

import hashlib

LONGEST = 255  # characters of a dimension value
HASH_DIGITS = 8
BLANK, OTHER = "(blank)", "(other)"


def dimension_value(item: str) -> str:
    """Return an item as CloudWatch can name it: printable ASCII, 1 to 255 characters.

    Other characters are percent-encoded, as in a URL. So a page and its encoded form are one: `/é`
    and `/%C3%A9` add up in CloudWatch, as they are the same page to a browser.

    Args:
        item: a metric's MetricItem, e.g. `/cart`.

    Returns:
        The value. A longer one is cut, and ends in hex digits of the whole item's SHA-256, so that
        items which begin alike stay apart.

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
