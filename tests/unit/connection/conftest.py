"""Fixtures of more than one file of this folder, so that a test finds them without an import."""

from tests.unit.connection.preflight_account import (  # noqa: F401
    aws,
    cloud,
    hasty_probe,
    probe,
    server,
)
