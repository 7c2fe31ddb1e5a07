"""Runs what a command of `make` does, and shows foreseeable errors without a traceback."""

import sys
from collections.abc import Callable

from .aws_errors import explained
from .errors import WorkshopError

INTERRUPTED = 130  # as a shell has it after Ctrl + C


def exit_code(action: Callable[[], int]) -> int:
    """Run an action; return its exit code, or that of an error, whose cause and remedy are printed.

    Args:
        action: returns 0 if all is well.

    Returns:
        The action's; 1 after a WorkshopError or an error of AWS with a known remedy; 130 after
        Ctrl + C.

    Example:
        >>> exit_code(lambda: 0)
        0
    """
    try:
        with explained():
            return action()
    except WorkshopError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
