"""`join_class` and `leave_class`: a learner shares which checks passed, under a chosen name."""

from pathlib import Path

from helpers.core.cloud import Cloud
from helpers.core.errors import WorkshopError
from helpers.core.module_progress import noted_steps
from helpers.core.text import quoted

from .learner_name import checked_name
from .membership import Membership, forget, membership, new_key, store
from .shared_folder import SharedFolder
from .steps import problem_with, problem_with_writing


def join_class(cloud: Cloud, name: str, folder: Path | str | None = None) -> None:
    """Show the instructor which of your checks and exercises have passed, under a name you choose.

    From now on, each check that passes writes one small file: the name, and the time of each passed
    step; nothing else. `leave_class(cloud)` deletes it. Running it again changes the name or the
    folder.

    Args:
        cloud: the account, region and prefix whose steps are shared.
        name: 1 to 40 characters; any name that the instructor can recognise, or none of yours.
        folder: the folder that the class shares, e.g. a network folder; without it, the code bucket
            of your prefix, which an instructor in the same AWS account can read.

    Raises:
        WorkshopError: the name can't be shown, or the folder is missing or can't be written.

    Example:
        `join_class(cloud, "Ada")` prints `You are ...`
    """
    chosen = checked_name(name)
    before = membership(cloud)
    path = _checked_folder(folder) if folder is not None else ""
    joined = Membership(before.key if before else new_key(), chosen, path)
    problem = problem_with_writing(cloud, joined)
    if problem and path:
        raise WorkshopError(problem, "Ask your instructor for the class's folder, then try again.")
    if before and before.folder != path:
        _delete(cloud, before)
    store(cloud, joined)
    place = joined.place(cloud)
    print(
        f"You are {quoted(chosen)} in the class: {len(noted_steps(cloud))} passed steps, and each "
        f"further one, are shared in {place.where(joined.key)}. leave_class(cloud) deletes it."
    )
    if problem:
        print(f"Nothing is shared yet: {problem} The next check tries again.")
    if _has_namesake(joined):
        print(
            "Another learner has the same name. The instructor sees both, with a number; or choose "
            "another name, and run this cell again."
        )


def leave_class(cloud: Cloud) -> None:
    """Delete the file that `join_class` shares, and share no further steps.

    Running it again does no harm.

    Args:
        cloud: as for `join_class`.

    Example:
        `leave_class(cloud)` prints `You have left the class: ...`
    """
    joined = membership(cloud)
    if joined is None:
        print("You have not joined a class.")
        return
    problem = _delete(cloud, joined)
    forget(cloud)
    if problem:
        where = joined.place(cloud).where(joined.key)
        print(f"No further step is shared. {where} could not be deleted: {problem}")
    else:
        print("You have left the class: your file is deleted, and no further step is shared.")


def _checked_folder(folder: Path | str) -> str:
    if not isinstance(folder, str | Path) or not str(folder).strip():
        raise WorkshopError(f"{folder!r:.40} is no folder.", "Give its path, as a text.")
    path = Path(folder).expanduser().absolute()
    if problem := problem_with(lambda: _require_folder(path), str(path)):
        raise WorkshopError(problem, "Ask your instructor for the class's folder, then try again.")
    return str(path)


def _require_folder(path: Path) -> None:
    if not path.is_dir():
        raise WorkshopError(f"There is no folder {path}.", "")


def _delete(cloud: Cloud, joined: Membership) -> str:
    place = joined.place(cloud)
    if not joined.folder:
        cloud.client("s3")  # as in problem_with_writing
    return problem_with(lambda: place.delete(joined.key), place.where(joined.key))


def _has_namesake(joined: Membership) -> bool:
    """Return whether another file of the folder has the same name, if it may be read."""
    if not joined.folder:
        return False
    try:
        learners, _ = SharedFolder(Path(joined.folder)).read_all()
    except OSError:  # learners may be allowed to write, and not to read
        return False
    return any(
        learner.key != joined.key and learner.name.lower() == joined.name.lower()
        for learner in learners
    )
