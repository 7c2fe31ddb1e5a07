"""Fixtures that several folders here use; each is described where it is defined."""

import pytest

from tests.unit.audit.ledger_world import full, world  # noqa: F401
from tests.unit.flink.pumping import folders, kinesis, stream  # noqa: F401
from tests.unit.functions.lambdas import own_tables
from tests.unit.functions.metric_chain import chain  # noqa: F401
from tests.unit.stores.written import empty, listed, now  # noqa: F401


@pytest.fixture
def cloud(emulator, monkeypatch):
    """The emulator under a prefix of this test's own, with the two tables of the functions."""
    return own_tables(emulator, monkeypatch)
