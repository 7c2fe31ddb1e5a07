from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "access.log"
