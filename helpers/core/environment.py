"""The environment variables of a child process: this process's own, without its AWS settings.

A session token, endpoint, profile or settings file from the learner's shell could direct a child
to another cloud, or send a real credential there. So a child gets only the given AWS settings.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from .paths import REPOSITORY

# The files in ~/.aws are not read either: their [default] profile may name an endpoint, too.
_NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
# Many containers set it. Then Python compiles its imports at each start: 2.7 s for boto3, pandas
# and matplotlib, instead of 0.8 s.
_SLOW = "PYTHONDONTWRITEBYTECODE"


def python_path(first: Path) -> str:
    """Return this process's PYTHONPATH with the folder `first` before all others."""
    paths = [str(first), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(filter(None, paths)))


def child_environment(values: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return this process's environment variables for a child, with `values` as its AWS settings.

    A Python child finds the workshop's modules, and uses UTF-8 whatever the machine's encoding is.

    Args:
        values: the variables to set; those without a value are left out.

    Example:
        >>> child_environment({"AWS_DEFAULT_REGION": "us-east-1"})["AWS_DEFAULT_REGION"]
        'us-east-1'
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    inherited.pop(_SLOW, None)
    given = {name: value for name, value in (values or {}).items() if value}
    python = {"PYTHONPATH": python_path(REPOSITORY), "PYTHONUTF8": "1"}
    return inherited | python | _NO_FILES | given
