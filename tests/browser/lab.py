"""A private JupyterLab on 127.0.0.1, and a headless Chromium page with a notebook open in it.

Nothing is switched off that a learner's server has on: the token and the XSRF check stay.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from helpers.core.paths import REPOSITORY as ROOT
from helpers.local.ports import answers, free_port
from tests.catcher import until
from tests.processes import end

SCREENSHOTS = ROOT / "build" / "screenshots"
SETTINGS = {
    # The question about Jupyter news would lie over the notebook.
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells outside the window must be in the document too.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
# Pages are slower on a busy machine; a wait ends with what it waits for.
SECONDS = 900
expect.set_options(timeout=SECONDS * 1000)
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # As a visitor's browser: else its beacons count as a bot's.
    "--disable-blink-features=AutomationControlled",
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36",
]
KERNEL_IS_IDLE = """() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext
    ?.session?.kernel?.status === 'idle'"""
SHUT_DOWN_KERNEL = """async () => {
    await window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.shutdown();
}"""
OPEN_INSTEAD = """async path => {
    window.jupyterapp.shell.currentWidget.dispose();
    await window.jupyterapp.commands.execute('docmanager:open', { path });
}"""
RESTART_KERNEL = """async () => {
    await window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel();
}"""
RUN_CELL = """async ([index, wait]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    const done = window.jupyterapp.commands.execute('notebook:run-cell');
    if (wait) await done;
}"""

# Null while cells run. JupyterLab stops at one that raises, unless its tags allow that.
ERRORS_OF_RUN_ALL = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets
        .map(widget => widget.model).filter(model => model.type === 'code');
    const errors = cells
        .filter(cell => !(cell.getMetadata('tags') ?? []).includes('raises-exception'))
        .flatMap(cell => cell.outputs.toJSON())
        .filter(output => output.output_type === 'error')
        .map(output => output.traceback.join(' '));
    return errors.length || cells.at(-1).executionCount !== null ? errors : null;
}"""


class Server(NamedTuple):
    url: str
    token: str
    folder: Path


def jupyter_environment(home: Path, token: str) -> dict[str, str]:
    """Return what lets a JupyterLab keep all its files in a folder, and ask for this token.

    One that hangs can be made to write where (see `tests.processes.end`).
    """
    folders = ("CONFIG", "DATA", "RUNTIME")
    return {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in folders} | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,
        "PYTHONFAULTHANDLER": "1",
    }


@contextmanager
def jupyterlab_of_its_own(home: Path, target: Path) -> Iterator[Server]:
    """Run a JupyterLab whose files are in `home` and whose kernels reach the target in `target`."""
    for plugin, body in SETTINGS.items():
        path = home / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body))
    folder = home / "notebooks"
    folder.mkdir()
    port, token = free_port(), secrets.token_hex(16)
    environment = os.environ | jupyter_environment(home, token)
    environment |= {"PYTHONPATH": str(ROOT), "WORKSHOP_HOME": str(target)}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"

    def listens() -> bool:
        assert server.poll() is None, (home / "server.log").read_text()
        return answers(f"{url}/api")

    until(listens, SECONDS)
    yield Server(url, token, folder)
    # SIGTERM lets the server end its kernels, which live in process groups of their own.
    end(server, home / "server.log")


class Notebook:
    """A notebook open in JupyterLab, driven as a learner would, or by JupyterLab's commands."""

    def __init__(self, page: Page, server: Server, path: Path) -> None:
        self.page, self.path = page, path
        name = path.relative_to(server.folder)
        if page.url.startswith(server.url):  # JupyterLab stays: its own start takes 4 s of a core
            page.evaluate(SHUT_DOWN_KERNEL)
            page.evaluate(OPEN_INSTEAD, str(name))
        else:
            page.goto(f"{server.url}/lab/tree/{name}?reset&token={server.token}")
        page.wait_for_function(KERNEL_IS_IDLE, timeout=SECONDS * 1000)

    def run(self, index: int, *, wait: bool = True) -> None:
        """Run the cell with this number, counted from 0."""
        self.page.evaluate(RUN_CELL, [index, wait])

    def run_all(self) -> None:
        """Begin to run all cells, which have no outputs yet."""
        self.command("notebook:clear-all-cell-outputs")
        self.page.evaluate(
            "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )

    def restart_kernel(self) -> None:
        """Give the notebook another kernel."""
        self.page.evaluate(RESTART_KERNEL)
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=SECONDS * 1000)

    def finish(self, minutes: float = 30) -> None:
        """Wait until all cells have run; fail with the words of one that raised."""
        ended = self.page.wait_for_function(
            ERRORS_OF_RUN_ALL, timeout=minutes * 60_000, polling=500
        )
        errors = ended.json_value()
        assert errors == [], re.sub(r"\x1b\[[\d;]*m", "", " ".join(errors))[-3000:]

    def saved_html(self, index: int) -> str:
        """Save the notebook; return the first output of this cell in its file, which is HTML."""
        self.command("docmanager:save")
        cell = json.loads(self.path.read_text(encoding="utf-8"))["cells"][index]
        return "".join(cell["outputs"][0]["data"]["text/html"])

    def cell(self, words: str) -> int:
        """Return the number of the first code cell whose source contains the words."""
        cells = json.loads(self.path.read_text())["cells"]
        return next(
            number
            for number, cell in enumerate(cells)
            if cell["cell_type"] == "code" and words in "".join(cell["source"])
        )

    def whole(self, index: int) -> Locator:
        """Return a cell with its outputs."""
        cell = ".jp-Notebook > .jp-Cell, .jp-WindowedPanel-viewport > .jp-Cell"
        return self.page.locator(cell).nth(index)

    def output(self, index: int) -> Locator:
        """Return a cell's outputs."""
        return self.whole(index).locator(".jp-OutputArea").first

    def command(self, name: str, **arguments) -> None:
        """Execute one of JupyterLab's commands, e.g. `docmanager:save`."""
        self.page.evaluate(
            "async ([name, arguments]) => "
            "{ await window.jupyterapp.commands.execute(name, arguments); }",
            [name, arguments],
        )

    def formulas(self) -> list[str]:
        """Return the words of what JupyterLab shows as a formula, in cells and under them."""
        return self.page.locator("mjx-container, .MathJax, .katex").all_inner_texts()

    def serious_findings(self) -> list[tuple[str, list[str]]]:
        """Return what axe-core finds serious or critical in the outputs of all cells."""
        # JupyterLab's own frame scrolls a wide output; Chromium lets the keyboard scroll it.
        rules = {"rules": {"scrollable-region-focusable": {"enabled": False}}}
        found = Axe().run(self.page, ".jp-OutputArea-output", rules).response["violations"]
        return [
            (rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the window under build/screenshots, for people to look at."""
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@contextmanager
def chromium_of_its_own(*flags: str) -> Iterator[Browser]:
    """Run Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*CHROMIUM_FLAGS, *flags],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()
