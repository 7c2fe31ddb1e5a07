"""Days as a page shows them: in English, in whatever language the kernel was started."""

from datetime import datetime

from assets.agent.access_log import MONTHS


def day(moment: datetime) -> str:
    """Return a moment's day; strftime's `%b` would follow the language that a program has chosen.

    Args:
        moment: a datetime of the zone in which it is shown.

    Example:
        >>> day(datetime(2026, 11, 25))
        '25 Nov'
    """
    return f"{moment.day} {MONTHS[moment.month - 1]}"
