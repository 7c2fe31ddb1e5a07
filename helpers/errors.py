"""Errors that speak to a learner: what happened and the next thing to do, never a bare traceback.

Example:
    >>> print(WorkshopError("No credentials were found.", "Run `aws configure`."))
    No credentials were found.
    → Run `aws configure`.
"""


class WorkshopError(Exception):
    """A problem the learner can fix. Jupyter shows its two lines alone, without a traceback.

    Args:
        cause: one sentence: what happened, and why.
        remedy: one sentence: the next thing to do.

    Example:
        `raise WorkshopError("The stream is not there.", 'Run `deploy(cloud, "1-capture")` first.')`
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}\n→ {remedy}")
        self.cause, self.remedy = cause, remedy

    def _render_traceback_(self) -> list[str]:
        # IPython calls this instead of formatting a traceback.
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]
