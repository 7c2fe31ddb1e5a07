"""The JupyterLab of `make lab`, in a new home folder: no question lies over the notebook."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from helpers import install
from helpers.core.paths import REPOSITORY
from helpers.local.ports import answers
from tests.browser.lab import SCREENSHOTS, SECONDS
from tests.catcher import until
from tests.processes import end

PICTURE_IS_SHOWN = """() => {
    const picture = document.querySelector('.jp-Notebook img');
    return picture && picture.complete && picture.naturalWidth > 0;
}"""
NEWS = re.compile("Jupyter news|newer version", re.IGNORECASE)


def settings(folder: Path, *, asks: bool) -> str:
    """Write what set-up writes, or JupyterLab's own default; return the path for Jupyter."""
    install.write_lab_settings(folder)
    if asks:
        (file,) = folder.rglob("default_setting_overrides.json")
        text = file.read_text(encoding="utf-8").replace('"false"', '"none"')
        file.write_text(text, encoding="utf-8")
    return str(folder / "etc" / "jupyter")


@pytest.fixture
def start(tmp_path):
    """Return a function that runs `make lab` in a new home folder, and returns its output."""
    started = []

    def run(config: str) -> str:
        home = tmp_path / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONUTF8") if name in os.environ}
        environment = kept | {
            "HOME": str(home),
            "WORKSHOP_HOME": str(tmp_path / "workshop"),
            "JUPYTER_CONFIG_PATH": config,
            "PYTHONFAULTHANDLER": "1",
            "SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22",
        }
        log = tmp_path / "lab.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "helpers.lab"], cwd=REPOSITORY, env=environment,
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        started.append(process)

        def listens() -> bool:
            text = log.read_text(encoding="utf-8")
            assert process.poll() is None, text
            address = re.search(r"http://127\.0\.0\.1:\d+", text)
            return bool(address) and answers(f"{address[0]}/api")

        until(listens, SECONDS)
        return log.read_text(encoding="utf-8")

    yield run
    for process in started:
        end(process, tmp_path / "lab.log")


@pytest.mark.parametrize("asks", [False, True], ids=["as set up", "as JupyterLab comes"])
def test_make_lab_prints_the_address_that_opens_the_first_notebook_without_a_question(
    start, chromium, tmp_path, asks
):
    printed = start(settings(tmp_path / "environment", asks=asks))
    assert "ssh -L" in printed and len(printed.splitlines()) < 20, printed
    (address,) = re.findall(r"^    (http://127\.0\.0\.1:\S+)$", printed, re.M)
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.get_by_role("heading", name="0 · Start here").wait_for()
    page.get_by_role("heading", name="What happens on this machine").wait_for()
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.wait_for_load_state("networkidle")
    page.wait_for_function(PICTURE_IS_SHOWN)  # its folder is next to that of the notebooks
    if asks:  # without it, the other case could not fail
        page.get_by_text(NEWS).first.wait_for()
    else:
        expect(page.get_by_text(NEWS)).to_have_count(0)
        expect(page.get_by_role("dialog")).to_have_count(0)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "make-lab.png")
    page.close()
