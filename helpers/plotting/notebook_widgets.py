"""Parts of the notebooks' widgets: a panel, a button, names, and events while a cell runs.

ipywidgets 8.1 writes a slider's description next to it, but does not connect the two: the handle,
which takes the focus and has the role of a slider, has no name (WCAG 2.2, 4.1.2), and no trait sets
one. A small script in the page sets it, each time the widgets are shown.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets
from traitlets import Unicode

from .palette import LETTERS_ON, LINE

_CLASS = "rwa-named"
# JupyterLab runs a script before it adds the script's `element` to the page: hence the attempts.
_SCRIPT = """
let tries = 0;
const begin = () => {
  const panel = element.closest('.%s');
  if (!panel) { if (tries++ < 100) setTimeout(begin, 50); return; }
  const name = () => panel.querySelectorAll('.widget-slider').forEach(slider => {
    const label = slider.querySelector('label');
    const text = label.textContent || label.title;
    const setLabel = (part, label) => {
      if (part && part.getAttribute('aria-label') !== label) part.setAttribute('aria-label', label);
    };
    setLabel(slider.querySelector('[role=slider]'), text);
    const readout = slider.querySelector('.widget-readout');
    if (readout) readout.setAttribute('role', 'textbox');
    setLabel(readout, text + ': the number');
  });
  name();
  new MutationObserver(name).observe(panel, {childList: true, subtree: true});
};
begin();
"""


class NamedImage(widgets.Image):
    """An image with a tooltip, which ipywidgets sets only where there is a description."""

    description = Unicode("").tag(sync=True)


def named(panel: widgets.Box) -> widgets.Box:
    """Give each slider in a panel its description, or else its tooltip, as its name.

    Args:
        panel: a box that holds sliders, at any depth.

    Returns:
        The panel.

    Example:
        `named(widgets.VBox([slider, button]))`
    """
    script = {"application/javascript": _SCRIPT % _CLASS}
    output = {"output_type": "display_data", "data": script, "metadata": {}}
    runner = widgets.Output(outputs=(output,), layout=widgets.Layout(display="none"))
    panel.add_class(_CLASS)
    panel.children = (*panel.children, runner)
    return panel


def deliver_while_busy(each: Iterable[widgets.Widget]) -> None:
    """Deliver events of a cell's widgets while another cell is busy.

    JupyterLab sends a widget's messages to a subshell, which a busy cell does not block. However,
    ipykernel 7.4 forwards each widget's first message to the shell in which the widget was created,
    because it takes the message for a reply (`_reply_subshell_for` in ipykernel/comm/comm.py), and
    that shell is busy. Without the attribute that names the shell, the message stays in the
    subshell. Versions that do not have the attribute need no change.

    Args:
        each: the widgets, after their last change by the kernel.

    Example:
        `deliver_while_busy([slider, button])`
    """
    for widget in each:
        vars(widget.comm).pop("_reply_subshell_id", None)


def panel(children: Sequence[widgets.Widget]) -> widgets.VBox:
    """Return widgets below each other, with a border around them.

    Example:
        `panel([slider, button])`
    """
    layout = widgets.Layout(
        max_width="922px",
        padding="10px 14px",
        border=f"1px solid var(--jp-border-color2, {LINE})",
        grid_gap="6px",
    )
    return widgets.VBox(children, layout=layout)


def wrapping_row(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Return widgets next to each other, on several rows if the page is narrow."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))


def button(
    text: str, icon: str, color: str, tooltip: str, action: Callable[[], Any], width: str = "auto"
) -> widgets.Button:
    """Return a button of one of the palette's colours.

    Args:
        text: the button's label.
        icon: a name from Font Awesome.
        color: a key of `LETTERS_ON`.
        tooltip: the button's effect.
        action: called at each click.
        width: a CSS length.

    Example:
        `button("Stop", "stop", SLATE, "End the traffic", traffic.stop)`
    """
    result = widgets.Button(
        description=text,
        icon=icon,
        style={"button_color": color, "text_color": LETTERS_ON[color]},
        tooltip=tooltip,
        layout=widgets.Layout(width=width),
    )
    result.on_click(lambda _: action())
    return result
