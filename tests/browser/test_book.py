"""The book's site in a browser: made of one notebook that has run, and of all others as stored.

`make book`, which CI runs after the tests, makes it of all notebooks.
"""

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from bench import notebook_steps
from bench.notebook_steps import steps
from docs.book.check_links import findings
from docs.book.site import write_site
from docs.stored_notebooks import stored_notebooks
from helpers.core.paths import REPOSITORY
from tests.browser.conftest import SCREENSHOTS
from tests.running_notebooks import notebook_of

NAME = "1-capture"
CELLS = (
    "import os, ipywidgets\nfrom helpers.core.paths import REPOSITORY\n\n"
    "print('50 %\\r100 %', os.getcwd(), REPOSITORY)",
    "import pandas\n\npandas.DataFrame({'page': ['<img src=x onerror=window.hacked=1>']})",
    "from helpers.plotting.live_view import LiveChart, stop_charts\n\n"
    "LiveChart(lambda picture: 'A sentence.', name='x').start()",
    "ipywidgets.VBox([ipywidgets.IntSlider(description='Rate', value=7)])",
    "stop_charts()",
    "# %load solutions/1-1-x.py",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "solutions").mkdir()
    (folder / "executed").mkdir()
    (folder / "solutions" / "1-1-x.py").write_text("print(6 * 7)", encoding="utf-8")
    notebook = json.loads(notebook_of(*CELLS))
    text = ["# 1 · Capture\n", "It costs $1 or $2.\n"]
    notebook["cells"].insert(
        0, {"cell_type": "markdown", "id": "text", "metadata": {}, "source": text}
    )
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebook_steps, "FOLDER", folder)
        kept = folder / "executed" / f"{NAME}.ipynb"
        assert [step.error for step in steps(NAME, "", kept=kept)] == [""] * len(CELLS)
    return write_site(folder / "executed", folder, folder)


@pytest.fixture
def window(site, chromium):
    """A window that fails the test if its page asks another host for anything."""
    context = chromium.new_context(color_scheme="light", viewport={"width": 1280, "height": 900})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.as_uri()}/notebooks/{NAME}.html")
    yield page
    context.close()
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((site.as_uri(), "data:", "blob:"))] == []


def test_every_link_leads_somewhere_and_no_page_names_a_folder_of_this_machine(site):
    assert findings(site, private=[REPOSITORY, site.parent]) == []
    pages = {path.stem for path in site.glob("notebooks/*.html")}
    assert {path.stem for path in stored_notebooks()} <= pages


def test_a_page_shows_the_code_and_its_last_outputs(window):
    shown = window.locator(".book-output")
    expect(shown.first).to_have_text("100 % .workshop .")
    expect(shown.nth(1).locator("td")).to_have_text("<img src=x onerror=window.hacked=1>")
    chart = shown.nth(2)
    expect(chart.locator("figcaption")).to_contain_text("A sentence. (Stopped at")
    width = "image => image.complete && image.naturalWidth"
    assert chart.locator("img").evaluate(width) > 500
    expect(shown.nth(3).get_by_role("slider", name="Rate")).to_be_disabled()
    assert window.evaluate("window.hacked") is None
    expect(window.locator("article")).to_contain_text("It costs $1 or $2.")
    solution = window.locator("details", has_text="Solution")
    expect(solution.locator("pre").first).to_be_hidden()
    solution.locator("summary").click()
    expect(solution.locator(".book-output")).to_have_text("42")
    violations = Axe().run(window, "article").response["violations"]
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window.screenshot(path=SCREENSHOTS / "book.png")


def test_both_themes_and_the_search_work_without_a_server(window):
    body = window.locator("body")
    expect(body).to_have_attribute("data-md-color-scheme", "default")
    light = body.evaluate("body => getComputedStyle(body).backgroundColor")
    window.get_by_title("Use the dark theme").click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    assert body.evaluate("body => getComputedStyle(body).backgroundColor") != light
    window.get_by_role("textbox", name="Search").fill("bounce")
    found = window.locator(".md-search-result__link").first
    expect(found).to_have_attribute("href", re.compile(r"/(notebooks|docs)/"))
    found.click()
    expect(window.locator("article")).to_contain_text(re.compile("bounce", re.I))


def test_a_narrow_page_does_not_scroll_to_the_side(window):
    window.set_viewport_size({"width": 400, "height": 900})
    assert window.evaluate("document.documentElement.scrollWidth") <= 400
