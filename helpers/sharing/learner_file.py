"""The file that a learner shares: the chosen name, and when each check and exercise was passed.

Other people write these files, so whatever is in one is checked before it is shown.
"""

import json
from dataclasses import dataclass
from typing import Any

from .learner_name import LONGEST

LARGEST = 64 * 1024  # bytes; a learner who has passed everything has about 2 KB
_LATEST = 4_102_444_800  # the year 2100, in seconds since 1970


@dataclass(frozen=True)
class Learner:
    """A learner, as one file describes them.

    Args:
        key: the file's own, which no other learner has: it distinguishes equal names.
        name: as the learner chose it.
        steps: each passed check and exercise, e.g. `"1-capture"` or `"exercise 1-1"` -> the time,
            in seconds since 1970.
    """

    key: str
    name: str
    steps: dict[str, float]


def written(name: str, steps: dict[str, float]) -> bytes:
    """Return a learner's file.

    Args:
        name: from `checked_name`.
        steps: as for `Learner`.

    Example:
        >>> written("Ada", {"1-capture": 1.5})
        b'{"name": "Ada", "steps": {"1-capture": 1.5}}'
    """
    return json.dumps({"name": name, "steps": steps}).encode("utf-8")


def read(key: str, content: bytes) -> Learner:
    """Return what a learner's file has.

    Args:
        key: as for `Learner`.
        content: of the file; its first bytes are enough to see that it is too large.

    Raises:
        ValueError: it is not such a file; the message has the reason.

    Example:
        >>> read("a1", b'{"name": "Ada", "steps": {}}').name
        'Ada'
    """
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("no name and no steps")
    name, steps = found.get("name"), found.get("steps")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST:
        raise ValueError("no name")
    if not isinstance(steps, dict) or not all(map(_is_time, steps.values())):
        raise ValueError("steps without a time")
    return Learner(key, name, {step: float(at) for step, at in steps.items()})


def _is_time(value: Any) -> bool:  # noqa: ANN401 - whatever JSON has
    # NaN is not between any two numbers.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST
