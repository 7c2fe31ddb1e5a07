"""The name that a learner chooses for the class page: it is shown, and is never a file's name."""

import unicodedata

from helpers.core.errors import WorkshopError

LONGEST = 40
# Marks within emojis, and within words of Persian and of Indian languages.
_JOINERS = "\u200c\u200d"
_REMEDY = f"Choose 1 to {LONGEST} letters, digits, spaces or emojis, such as Ada or Team 3."


def checked_name(name: object) -> str:
    """Return a name without spaces around it, if it can be shown in a table.

    Args:
        name: what a learner chose.

    Raises:
        WorkshopError: it is no text, empty or too long, or it has characters of a path or
            invisible ones.

    Example:
        >>> checked_name("  Ada   B. ")
        'Ada B.'
    """
    if not isinstance(name, str):
        raise WorkshopError(f"{name!r:.40} is no name.", _REMEDY)
    kept = " ".join(unicodedata.normalize("NFC", name).split())
    if not kept or len(kept) > LONGEST:
        raise WorkshopError(f"The name has {len(kept)} characters.", _REMEDY)
    if any(char in "/\\" for char in kept) or not kept.strip("."):
        raise WorkshopError(f"The name {kept!r} looks like a path.", _REMEDY)
    if not all(char.isprintable() or char in _JOINERS for char in kept):
        raise WorkshopError("The name has characters that can't be shown.", _REMEDY)
    return kept
