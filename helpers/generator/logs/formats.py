"""Recognises the format of an access log by its first lines."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from helpers.core.errors import WorkshopError
from helpers.core.text import shorten

from . import json_lines, lines, w3c
from .request import Request, without_port

Reader = Callable[[bytes], Request | None]

# Of the first lines, so many must be requests; others may be damaged, or of requests without a URL.
LEAST_SHARE = 0.5
_TIMED = rb'\[[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[^\]]*+\] "'
# Stricter than the readers: in `Nov 25 00:00:00 web nginx: ::1 - - [...`, `Nov` is no address.
_APACHE = re.compile(rb"\A(\S++) \S++ \S++ " + _TIMED)
_WITH_SITE = re.compile(rb"\A\S++ ([^\s-]\S*+) \S++ \S++ " + _TIMED)
_MORE = re.compile(rb'\A(?:[^"]|\\")*+(?:"(?:[^"\\]++|\\.)*+"[^"]*+){3}(.*)', re.DOTALL)


@dataclass(frozen=True)
class Format:
    """A format of access logs.

    Args:
        name: as it begins a sentence.
        reader: makes a reader for the lines of one file.
        looks_so: whether a line may be of it, apart from the reader; None: any line.
    """

    name: str
    reader: Callable[[], Reader]
    looks_so: re.Pattern[bytes] | None = None

    def reads(self, line: bytes, reader: Reader) -> bool:
        """Return whether a line is a request with a time, in this format."""
        if self.looks_so and not self.looks_so.match(line):
            return False
        request = reader(line)
        return request is not None and request.time is not None


FORMATS = (
    Format("Apache or nginx log", lambda: lines.apache, _APACHE),
    Format("Apache or nginx log with sites", lambda: lines.apache_with_site, _WITH_SITE),
    Format("nginx proxy manager log", lambda: lines.proxy_manager),
    Format("AWS load balancer log", lambda: lines.load_balancer),
    Format("CloudFront log", lambda: w3c.Extended(is_cloudfront=True)),
    Format("IIS log", lambda: w3c.Extended(is_cloudfront=False)),
    Format("Caddy log", lambda: json_lines.caddy),
    Format("JSON log", lambda: json_lines.nginx),
)
KNOWN = (
    "Apache (common, combined, vhost_combined, with ports), nginx (combined, with more fields, "
    "JSON), nginx proxy manager, AWS load balancer, CloudFront, Caddy (JSON), IIS (W3C)"
)


def recognise(first_lines: Iterable[bytes], name: str) -> tuple[Format, str]:
    """Return the format of a log, and its name with the fields that its lines have.

    Args:
        first_lines: of the file, without blank ones.
        name: the file's, for the error.

    Raises:
        WorkshopError: the format is not known.

    Example:
        >>> line = b'::1 - - [25/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"'
        >>> recognise([line], "access.log")[1]
        'Apache or nginx combined log'
    """
    some = list(first_lines)
    readers = {format_: format_.reader() for format_ in FORMATS}
    votes = Counter({f: sum(f.reads(line, readers[f]) for line in some) for f in FORMATS})
    best, number = votes.most_common(1)[0]
    requests = [line for line in some if not line.startswith(b"#")]
    if not number or number < LEAST_SHARE * len(requests):
        first = (requests or some or [b""])[0].decode("utf-8", "backslashreplace")
        raise WorkshopError(
            f"{name} is in no format of access logs that is known here. Its first line: "
            f"{shorten(first, 200)!r}",
            f"Known formats: {KNOWN}.",
        )
    return best, _full_name(best, requests)


def _full_name(format_: Format, requests: list[bytes]) -> str:
    """Return the name of a format; of Apache's with the fields that most lines have."""
    if format_.looks_so is None:
        return format_.name
    matches = [match for line in requests if (match := format_.looks_so.match(line))]
    tails = [match[1].strip() for line in requests if (match := _MORE.match(line))]
    half = len(matches) / 2
    kind = "combined" if len(tails) > half else "common"
    name = format_.name.replace(" log", f" {kind} log", 1)
    if sum(without_port(match[1]) != match[1] for match in matches) > half:
        name += " with ports"
    if sum(map(bool, tails)) > half:
        name += " with more fields"
    return name
