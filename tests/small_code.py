"""Code of a few bytes in place of the workshop's own, for tests of stacks in which nothing runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import helpers.deployment.deploy
from helpers.core.cloud import Cloud
from helpers.deployment.deploy import deploy
from helpers.deployment.destroy import destroy
from helpers.deployment.stacks import MODULES

HANDLER = "def handler(event, context):\n    return {}\n"


def small_code(folder: Path) -> dict:
    """Write a handler into a folder; return `deployment.CODE` with that folder everywhere."""
    (folder / "handler.py").write_text(HANDLER)
    return {
        module: {parameter: (name, folder) for parameter, (name, _) in code.items()}
        for module, code in helpers.deployment.deploy.CODE.items()
    }


@contextmanager
def all_stacks(emulator: Cloud, prefix: str, folder: Path) -> Iterator[Cloud]:
    """Deploy all modules under a prefix, with small code from a folder; destroy them in the end."""
    cloud = Cloud(emulator.session, emulator.account, prefix, emulator.endpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(helpers.deployment.deploy, "CODE", small_code(folder))
        for module in MODULES:
            deploy(cloud, module)
        yield cloud
    destroy(cloud)
