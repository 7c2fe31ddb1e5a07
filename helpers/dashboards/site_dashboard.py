"""The site owner's dashboard: visitors, visits, what they see, where they come from."""

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError

from .site_board import SiteBoard
from .site_figures import Choice
from .site_periods import PERIODS
from .site_reader import SiteReader


def live_dashboard(cloud: Cloud, show: str = "5 minutes", period: float = 2) -> SiteBoard:
    """Start a dashboard of tiles and lists that redraws itself while other cells run.

    The owner chooses the period and a tab of lists. An item of a list is a button: then only the
    visits with this item are shown, counted again from the archive. Five minutes come from the
    tables. Of an hour and of today, all but the newest minutes come from CloudWatch, which is read
    once a minute.

    On AWS, one reading of five minutes is 12 queries and a DescribeAlarms; the queries use the
    table's own read units. Every ten seconds, one GetMetricData of four statistics comes with it: 2
    cents an hour. The periods `hour` and `today` read up to 200 metrics a minute, which is 12 cents
    an hour (one cent for 1,000).

    Args:
        cloud: where the tables, metrics and alarms are.
        show: the first period: `5 minutes`, `hour` or `today` (since midnight, UTC).
        period: seconds from one reading to the next.

    Returns:
        The running dashboard. As the last line of a cell it is shown; `.stop()` ends it.

    Raises:
        WorkshopError: there is no such period. An error while reading (for example, a module
            is not deployed) is shown under the dashboard, which tries again.

    Example:
        `live_dashboard(cloud)`
    """
    if show not in PERIODS:
        raise WorkshopError(
            f'The dashboard has no period "{show}".', f"Use one of {', '.join(PERIODS)}."
        )
    reader = SiteReader(cloud)
    name = cloud.name("live-dashboard")
    return SiteBoard(reader.read, Choice(period=PERIODS[show]), name, period).start()
