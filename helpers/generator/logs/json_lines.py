r"""Formats in which each line is a JSON object: nginx's with any names, and Caddy's.

An nginx without `escape=json` writes `\x22` for a quotation mark, which is no JSON; it is read all
the same (https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format).
"""

import json
import math
import re
from typing import Any

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

# The names that are common in nginx's configurations, CloudFront's own, and Caddy's.
_ADDRESS = ("remote_addr", "client_ip", "remote_ip", "clientip", "client", "ClientHost", "c-ip")
_TIME = ("time_local", "time_iso8601", "@timestamp", "timestamp", "time", "ts", "msec", "StartUTC")
_URL = ("request_uri", "uri", "path", "url", "RequestPath", "cs-uri-stem")
_AGENT = ("http_user_agent", "user_agent", "agent", "request_User-Agent", "cs(User-Agent)")
_REFERRER = ("http_referer", "http_referrer", "referer", "referrer", "request_Referer")
_QUERY = ("args", "query_string", "cs-uri-query")
_SITE = ("http_host", "host", "server_name", "vhost", "RequestHost", "x-host-header")
_HEX = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LATEST_SECONDS = 1e11  # a larger number is of milliseconds


def nginx(line: bytes) -> Request | None:
    """Read a line of a JSON log whose names are usual for nginx.

    Example:
        >>> nginx(b'{"remote_addr": "::1", "msec": "1.5", "request": "GET /a?b HTTP/1.1"}').page
        b'/a'
    """
    fields = _parsed(line)
    return None if fields is None else _request(fields, fields)


def caddy(line: bytes) -> Request | None:
    """Read a line of Caddy's access log (https://caddyserver.com/docs/caddyfile/directives/log)."""
    fields = _parsed(line)
    request = None if fields is None else fields.get("request")
    if fields is None or not isinstance(request, dict):
        return None
    headers = request.get("headers")
    if isinstance(headers, dict):
        lower = {name.lower(): value for name, value in headers.items()}
        names = {"user_agent": "user-agent", "referer": "referer"}
        request = request | {ours: _first(lower.get(theirs)) for ours, theirs in names.items()}
    return _request(fields, request)


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.lstrip().startswith(b"{"):
        return None
    for text in (line, _HEX.sub(_escaped, line)):
        try:
            fields = json.loads(text.decode("utf-8", "backslashreplace"), strict=False)
        except (ValueError, RecursionError):
            continue
        return fields if isinstance(fields, dict) else None
    return None


def _escaped(match: re.Match[bytes]) -> bytes:
    """Return a byte that nginx wrote as `\\xhh`, as JSON allows it; any other escape as it is."""
    if match[1] is None:
        return match[0]
    byte = bytes([int(match[1], 16)])
    return rb"\u00%02x" % byte[0] if byte < b" " or byte in b'"\\' else byte


def _request(fields: dict[str, Any], request: dict[str, Any]) -> Request | None:
    """Read the request; `fields` has the time."""
    address, time = _text(request, _ADDRESS), _time(fields)
    line = request.get("request")
    asked = line.encode("utf-8", "replace") if isinstance(line, str) else None
    page, query = (page_of(asked), query_of(asked)) if asked is not None else (None, None)
    if (url := _text(request, _URL)) is not None:
        page, query = path_of(url), query_of(url) or _text(request, _QUERY) or query
    elif asked is None:
        return None
    if address is None or time is None:
        return None
    agent, referrer, site = (_text(request, names) for names in (_AGENT, _REFERRER, _SITE))
    return Request(without_port(address), agent, referrer, page, time, query, site)


def _text(fields: dict[str, Any], names: tuple[str, ...]) -> bytes | None:
    """Return the first of the fields that has a text; nginx writes none as an empty one."""
    values = (fields[name] for name in names if isinstance(fields.get(name), str))
    value = next(values, "").encode("utf-8", "replace")
    return present(value) or None


def _first(values: object) -> object:
    return values[0] if isinstance(values, list) and values else values


def _time(fields: dict[str, Any]) -> float | None:
    for value in (fields[name] for name in _TIME if name in fields):
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            text = str(value)
            found = apache_time(text.encode("utf-8", "replace")) or iso_time(text)
        else:
            found = seconds if abs(seconds) < _LATEST_SECONDS else seconds / 1000
        if found is not None and math.isfinite(found):
            return found
    return None
