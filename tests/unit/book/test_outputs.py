"""The outputs of cells in the book."""

import base64
from pathlib import Path

import nbformat
import pytest

from docs.book.notebook_page import page
from docs.book.outputs import NO_FRAME, WIDGET, Outputs
from docs.book.static_widgets import NOTE, static_html
from helpers.core.paths import REPOSITORY

PNG = base64.b64encode(b"a picture").decode()
HOME = Path("/somewhere/home")


def shown(folder: Path, *outputs: dict, widgets: dict | None = None) -> str:
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = [nbformat.from_dict(each) for each in outputs]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    if widgets:
        notebook.metadata.widgets = {
            "application/vnd.jupyter.widget-state+json": {"state": widgets}
        }
    return Outputs(notebook, folder / "shown", HOME).of_cell(cell)


def stream(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text}


def data(kind: str, value: object) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: value}}


def test_text_is_escaped_without_colour_codes_and_as_its_last_line_was_left(tmp_path):
    text = shown(tmp_path, stream("10 %\r50 %\rdone <b>\n\x1b[31mred\x1b[0m ```\n"))
    assert "done &lt;b&gt;\n" in text and "50 %" not in text
    assert "\x1b" not in text and "red</span>" in text and "`" not in text


def test_folders_of_this_machine_are_not_named(tmp_path):
    places = f"{HOME}/logs {REPOSITORY}/docs {REPOSITORY} {Path.home()}/x"
    text = shown(tmp_path, stream(places), data("text/html", f"<i title='{HOME}/y'>x</i>"))
    assert ".workshop/logs docs . ~/x" in text and "'.workshop/y'" in text


@pytest.mark.parametrize("blank", [stream(" \n"), data("text/html", ""), data("text/plain", "")])
def test_a_cell_that_shows_nothing_has_no_frame(tmp_path, blank):
    assert shown(tmp_path, blank) == ""


def test_html_has_no_scripts_and_links_pages_instead_of_notebooks(tmp_path):
    markup = "<a href='1-capture.ipynb'>1</a><script src='//x'>1</script><p>kept</p>"
    text = shown(tmp_path, data("text/html", markup))
    assert "'1-capture.html'" in text and "script" not in text and "<p>kept</p>" in text
    assert NO_FRAME in shown(tmp_path, data("text/html", "<p>a</p><iframe src='x'></iframe>"))


def test_a_picture_is_a_file_next_to_the_page(tmp_path):
    html = f'<figure><img src="data:image/png;base64,{PNG}"></figure>'
    text = shown(tmp_path, data("text/html", html), data("image/png", PNG))
    (file,) = (tmp_path / "shown").iterdir()
    assert file.read_bytes() == b"a picture" and text.count(f'src="shown/{file.name}"') == 2


def model(kind: str, **state: object) -> dict:
    return {"model_name": f"{kind}Model", "state": state}


WIDGETS = {
    "all": model("VBox", children=["IPY_MODEL_row", "IPY_MODEL_image", "IPY_MODEL_more"]),
    "row": model("HBox", children=["IPY_MODEL_rate", "IPY_MODEL_go"], _dom_classes=["rwa-x"]),
    "rate": model("IntSlider", description="Rate <a second>", min=0, max=500, value=20),
    "go": model("Button", description="Start"),
    "image": model("Image", tooltip="Chart", width="100") | {"buffers": [{"data": PNG}]},
    "more": model("Accordion", titles=["More"], children=["IPY_MODEL_log"]),
    "log": model("FloatLogSlider", tooltip="Events", min=6, max=10, base=10, value=1e8),
}


def test_widgets_keep_their_look_and_are_switched_off(tmp_path):
    text = shown(tmp_path, data(WIDGET, {"model_id": "all"}), widgets=WIDGETS)
    assert "Rate &lt;a second&gt;" in text and '<div class="book-row rwa-x">' in text
    assert '<button class="book-button" disabled>Start</button>' in text
    assert text.count("<input disabled") == 1 and '<input aria-label="Events" disabled' in text
    assert 'value="20"' in text and NOTE in text
    assert 'value="8.0"' in text and "100,000,000" in text  # its place, and its number
    assert "<details><summary>More</summary>" in text and 'src="shown/' in text


def test_a_widget_without_controls_has_no_note_and_an_unknown_one_is_left_out():
    assert static_html({"a": model("HTML", value="<b>1</b>")}, "a") == "<div><b>1</b></div>"
    assert static_html({"a": model("Unknown")}, "a") == static_html({}, "a") == ""


def test_a_solution_and_an_answer_are_folded(tmp_path):
    cells = [
        nbformat.v4.new_code_cell("# %load solutions/9-1-x.py\n# ruff: noqa: F821\nprint(7)"),
        nbformat.v4.new_markdown_cell("<details><summary>Hint</summary>\n\nA *word*.\n</details>"),
        nbformat.v4.new_code_cell("text = '```'"),
    ]
    cells[0].outputs = [nbformat.from_dict(stream("7\n"))]
    text = page(nbformat.v4.new_notebook(cells=cells), tmp_path, HOME)
    assert '<summary>Solution</summary>\n\n```python\nprint(7)\n```\n\n<div class="book-' in text
    assert '<details class="tip" markdown="1"><summary>Hint' in text and "ruff" not in text
    assert "````python\ntext = '```'\n````" in text
