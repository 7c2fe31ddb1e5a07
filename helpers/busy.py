"""Widgets that are heard while a cell is busy, from the first press on."""

from collections.abc import Iterable

import ipywidgets as widgets


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
