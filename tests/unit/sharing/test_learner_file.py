"""A learner's file, of which other people have written every byte."""

import json

import pytest

from helpers.sharing.learner_file import LARGEST, Learner, read, written

NESTED = b"[" * 50_000
HUGE = b'{"name": "a", "steps": {"x": 1' + b"0" * 5000 + b"}}"


def test_what_is_written_is_read():
    steps = {"1-capture": 1_795_564_800.25, "exercise 1-1": 7.0}
    assert read("a1", written("Zoë 🦊", steps)) == Learner("a1", "Zoë 🦊", steps)
    assert json.loads(written("Ada", {})) == {"name": "Ada", "steps": {}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b'{"name": "Ada", "ste', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (NESTED, "not JSON"),
        (HUGE, "not JSON"),
        (b" " * (LARGEST + 1), "larger"),
        (b"[]", "no name and no steps"),
        (b"null", "no name and no steps"),
        (b'{"steps": {}}', "no name"),
        (b'{"name": 3, "steps": {}}', "no name"),
        (b'{"name": "", "steps": {}}', "no name"),
        (json.dumps({"name": "x" * 41, "steps": {}}).encode(), "no name"),
        (b'{"name": "Ada"}', "steps without"),
        (b'{"name": "Ada", "steps": [1]}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": "now"}}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": true}}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": NaN}}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": Infinity}}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": -1}}', "steps without"),
        (b'{"name": "Ada", "steps": {"1-capture": 1e300}}', "steps without"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_any_other_content_is_refused_with_a_reason(content, reason):
    with pytest.raises(ValueError, match=reason):
        read("a1", content)
