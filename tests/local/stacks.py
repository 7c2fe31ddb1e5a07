"""A stack of a test's own on the emulator."""

import json
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stack(emulator, name: str, resources: dict, **more) -> Iterator[dict]:
    """Create a stack and yield its description; delete it at the end.

    Args:
        emulator: the Cloud.
        name: the stack's name.
        resources: the template's Resources.
        more: other parts of the template, such as Outputs.
    """
    formation = emulator.client("cloudformation")
    body = json.dumps({"Resources": resources, **more})
    formation.create_stack(StackName=name, TemplateBody=body)
    waiting = {"StackName": name, "WaiterConfig": {"Delay": 1}}
    formation.get_waiter("stack_create_complete").wait(**waiting)
    yield formation.describe_stacks(StackName=name)["Stacks"][0]
    formation.delete_stack(StackName=name)
    formation.get_waiter("stack_delete_complete").wait(**waiting)
