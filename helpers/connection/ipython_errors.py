"""In a notebook, an error that has a remedy is shown in two lines, whoever called."""

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
    """Let IPython show two lines in the place of the traceback of an error that has a remedy.

    Credentials that expire after an hour meet the learner in whatever cell comes next: a helper's
    or a boto3 call of the learner's own; and so does a restart of the kernel, which forgets the
    cells above. Errors without a remedy keep their traceback. Outside of IPython nothing happens.

    Example:
        `explain_in_notebooks()`
    """
    shell = getattr(builtins, "get_ipython", lambda: None)()
    if shell is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Do so in a shell, and show tables as `helpers.plotting.html_tables` does.

    IPython calls this when a kernel of the workshop starts (see install.py); so does `connect`.

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
        said = _unknown_name(shell, error, trace)
    elif isinstance(error, KeyboardInterrupt):
        said = WorkshopError(
            "You stopped this cell.", "Run it again whenever you like: it is safe."
        )
    else:
        said = explanation(error)
    if said is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        shell.showtraceback((type(said), said, trace))


def _unknown_name(shell: Any, error: NameError, trace: TracebackType) -> WorkshopError | None:  # noqa: ANN401
    while trace.tb_next is not None:
        trace = trace.tb_next
    # One within a function is that function's defect: its traceback says where.
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
        f"This kernel knows nothing called `{error.name}`"
        + (f". Did you mean `{alike[0]}`?" if alike else " (yet)."),
        "After a restart of the kernel, run the cells above again: choose `Run All Above Selected "
        "Cell` in the menu Run, then this cell. What is deployed is still there.",
    )
