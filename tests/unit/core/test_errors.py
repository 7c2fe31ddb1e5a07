"""README's table of errors quotes messages that the code prints."""

import re

import pytest

from helpers.core.paths import REPOSITORY

TABLE = re.search(
    r"^## When something goes wrong$(.+?)^## ",
    (REPOSITORY / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)[1]
# A command, and messages of Python and git.
FOREIGN = {"git pull", "No module named 'helpers'", "Your local changes … would be overwritten"}
SEEN = [line.split("|")[1] for line in TABLE.splitlines() if line.startswith("|")]
QUOTED = {text for seen in SEEN for text in re.findall(r"`([^`]+)`", seen)} - FOREIGN
SOURCE = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "helpers").rglob("*.py"))
)


@pytest.mark.parametrize("text", sorted(QUOTED))
def test_the_readmes_table_quotes_a_message_of_the_code(text):
    assert text.strip(". ") in SOURCE


def test_the_readmes_table_quotes_several_messages():
    assert len(QUOTED) > 8
