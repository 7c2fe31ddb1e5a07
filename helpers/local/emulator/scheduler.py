"""EventBridge Scheduler: schedules are stored, and never fire.

The workshop's only schedule deletes everything at its expiry, so that no costs remain. The local
target costs nothing, and ends by itself after two idle hours. MiniStack would also fire it 15
minutes after its creation, because its CloudFormation ignores StartDate.
"""

from ministack.services import scheduler


def apply() -> None:
    """Turn off the emulator's search for schedules that are due."""
    scheduler._tick_schedules = fire_none


def fire_none() -> None:
    """Fire no schedule."""
