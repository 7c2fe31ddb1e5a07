"""`make kernel` registers the workshop's Python for a JupyterLab that is already installed."""

import json
import os
import subprocess
import sys
import threading
import tomllib

import pytest

from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.paths import REPOSITORY
from helpers.install import KERNEL, SHOWN, write_kernel_settings


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """A user's Jupyter folder into which the kernel was registered, as `make kernel` does."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    command = [sys.executable, "helpers/install.py", "kernel"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0 and SHOWN in ended.stdout, ended.stderr
    return tmp_path / "kernels"


def test_the_kernel_is_this_python_under_the_name_that_the_notebooks_ask_for(registered):
    spec = json.loads((registered / KERNEL / "kernel.json").read_text())
    assert spec["argv"][0] == sys.executable and spec["display_name"] == SHOWN
    for path in stored_notebooks():
        asked = json.loads(stored(path))["metadata"]["kernelspec"]
        assert (asked["name"], asked["display_name"]) == (KERNEL, SHOWN), path.name


def test_the_kernel_finds_the_helpers_and_explains_an_undefined_name(registered, tmp_path):
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    # Set-up writes this into `.venv`; kernels also read the settings of a user.
    write_kernel_settings(tmp_path)
    (tmp_path / "etc" / "ipython").rename(tmp_path / "profile_default")
    specs = KernelSpecManager(kernel_dirs=[str(registered)])
    manager = KernelManager(kernel_name=KERNEL, kernel_spec_manager=specs)
    # In place of workshop.pth, which set-up writes into `.venv`.
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "IPYTHONDIR": str(tmp_path)}
    manager.start_kernel(cwd=str(REPOSITORY / "notebooks"), env=environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)

        def run(code):
            answer = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
            return answer["content"]

        shown = "".join(run("cloud.client('sts')")["traceback"])
        assert "`cloud` is not defined in this kernel (yet)" in shown and "Run All Above" in shown
        assert len(shown.splitlines()) == 2
        assert run("import helpers; clouds = 1")["status"] == "ok"
        assert "Did you mean `clouds`?" in "".join(run("cloud")["traceback"])
        threading.Timer(1, manager.interrupt_kernel).start()
        shown = "".join(run("helpers.wait(50)")["traceback"])
        assert "You stopped this cell." in shown and len(shown.splitlines()) == 2
        # Within a function it is a defect, and the traceback shows the line.
        assert "line" in "".join(run("def own():\n    return cloud\n\nown()")["traceback"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_kernels_name_is_the_projects():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["name"].startswith(KERNEL)
    assert KERNEL in (REPOSITORY / "Makefile").read_text()  # `make reset` removes it
