"""Modules 0 to 2 in JupyterLab, as a learner runs them; 0 and 1 once more in another kernel."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("name", ["0-start-here", "1-capture", "2-analyze"])
def test_run_all(target_home, open_module, name):
    notebook = open_module(f"{name}.ipynb", height=3000)
    for turn in range(1 if name == "2-analyze" else 2):
        if turn:
            notebook.restart_kernel()
        notebook.run_all()
        notebook.finish()
        expect(notebook.output(notebook.cell("check."))).to_contain_text("✓")
    notebook.screenshot(f"module-{name[0]}")
