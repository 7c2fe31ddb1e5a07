"""The last state of a widget, as HTML that needs no kernel and no script.

Sliders and buttons keep their look, but are switched off: nothing would answer them.
"""

import html
import math
from collections.abc import Mapping
from typing import Any

NOTE = '<p class="book-note">These controls work in the workshop only.</p>'
_REFERENCE = "IPY_MODEL_"
_BOXES = {"VBoxModel": "column", "BoxModel": "column", "HBoxModel": "row", "GridBoxModel": "grid"}
_NUMBERS = ("IntSliderModel", "FloatSliderModel", "FloatLogSliderModel")
_FIELDS = ("BoundedFloatTextModel", "BoundedIntTextModel", "IntTextModel", "TextModel")
_CHOICES = ("DropdownModel", "RadioButtonsModel", "ToggleButtonsModel", "SelectionSliderModel")
_CONTROLS = ("<button", "<input", "<select")


def static_html(models: Mapping[str, Any], model_id: str) -> str:
    """Return a widget with all its parts.

    Args:
        models: the saved states of all widgets of a notebook, by their ids.
        model_id: the widget's.
    """
    shown = _part(models, model_id)
    return shown + NOTE if any(control in shown for control in _CONTROLS) else shown


def _part(models: Mapping[str, Any], model_id: str) -> str:
    model = models.get(model_id.removeprefix(_REFERENCE))
    if model is None:
        return ""
    kind, state = model["model_name"], model["state"]
    if kind in _BOXES:
        classes = " ".join([f"book-{_BOXES[kind]}", *state.get("_dom_classes", ())])
        return f'<div class="{html.escape(classes)}">{"".join(_children(models, state))}</div>'
    if kind in ("AccordionModel", "TabModel"):
        return _sections(models, state)
    if kind == "ImageModel":
        return _image(model)
    if kind in ("HTMLModel", "HTMLMathModel"):
        return f"<div>{state.get('value', '')}</div>"  # its own program has escaped it
    if kind == "LabelModel":
        return f"<span>{html.escape(state.get('value', ''))}</span>"
    return _control(kind, state)


def _children(models: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    return [_part(models, child) for child in state.get("children", ())]


def _sections(models: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """Return the parts of tabs or of an accordion, each below its title and folded."""
    titles = state.get("titles", ())
    return "".join(
        f"<details{' open' if number == state.get('selected_index') else ''}>"
        f"<summary>{html.escape(title)}</summary>{part}</details>"
        for number, (title, part) in enumerate(zip(titles, _children(models, state), strict=False))
    )


def _image(model: Mapping[str, Any]) -> str:
    data = next((each["data"] for each in model.get("buffers", ()) if each["data"]), "")
    state = model["state"]
    text, width = html.escape(state.get("tooltip") or ""), html.escape(state.get("width") or "")
    source = f"data:image/png;base64,{data.strip()}"
    return f'<img src="{source}" alt="{text}" width="{width}">' if data else ""


def _control(kind: str, state: Mapping[str, Any]) -> str:
    """Return a control that is switched off; nothing for a widget without a look of its own."""
    name, value = state.get("description") or "", state.get("value")
    if kind == "ButtonModel":
        return f'<button class="book-button" disabled>{html.escape(name)}</button>' if name else ""
    if kind in _NUMBERS:
        least, most, place = _bounds(kind, state)
        slider = f'type="range" min="{least}" max="{most}" step="any" value="{place}"'
        shown = f"<input disabled {slider}><output>{_number(value)}</output>"
        return _labelled(name, shown, state.get("tooltip"))
    if kind in _FIELDS:
        return _labelled(name, f'<input disabled value="{html.escape(_number(value))}">')
    if kind in _CHOICES:
        options, index = state.get("_options_labels", ()), state.get("index")
        chosen = html.escape(options[index]) if index is not None and options else ""
        return _labelled(name, f'<input disabled value="{chosen}">')
    return ""


def _labelled(name: str, control: str, tooltip: str | None = "") -> str:
    """Return a control with its name; without one, the tooltip names it to a screen reader."""
    if not name:
        control = control.replace(
            "<input", f'<input aria-label="{html.escape(tooltip or "a value")}"', 1
        )
    return f'<label class="book-control"><span>{html.escape(name)}</span>{control}</label>'


def _bounds(kind: str, state: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return the lowest and the highest position of a slider, and its own."""
    least, most, value = state.get("min", 0), state.get("max", 100), state.get("value", 0)
    if kind == "FloatLogSliderModel":  # its ends are exponents
        value = math.log(value, state.get("base", 10))
    return least, most, value


def _number(value: Any) -> str:  # noqa: ANN401 - a widget's value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
