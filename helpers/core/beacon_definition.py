"""What counts as a beacon, in which bucket, and until when: the one definition in Python.

The SQL says the same in its own words (assets/flink/sql/03_copies.sql). The servers see to it that
no other request is answered as if it counted (assets/fleet/httpd.conf, answers.py): another
spelling of the same path is answered 404. tests/beacon_lines.py is the table that they all share.
"""

import re

BUCKET_SECONDS = 10
HORIZON_SECONDS = 3600  # a beacon that arrives later after its request is rejected as too_late
PATH = "/beacon"
HEALTH_CHECKER = "ELB-HealthChecker"  # how the load balancer's own requests begin their User-Agent
_REQUEST = re.compile(rf"(?:GET|POST) {PATH}(?:[? ]|\Z)")


def is_beacon_line(request: object, status: object, agent: object) -> bool:
    """Return whether a log line is a beacon's: a GET or POST of /beacon that was answered 200.

    Args:
        request: the request line; None (or what is no text) if there was none.
        status: the answer's status.
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
