r"""Formats in which a request is a line of text with quoted fields.

Apache and nginx (https://httpd.apache.org/docs/2.4/logs.html#accesslog), nginx proxy manager, and
AWS's load balancers
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html).
All escape a byte that would break the line, as `\"` or `\xhh`; that is undone here, so that the
beacon server, which logs in the same way, logs the same value again.
"""

import re

from assets.agent.access_log import unescape

from .request import (
    Request,
    apache_time,
    iso_time,
    page_of,
    path_of,
    present,
    query_of,
    without_port,
)

# Possessive quantifiers: an untrusted line in another format must not cause backtracking.
_QUOTED = rb'"((?:[^"\\]++|\\.)*+)"'
# The user's name may contain spaces and brackets: it ends before the first `[...] "`.
_USER = rb'.(?: \[[^\]]*+\](?! ")|(?! \[).)*+'
_REST = rb" \[([^\]]*+)\] %b(?: \S++ \S++(?: %b %b)?)?" % (_QUOTED, _QUOTED, _QUOTED)
_APACHE = re.compile(rb"(\S++) \S++ %b%b" % (_USER, _REST))
# The site's name comes first. So the user's name begins one field later, and is one word.
_WITH_SITE = re.compile(rb"(\S++) (\S++) \S++ \S++%b" % _REST)
_PROXY_MANAGER = re.compile(
    rb"\[([^\]]*+)\] (?:\S++ ){1,4}?- \S++ \S++ (\S++) %b \[Client ([^\]]*+)\]"
    rb"(?: \[[^\]]*+\])*+ %b %b" % (_QUOTED, _QUOTED, _QUOTED)
)
# h2 2026-11-25T00:00:00.5Z app/name/id 192.0.2.1:5000 10.0.0.1:80 0 0 0 200 200 34 366 "..." "..."
_LOAD_BALANCER = re.compile(
    rb"(?:(?:https?|h2|grpcs|wss?) )?+(\S++) \S++ (\S++)(?: \S++){8} %b %b" % (_QUOTED, _QUOTED)
)


def apache(line: bytes) -> Request | None:
    """Read a line of Apache's or nginx's common or combined format; more fields may follow.

    Example:
        >>> apache(b'::1 - - [25/Nov/2026:00:00:00 +0000] "GET /a?b HTTP/1.1" 200 5').page
        b'/a'
    """
    match = _APACHE.match(line)
    return match and _of_apache(None, *match.groups())


def apache_with_site(line: bytes) -> Request | None:
    """Read a line that begins with the site's name (Apache's vhost_combined, nginx's $host)."""
    match = _WITH_SITE.match(line)
    return match and _of_apache(*match.groups())


def _of_apache(
    site: bytes | None,
    address: bytes,
    time: bytes,
    request: bytes,
    referrer: bytes | None,
    agent: bytes | None,
) -> Request:
    asked = unescape(request)
    return Request(
        without_port(address),
        _value(agent),
        _value(referrer),
        page_of(asked),
        apache_time(time),
        query_of(asked),
        site,
    )


def proxy_manager(line: bytes) -> Request | None:
    """Read a line of nginx proxy manager, of a proxied site or of another one."""
    match = _PROXY_MANAGER.match(line)
    if match is None:
        return None
    time, site, escaped, address, agent, referrer = match.groups()
    url = unescape(escaped)
    return Request(
        without_port(address),
        _value(agent),
        _value(referrer),
        path_of(url),
        apache_time(time),
        query_of(url),
        site,
    )


def load_balancer(line: bytes) -> Request | None:
    """Read a line of an application load balancer, or of a classic one."""
    match = _LOAD_BALANCER.match(line)
    if match is None:
        return None
    text, client, request, agent = match.groups()
    time = iso_time(text.decode("ascii", "replace"))
    if time is None:
        return None
    asked = unescape(request)
    url = page_of(asked)
    address = client.rsplit(b":", 1)[0].strip(b"[]")  # always with a port, which IPv6 may follow
    return Request(address, _value(agent), None, url and path_of(url), time, query_of(asked))


def _value(text: bytes | None) -> bytes | None:
    text = present(text)
    return text and unescape(text)
