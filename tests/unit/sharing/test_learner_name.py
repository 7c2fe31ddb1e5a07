"""Names that learners choose: which are refused, and with which next step."""

import pytest

from helpers.core.errors import WorkshopError
from helpers.sharing.learner_name import checked_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada\n Lovelace ", "Ada Lovelace"),
        ("<b>Ada</b>".replace("/", ""), "<b>Ada<b>"),  # it is escaped where it is shown
        ("🦊", "🦊"),
        ("👩\u200d🚀 3", "👩\u200d🚀 3"),
        ("Zoe\u0308", "Zoë"),
        ("مریم", "مریم"),
        ("$x$", "$x$"),
        ("x" * 40, "x" * 40),
    ],
)
def test_a_name_is_kept_in_one_line(given, kept):
    assert checked_name(given) == kept


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ("", "0 characters"),
        (" \t\n", "0 characters"),
        ("x" * 200, "200 characters"),
        ("../x", "path"),
        ("a\\b", "path"),
        ("/etc/passwd", "path"),
        ("..", "path"),
        ("a\u202eb", "can't be shown"),
        ("a\x00b", "can't be shown"),
        ("\ud800", "can't be shown"),
        (None, "no name"),
        (7, "no name"),
        (["Ada"], "no name"),
    ],
)
def test_other_names_are_refused_with_the_next_step(given, cause):
    with pytest.raises(WorkshopError, match=cause) as error:
        checked_name(given)
    assert "Choose 1 to 40" in error.value.remedy
