"""The book's link checker finds what it must find."""

from docs.book.check_links import findings

PAGE = "<h1 id='top'>x</h1>{}<a href='#top'>x</a><a href='https://example.com/'>x</a>"
DEAD = {
    "<a href='no.html'>x</a>": "no.html does not exist",
    "<a href='#nothing'>x</a>": "#nothing has no such anchor",
    "<a href='other.html#nothing'>x</a>": "other.html#nothing has no such anchor",
    "<a href='../x.html'>x</a>": "../x.html does not exist",
    "<img src='no.png'>": "no.png does not exist",
    "<script src='https://example.com/a.js'></script>": "loads https://example.com/a.js from",
    "<link rel='stylesheet' href='//example.com/a.css'>": "loads //example.com/a.css from",
    "<style>@import 'https://example.com/b.css'</style>": "loads https://example.com/b.css",
    "<i style='background:url(https://example.com/c.png)'>": "loads https://example.com/c.png",
}


def test_a_site_whose_links_all_lead_somewhere_has_no_findings(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.css").write_text("b{background:url(data:image/png;base64,xx)}", "utf-8")
    (tmp_path / "other.html").write_text(PAGE.format(""), encoding="utf-8")
    linked = "<a href='../other.html#top'>x</a><link rel='canonical' href='https://e.com/'>"
    (tmp_path / "in" / "page.html").write_text(PAGE.format(linked), encoding="utf-8")
    assert findings(tmp_path) == []


def test_each_dead_link_and_everything_from_elsewhere_is_found(tmp_path):
    (tmp_path / "other.html").write_text(PAGE.format(""), encoding="utf-8")
    for markup, words in DEAD.items():
        (tmp_path / "page.html").write_text(PAGE.format(markup), encoding="utf-8")
        (found,) = findings(tmp_path)
        assert found.startswith("page.html: ") and words in found
    (tmp_path / "page.html").unlink()
    (tmp_path / "a.css").write_text("b{background:url('https://example.com/d.png')}", "utf-8")
    assert len(findings(tmp_path)) == 1


def test_a_page_that_names_a_folder_of_this_machine_is_found(tmp_path):
    (tmp_path / "page.html").write_text(f"<p>in {tmp_path}/logs</p>", encoding="utf-8")
    assert findings(tmp_path) == []
    assert findings(tmp_path, private=[tmp_path]) == [f"page.html names {tmp_path}"]
