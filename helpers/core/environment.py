"""The environment variables of a child process: ours, without a single AWS setting of the shell.

A learner's shell may hold a real session token, an endpoint, a profile, a file of settings: beside
the keys of another cloud they lead a child elsewhere, or a credential to where it has no business.
So every child of the workshop gets its variables from here, and of AWS's only those that are given.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from .paths import REPOSITORY

# What ~/.aws holds is left out as well: its [default] profile may name an endpoint, too.
_NO_FILES = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
# Many a container sets it. Then each start of Python compiles all that it imports: 2.7 s for boto3,
# pandas and matplotlib; 0.8 s where compiled files are kept.
_SLOW = "PYTHONDONTWRITEBYTECODE"


def python_path(first: Path) -> str:
    """Return this process's PYTHONPATH with a folder before all others.

    Args:
        first: the folder.
    """
    paths = [str(first), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(filter(None, paths)))


def child_environment(values: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Return this process's environment variables for a child, with `values` as its AWS settings.

    A child that is Python finds the workshop's modules, and reads and writes UTF-8 whatever the
    machine's encoding is.

    Args:
        values: the variables to be set, AWS's among them; those without a value are left out.

    Example:
        >>> child_environment({"AWS_DEFAULT_REGION": "us-east-1"})["AWS_DEFAULT_REGION"]
        'us-east-1'
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    inherited.pop(_SLOW, None)
    given = {name: value for name, value in (values or {}).items() if value}
    python = {"PYTHONPATH": python_path(REPOSITORY), "PYTHONUTF8": "1"}
    return inherited | python | _NO_FILES | given
