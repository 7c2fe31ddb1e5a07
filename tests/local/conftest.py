"""Fixtures of several files here."""

from tests.local.watch import watch  # noqa: F401
