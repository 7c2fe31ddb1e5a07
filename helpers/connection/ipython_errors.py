"""Shows an error with a known remedy in two lines, in every cell of a notebook."""

import builtins
import difflib
import sys
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.core.aws_errors import explanation
from helpers.core.errors import WorkshopError
from helpers.plotting.html_tables import show_tables


def explain_in_notebooks() -> None:
    """Let IPython show an error with a known remedy in two lines, without a traceback.

    Credentials can expire in any cell, also in a learner's own boto3 call, and after a restart of
    the kernel any name may be undefined. Other errors keep their traceback. Outside of IPython it
    does nothing.

    Example:
        `explain_in_notebooks()`
    """
    shell = getattr(builtins, "get_ipython", lambda: None)()
    if shell is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Do this in a shell, and show tables as `helpers.plotting.html_tables` does.

    IPython calls this when a kernel of the workshop starts (see install.py), and so does `connect`.

    Args:
        shell: IPython's.

    Example:
        `%load_ext helpers.connection.ipython_errors`
    """
    shell.set_custom_exc((ClientError, BotoCoreError, NameError, KeyboardInterrupt), _show)
    show_tables(shell)


def _show(
    shell: Any,  # noqa: ANN401 - IPython's shell
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    if isinstance(error, NameError):
        explained = _unknown_name(shell, error, trace)
    elif isinstance(error, KeyboardInterrupt):
        explained = WorkshopError("You stopped this cell.", "You can run it again safely.")
    else:
        explained = explanation(error)
    if explained is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        shell.showtraceback((type(explained), explained, trace))


def _unknown_name(shell: Any, error: NameError, trace: TracebackType) -> WorkshopError | None:  # noqa: ANN401
    while trace.tb_next is not None:
        trace = trace.tb_next
    # Within a function it is a defect, and the traceback shows the line.
    if trace.tb_frame.f_globals is not shell.user_ns or trace.tb_frame.f_code.co_name != "<module>":
        return None
    if error.name in getattr(sys.modules.get("helpers"), "__all__", ()):
        return WorkshopError(
            f"This kernel has not imported the helper `{error.name}` (yet).",
            f"Run `from helpers import {error.name}` in a new cell, then this one; after a restart "
            "of the kernel, choose `Run All Above Selected Cell` in the menu Run first.",
        )
    alike = difflib.get_close_matches(str(error.name), [*shell.user_ns, *dir(builtins)], 1, 0.8)
    return WorkshopError(
        f"`{error.name}` is not defined in this kernel"
        + (f". Did you mean `{alike[0]}`?" if alike else " (yet)."),
        "After a restart of the kernel, run the cells above again: choose `Run All Above Selected "
        "Cell` in the menu Run, then this cell. Deployed resources are not affected.",
    )
