"""Names for what ipywidgets leaves without one, so that a screen reader can say what has the focus.

ipywidgets 8.1 writes a slider's description beside it, but ties it to nothing: the handle, which
takes the focus and has the role of a slider, has no name (WCAG 2.2, 4.1.2), and no trait gives it
one. A small script in the page does, each time the widgets are shown.
"""

import ipywidgets as widgets
from traitlets import Unicode

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
