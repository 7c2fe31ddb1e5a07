"""The definition of a beacon in Python: the request, the bucket and the horizon.

A bot's beacon is one, too, but only the metric bot_count counts it (assets/agent/user_agent.py).
The SQL repeats the definition (assets/flink/sql/03_copies.sql). The servers answer 404 to every
other spelling of the path (assets/fleet/httpd.conf, answers.py). All are tested against
tests/beacon_lines.py.
"""

import re

BUCKET_SECONDS = 10
HORIZON_SECONDS = 3600  # a beacon that arrives later after its request is rejected as too_late
PATH = "/beacon"
HEALTH_CHECKER = "ELB-HealthChecker"  # the load balancer's User-Agent begins with it
_REQUEST = re.compile(rf"(?:GET|POST) {PATH}(?:[? ]|\Z)")


def is_beacon_line(request: object, status: object, agent: object) -> bool:
    """Return whether a log line is a beacon: a GET or POST of /beacon, answered with status 200.

    Args:
        request: the request line; None (or another type) if there was none.
        status: the response's status code.
        agent: the User-Agent; the load balancer's health check is no beacon.

    Example:
        >>> is_beacon_line("GET /beacon?a=b HTTP/1.1", 200, None)
        True
        >>> is_beacon_line("GET //beacon HTTP/1.1", 200, None)
        False
    """
    return (
        isinstance(request, str)
        and _REQUEST.match(request) is not None
        and status == 200
        and not (isinstance(agent, str) and agent.startswith(HEALTH_CHECKER))
    )
