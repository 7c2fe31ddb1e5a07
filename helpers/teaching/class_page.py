"""`class_progress`: reads the learners' files, for the instructor."""

from pathlib import Path

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.sharing.shared_buckets import KEY, SharedBuckets
from helpers.sharing.shared_folder import SharedFolder

from .class_table import ClassProgress, in_order


def class_progress(cloud: Cloud | None = None, folder: Path | str | None = None) -> ClassProgress:
    """Show which checks and exercises each learner of a class has passed, for the instructor.

    Learners appear after `join_class`, under the names that they chose. Run the cell again to see
    the newest steps.

    Args:
        cloud: an AWS account: reads the code bucket of each prefix in its region.
        folder: the folder that the class shares; then no cloud is needed.

    Returns:
        A table with a row for each learner: `.learners`, `.passed` (how many have passed each
        module), `.broken` (a line for each file that can't be read) and `.sentence`.

    Raises:
        WorkshopError: neither or both are given, or the folder or the list of buckets can't be
            read.

    Example:
        `class_progress(cloud).sentence` -> `"3 learners in class/progress.json of the code ..."`
    """
    if (cloud is None) == (folder is None):
        raise WorkshopError(
            "class_progress needs a cloud or a folder.",
            'Use class_progress(cloud) or class_progress(folder="/mnt/class").',
        )
    if cloud is not None:
        learners, broken = SharedBuckets(cloud).read_all()
        source = f"{KEY} of the code buckets of account {cloud.account}, {cloud.region}"
    else:
        path = Path(str(folder)).expanduser().absolute()
        try:
            learners, broken = SharedFolder(path).read_all()
        except OSError as error:
            raise WorkshopError(
                f"The folder {path} can't be read: {error.strerror}.",
                "Give the folder to which the learners write, and connect it first.",
            ) from None
        source = str(path)
    return ClassProgress(in_order(learners), tuple(broken), source)
