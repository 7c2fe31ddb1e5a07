"""The form of a request's target, and the host in the target or in the Host field.

The rules are Apache's, its oddities included; tests/parity compares them with a real httpd.
"""

import re
import socket
from functools import lru_cache

# A path, or a URL: with an authority (its first group) or without one (`http:/beacon`).
_TARGET = re.compile(rb"[/?][^#]*|[A-Za-z][A-Za-z0-9+.-]*:(?://([^/?#]*)|(?!//))(?:[/?][^#]*)?")
_PORT = rb":[+-]?[0-9]+"
# An authority: a host, or an address in brackets (Apache removes the first byte and the last,
# whatever follows the bracket); and a port, which may be empty in a URL.
_HOST_AND_PORT = re.compile(
    rb"\[([^]]*)\](?:" + _PORT + rb"|:)|\[([^]]*\](?!:).*)|([^:\[][^:]*)?(?:" + _PORT + rb"|:)?"
)
_OF_CONNECT = re.compile(rb"(?:\[([^]]*)\]|([^:\[][^:]*)?)" + _PORT)
_FIELD = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]*)(?::([0-9]+))?")
_IPV4 = re.compile(rb"(?:(?:0|[1-9][0-9]*)\.){3}(?:0|[1-9][0-9]*)")
_IPV6_LETTERS = re.compile(rb"(?!.*\.\.)[0-9A-Fa-f:.]*")
_LETTERS = re.compile(rb"[A-Za-z0-9_.-]+")
_USER = re.compile(rb"[^ \t]*[ \t]+[^ \t/?].*@", re.DOTALL)


def loggable(line: bytes) -> bytes:
    """Return a request line as it is logged: `-` if it may hold a user's name and password.

    Browsers put them in front of a URL's host, proxies into CONNECT. Apache hides only the password
    of a URL that it can parse; so httpd.conf hides the whole line, as this function does.

    Example:
        >>> loggable(b"GET http://user:secret@shop.example/ HTTP/1.1")
        b'-'
    """
    return b"-" if b"@" in line and _USER.match(line) else line


def host_in(method: bytes, target: bytes) -> bytes | None:
    """Return the host in a request's target; None without one.

    Raises:
        ValueError: the target is malformed.

    Example:
        >>> host_in(b"GET", b"http://[::1]:80/beacon")
        b'::1'
    """
    if method == b"CONNECT":
        return _host(_OF_CONNECT.fullmatch(target), target)
    match = _TARGET.fullmatch(target)
    if match is None and (method, target) != (b"OPTIONS", b"*"):
        raise ValueError(target)
    if match is None or match[1] is None:
        return None
    return _host(_HOST_AND_PORT.fullmatch(match[1]), match[1])


def _host(match: re.Match[bytes] | None, authority: bytes) -> bytes:
    if match is None or b"@" in authority:
        raise ValueError(authority)
    if match.re is _HOST_AND_PORT and match[2]:
        return match[2][:-1]
    return match[1] or match[match.re.groups] or b""


@lru_cache(maxsize=256)
def is_good_host(host: bytes) -> bool:
    """Return whether a target's host is valid; an empty one is.

    Example:
        >>> is_good_host(b"shop.example"), is_good_host(b"1.2.3")
        (True, False)
    """
    if b":" in host:
        return _IPV6_LETTERS.fullmatch(host) is not None
    return not host or _is_name(host)


@lru_cache(maxsize=256)
def is_good_field(value: bytes) -> bool:
    """Return whether a Host field is valid: a host, and perhaps a port.

    Example:
        >>> is_good_field(b"shop.example:80"), is_good_field(b"a b")
        (True, False)
    """
    match = _FIELD.fullmatch(value)
    if match is None:
        return False
    if match[2] is not None:
        port = match[2].lstrip(b"0")
        if not match[1] or not 1 <= len(port) <= 5 or int(port) > 65535:
            return False
    if match[1].startswith(b"["):
        try:
            socket.inet_pton(socket.AF_INET6, match[1][1:-1].decode())
        except OSError:
            return False
        return True
    return _is_name(match[1])


def _is_name(host: bytes) -> bool:
    # IPv4, or a name whose last part begins with a letter (strict_hostname_check of httpd).
    if b".." in host or not _LETTERS.fullmatch(host):
        return False
    host = host.removesuffix(b".")
    if not host.strip(b"0123456789."):
        return _IPV4.fullmatch(host) is not None
    _, dot, last = host.rpartition(b".")
    return not dot or last[:1].isalpha()


def visitor(forwarded: bytes, proxy: str) -> str:
    """Return the visitor's address as mod_remoteip finds it, or the proxy's own if there is none.

    The last address is the one that our own proxy has added; the proxy's own address is skipped.
    Only an address that the system can parse is logged, without a zone.

    Args:
        forwarded: the X-Forwarded-For field.
        proxy: the address from which the request came.

    Example:
        >>> visitor(b"198.51.100.1, 203.0.113.9", "10.0.0.1")
        '203.0.113.9'
    """
    while forwarded:
        forwarded, _, last = forwarded.rpartition(b",")
        address = _address(last.strip(b" \t"))
        if address is None:
            break
        if address != proxy:
            return address
    return proxy


def _address(text: bytes) -> str | None:
    if not text or len(text) > 45 or b"%" in text:  # the longest IPv6 address
        return None
    try:
        parsed = socket.getaddrinfo(text, None, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except OSError:
        return None
    address = str(parsed[0][4][0])
    mapped = address.removeprefix("::ffff:")
    return mapped if "." in mapped else address
