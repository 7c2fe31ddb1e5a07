"""W3C's extended format, in which a line names the fields: IIS and CloudFront.

https://www.w3.org/TR/WD-logfile.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from urllib.parse import unquote_to_bytes

from .request import Request, iso_time, path_of, present, without_port

FIELDS = b"#Fields:"


class Extended:
    """Reads the lines of one file, whose `#Fields` may change within it.

    Args:
        is_cloudfront: fields are separated by tabs, and their values are URL-encoded.
    """

    def __init__(self, is_cloudfront: bool) -> None:
        self._is_cloudfront = is_cloudfront
        self._names: list[bytes] = []

    def __call__(self, line: bytes) -> Request | None:
        """Read a line; None for one that is no request, and for `#Fields`."""
        if line.startswith(b"#"):
            if line.startswith(FIELDS):
                names = line[len(FIELDS) :].split()
                self._names = names if self._is_own(names) else []
            return None
        values = line.split(b"\t" if self._is_cloudfront else b" ")
        if not self._names or len(values) != len(self._names):
            return None
        fields = dict(zip(self._names, values, strict=True))
        when = b"%b %b" % (fields.get(b"date", b""), fields.get(b"time", b""))
        time = iso_time(when.decode("ascii", "replace"))
        address = present(fields.get(b"c-ip"))
        if time is None or address is None:
            return None
        page = present(fields.get(b"cs-uri-stem"))
        agent, referrer = fields.get(b"cs(User-Agent)"), fields.get(b"cs(Referer)")
        return Request(
            without_port(address),
            self._value(agent),
            self._value(referrer),
            page and path_of(page),
            time,
            self._value(fields.get(b"cs-uri-query")),
            present(fields.get(b"x-host-header") or fields.get(b"cs-host")),
        )

    def _is_own(self, names: list[bytes]) -> bool:
        return (b"x-edge-location" in names) == self._is_cloudfront

    def _value(self, text: bytes | None) -> bytes | None:
        text = present(text)
        if text and self._is_cloudfront:
            text = unquote_to_bytes(text)
            if b"%20" in text:  # some values are encoded twice
                text = unquote_to_bytes(text)
        return text
