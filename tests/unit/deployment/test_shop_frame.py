"""The demo shop: the beacon server serves its files only, and counts none of them as a beacon."""

import gzip
import re

import pandas as pd
import pytest
from access_log import click_record

from helpers.core.errors import WorkshopError
from helpers.core.paths import REPOSITORY
from helpers.deployment.shop_frame import SiteFrame
from helpers.local.beacon_server.pages import KINDS, read_site
from helpers.stores.archive import is_beacon
from tests.running_server import Server

SITE = REPOSITORY / "assets" / "site"
PAGES = sorted(SITE.glob("*.html"))
LINKS = re.compile(r'(?:href|src|action)="([^"#]+)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("site") / "access.log")
    yield server
    server.end()


def get(server, path: str, method: str = "GET"):
    connection = server.connect()
    connection.request(method, path)
    answer = connection.getresponse()
    return answer, answer.read()


@pytest.mark.parametrize("file", sorted(SITE.iterdir()), ids=lambda file: file.name)
def test_each_file_is_served_with_its_type_and_without_caching(server, file):
    answer, body = get(server, f"/{file.name}")
    assert (answer.status, body) == (200, file.read_bytes())
    assert answer.headers["Content-Type"] == KINDS[file.suffix]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert (policy or "").startswith("default-src 'self';") is (file.suffix == ".html")
    answer, body = get(server, f"/{file.name}", "HEAD")
    assert (body, int(answer.headers["Content-Length"])) == (b"", file.stat().st_size)


def test_the_front_page_is_at_the_root(server):
    assert get(server, "/")[1] == (SITE / "index.html").read_bytes()


@pytest.mark.parametrize(
    "path",
    ["/../fleet/answers.py", "/%2e%2e/fleet/answers.py", "/..%2ffleet/answers.py",
     "/x/../../README.md", "//etc/passwd", "/etc/passwd", "/index.html/", "/index.html%00",
     "/kettle", "/\\..\\fleet"],
)  # fmt: skip
def test_no_other_path_is_served(server, path):
    answer, body = get(server, path)
    assert answer.status in (400, 404) and len(body) < 30


def test_only_the_folders_own_pages_are_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    for name in ("page.html", ".hidden.html", "notes.txt", "sub/page.html"):
        (folder / name).write_text("x")
    (folder / "link.html").symlink_to(tmp_path / "secret")
    assert list(read_site(folder)) == [b"/page.html"]
    assert read_site(tmp_path / "nowhere") == {}


def test_pages_are_logged_but_only_beacons_are_counted(tmp_path):
    server = Server(tmp_path / "access.log")
    try:
        for path in ("/", "/beacon.js", "/beacon.html", "/no-such-page"):
            get(server, path)
        server.beacon("click")
        lines = server.log.read_bytes().splitlines()
    finally:
        server.end()
    records = [click_record(line, f"s:{n}", 2**42) for n, line in enumerate(lines)]
    assert not any("rejected" in record for record in records)
    frame = pd.DataFrame(records).assign(rejected=None, shipped_at=1)
    assert list(frame[is_beacon(frame)]["event"]) == ["click"] and len(frame) == 5
    # Flink's filter, which the ledger compares with the archive's.
    sql = (REPOSITORY / "assets/flink/sql/03_copies.sql").read_text()
    pattern = re.search(r"REGEXP\(request \|\| ' ', '(.*?)'\)", sql)[1]
    counted = [each["event"] for each in records if re.search(pattern, each["request"] + " ")]
    assert counted == ["click"]


def test_beacon_js_is_small_and_sets_no_cookie():
    data = (SITE / "beacon.js").read_bytes()
    assert len(data) < 3000 or len(gzip.compress(data)) < 2048
    script = data.decode()
    assert "keepalive: true" in script
    assert not re.search(r"document\.cookie|cookieStore|localStorage", script)
    asked = set(re.findall(r"navigator\.(\w+)", script))
    assert asked == {"webdriver", "globalPrivacyControl", "doNotTrack"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_only_to_the_shop_by_relative_paths(page):
    text = page.read_text()
    assert '<script src="beacon.js" defer></script>' in text
    assert "style=" not in text and "onclick" not in text, "the policy forbids inline code"
    for link in LINKS.findall(re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)):
        assert link == "./" or (SITE / link).is_file(), link


def test_the_frame_has_a_title_and_escapes_the_url():
    frame = SiteFrame('http://127.0.0.1:8080/"><script>alert(1)</script>')._repr_html_()
    assert "<script>alert" not in frame and "&lt;script&gt;" in frame.replace("&amp;", "&")
    assert 'title="The demo shop"' in frame


def test_a_frame_refuses_a_negative_height():
    with pytest.raises(WorkshopError, match="height"):
        SiteFrame("http://127.0.0.1:8080/", height=-3)
