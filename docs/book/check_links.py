"""Checks a site without a network: its own links lead somewhere, and it loads only its own files.

Links to other hosts are for people to click; they are not fetched.
"""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Elements that load what an attribute names.
_LOADING = {
    **dict.fromkeys(("audio", "embed", "iframe", "img", "input", "script", "source"), "src"),
    **{"link": "href", "object": "data", "video": "src"},
}
_LOADED_BY_CSS = re.compile(r"""(?:url\(|@import\s)\s*['"]?\s*([^'")\s]+)""")
_NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # of a <link>


class _Page(HTMLParser):
    """The anchors of one page, its links, and the files that it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self._in_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        address = given.get(_LOADING.get(tag, ""))
        if address and not (tag == "link" and given.get("rel") in _NOT_LOADED):
            self.loads.append(address)
        self.loads += _LOADED_BY_CSS.findall(given.get("style", ""))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += _LOADED_BY_CSS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def findings(site: Path, private: Iterable[Path] = ()) -> list[str]:
    """Return a line for each dead link, dead anchor, and file that another host would send.

    Args:
        site: the folder of the site.
        private: folders of this machine, which no page may name.
    """
    pages = {
        path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    found = [
        f"{path.name} names {folder}"
        for path in pages
        for folder in private
        if str(folder) in path.read_text(encoding="utf-8")
    ]
    for path, page in sorted(pages.items()):
        name = path.relative_to(site.resolve()).as_posix()
        # The theme's page for a missing address is shown at any depth, so its links are absolute.
        folder = site.resolve() if name == "404.html" else path.parent
        found += [f"{name}: {why}" for why in _dead(page, path, folder, site.resolve(), pages)]
        found += [f"{name}: loads {each} from elsewhere" for each in page.loads if _foreign(each)]
    for path in sorted(site.rglob("*.css")):
        loads = _LOADED_BY_CSS.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.name}: loads {each} from elsewhere" for each in loads if _foreign(each)]
    return found


def _foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def _dead(
    page: _Page, path: Path, folder: Path, site: Path, pages: dict[Path, _Page]
) -> Iterator[str]:
    """Yield why a link or a file of a page can't be opened."""
    for address in [*page.links, *page.loads]:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        if not parts.path:
            target = path
        elif parts.path.startswith("/"):
            target = (site / unquote(parts.path.lstrip("/"))).resolve()
        else:
            target = (folder / unquote(parts.path)).resolve()
        if not target.is_relative_to(site) or not target.is_file():
            yield f"{address} does not exist"
        elif target in pages and unquote(parts.fragment) not in {"", *pages[target].ids}:
            yield f"{address} has no such anchor"
