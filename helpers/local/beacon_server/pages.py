"""The demo shop's files, all read once at the start.

No name from a visitor is used as a path of this machine, so none can lead out of the shop.
"""

from pathlib import Path
from typing import NamedTuple

# As AddType in httpd.conf.
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt; charset=utf-8",
    ".webm": "video/webm",
}
# A browser runs only our own files in a page of ours, and uses the type in each answer.
NO_SNIFFING = "X-Content-Type-Options: nosniff\r\n"
POLICY = (
    "Content-Security-Policy: default-src 'self'; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'\r\n"
)


class Page(NamedTuple):
    """A file of the shop."""

    body: bytes
    kind: str
    headers: str


def read_site(folder: Path) -> dict[bytes, Page]:
    """Return the shop's files by the paths of their URLs.

    Args:
        folder: its files; sub-folders, hidden files, links and files of other types than those in
            `KINDS` are ignored.

    Raises:
        OSError: a file can't be read.
    """
    pages = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        kind = KINDS.get(file.suffix)
        if kind is None or file.name.startswith(".") or file.is_symlink() or not file.is_file():
            continue
        headers = NO_SNIFFING + (POLICY if file.suffix == ".html" else "")
        pages[b"/" + file.name.encode()] = Page(file.read_bytes(), kind, headers)
    if b"/index.html" in pages:
        pages[b"/"] = pages[b"/index.html"]
    return pages
