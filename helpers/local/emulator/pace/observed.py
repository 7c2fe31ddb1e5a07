"""A dict that knows when its keys were added and deleted, in place of one of the emulator's."""

import time
from typing import Any


class Observed(dict):
    """Keeps the moment (`time.monotonic`) at which each key was added, and was deleted."""

    def __init__(self, items: dict) -> None:
        self.added: dict[Any, float] = {}
        self.deleted: dict[Any, float] = {}
        super().__init__()
        for key, value in items.items():
            self[key] = value

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401
        if key not in self:
            self.added[key] = time.monotonic()
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:  # noqa: ANN401
        super().__delitem__(key)
        self.deleted[key] = time.monotonic()

    def setdefault(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:  # noqa: ANN401
        if key in self:
            self.deleted[key] = time.monotonic()
        return super().pop(key, *default)


def observe(store: Any) -> None:  # noqa: ANN401 - one of the emulator's scoped dicts
    """Observe a store of the emulator, which keeps its content in `_data`; twice does no harm."""
    if not isinstance(store._data, Observed):
        store._data = Observed(store._data)


def age(store: Any, name: Any) -> float:  # noqa: ANN401
    """Return for how many seconds an observed store has had a name; infinity if it has none."""
    moment = store._data.added.get(store._scoped(name))
    return float("inf") if moment is None else time.monotonic() - moment


def deleted_since(store: Any, seconds: float) -> list[Any]:  # noqa: ANN401
    """Return the names that were deleted from an observed store at most so many seconds ago."""
    oldest = time.monotonic() - seconds
    gone = [key for key, moment in list(store._data.deleted.items()) if moment > oldest]
    return [store._unscope(key) for key in gone if store._is_mine(key) and key not in store._data]
