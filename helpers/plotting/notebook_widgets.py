"""What the notebooks' widgets share: a panel, a button, names, and events during a cell.

ipywidgets 8.1 writes a slider's description beside it, but ties it to nothing: the handle, which
takes the focus and has the role of a slider, has no name (WCAG 2.2, 4.1.2), and no trait gives it
one. A small script in the page does, each time the widgets are shown.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets
from traitlets import Unicode

from .palette import LETTERS_ON, LINE

_CLASS = "rwa-named"
# JupyterLab runs a script before it puts its `element` into the page: hence the tries.
_SCRIPT = """
let tries = 0;
const begin = () => {
  const panel = element.closest('.%s');
  if (!panel) { if (tries++ < 100) setTimeout(begin, 50); return; }
  const name = () => panel.querySelectorAll('.widget-slider').forEach(slider => {
    const label = slider.querySelector('label');
    const words = label.textContent || label.title;
    const say = (part, label) => {
      if (part && part.getAttribute('aria-label') !== label) part.setAttribute('aria-label', label);
    };
    say(slider.querySelector('[role=slider]'), words);
    const readout = slider.querySelector('.widget-readout');
    if (readout) readout.setAttribute('role', 'textbox');
    say(readout, words + ': the number');
  });
  name();
  new MutationObserver(name).observe(panel, {childList: true, subtree: true});
};
begin();
"""


class NamedImage(widgets.Image):
    """An image whose tooltip is its name; ipywidgets sets one only where there is a description."""

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


def hear_while_busy(each: Iterable[widgets.Widget]) -> None:
    """Let widgets made by a cell be heard while another cell is busy.

    JupyterLab sends what a widget says to a subshell, which a busy cell does not block. ipykernel
    7.4, however, sends each widget's first message to the shell that the widget was made in, and
    that is the busy one: it takes the message for an answer (`_reply_subshell_for` in
    ipykernel/comm/comm.py). Forgetting that shell leaves the message where JupyterLab sent it. A
    version without that attribute is left as it is.

    Args:
        each: the widgets, after their last change from the kernel's side.

    Example:
        `hear_while_busy([slider, button])`
    """
    for widget in each:
        vars(widget.comm).pop("_reply_subshell_id", None)


def panel(children: Sequence[widgets.Widget]) -> widgets.VBox:
    """Return widgets below each other, with a rim around them.

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
    """Return widgets beside each other, on several rows where the page is narrow."""
    return widgets.HBox(children, layout=widgets.Layout(flex_flow="row wrap"))


def button(
    words: str, icon: str, color: str, tooltip: str, action: Callable[[], Any], width: str = "auto"
) -> widgets.Button:
    """Return a button of one of the palette's colours.

    Args:
        words: written on it.
        icon: one of Font Awesome's names.
        color: a key of `LETTERS_ON`.
        tooltip: what it does.
        action: called at each press.
        width: in CSS's units.

    Example:
        `button("Stop", "stop", SLATE, "End the traffic", traffic.stop)`
    """
    made = widgets.Button(
        description=words,
        icon=icon,
        style={"button_color": color, "text_color": LETTERS_ON[color]},
        tooltip=tooltip,
        layout=widgets.Layout(width=width),
    )
    made.on_click(lambda _: action())
    return made
