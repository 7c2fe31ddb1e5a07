"""Where the visitor of a logged request came from: a name in the URL, or another site."""

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from .request import Request, path_of

LONGEST = 253  # bytes, of a host's name (RFC 1035, 2.3.4); longer names are cut
_HOST = re.compile(
    rb"\A(?:[A-Za-z][A-Za-z0-9+.-]*+://(?:[^/?#@]*+@)?+)?+(\[[^\]/]*+\]|[^/?#:@\[]++)"
)
_SOURCE = re.compile(rb"(?:\A|&)utm_source=([^&]++)")
_CAMPAIGN = re.compile(rb"(?:\A|&)utm_campaign=([^&]++)")


def host_of(site: bytes) -> bytes:
    """Return the host of a URL, or of a name with or without a port; without `www.`.

    Example:
        >>> host_of(b"https://www.Shop.example:8443/cart"), host_of(b"shop.example:443")
        (b'shop.example', b'shop.example')
    """
    match = _HOST.match(site)
    return match[1].lower().removeprefix(b"www.") if match else b""


def source_and_campaign(request: Request, own: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Return where a request's visitor came from, and by which campaign; None = not known.

    The source is the URL's utm_source. Without one it is the host that refers, unless that is the
    own site: `own`, or the site that the request names.

    Args:
        request: a logged request.
        own: the host of the log's own site (see `own_host`).

    Example:
        >>> query = b"utm_source=newsletter&utm_campaign=issue+42"
        >>> source_and_campaign(Request(b"::1", None, None, b"/", None, query), None)
        (b'newsletter', b'issue 42')
    """
    source = campaign = None
    if request.query and b"utm_" in request.query:
        source, campaign = (_named(each, request.query) for each in (_SOURCE, _CAMPAIGN))
    if source is None and (host := _referring(request)):
        site = host_of(request.site) if request.site else None
        source = None if host in (own, site) else host[:LONGEST]
    return source, campaign


def own_host(requests: Iterable[Request]) -> bytes | None:
    """Return the host of a log's own site, as its requests show it; None if they do not.

    It is the host that refers most often from a page that has itself been requested. The page `/`
    does not count: a link from another site is usually sent with this path, whatever its page is.

    Args:
        requests: the log's first ones.

    Example:
        >>> own_host([Request(b"::1", None, b"https://shop.example/cart", b"/cart", None)])
        b'shop.example'
    """
    pages: set[bytes | None] = set()
    referring: Counter[tuple[bytes, bytes]] = Counter()
    for request in requests:
        pages.add(request.page)
        if request.referrer and (host := _referring(request)):
            referring[host, path_of(request.referrer)] += 1
    hosts: Counter[bytes] = Counter()
    for (host, path), number in referring.items():
        if path != b"/" and path in pages:
            hosts[host] += number
    return max(hosts, key=hosts.__getitem__, default=None)


def _referring(request: Request) -> bytes | None:
    referrer = request.referrer
    return host_of(referrer).strip() if referrer and b"://" in referrer else None


def _named(parameter: re.Pattern[bytes], query: bytes) -> bytes | None:
    match = parameter.search(query)
    if match is None:
        return None
    return unquote_to_bytes(match[1].replace(b"+", b" ")).strip()[:LONGEST] or None
