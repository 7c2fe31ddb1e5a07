"""Malformed beacons: real HTTP requests with values that break a careless log parser."""

import dataclasses
import random

from .beacon import Beacon

# The expected outcome, and the changed values. A name with quotes or HTML is unusual, but still a
# valid beacon; an invalid number, or a line over 8 KB, is rejected and counted.
_CASES: list[tuple[str, dict]] = [
    *(
        ("unparsable", {"extra": ((b"custom_metric_name", b"x"), header)})
        for header in (
            (b"custom_metric_int_value", b"banana"),
            (b"custom_metric_int_value", b"9" * 20),
            (b"custom_metric_float_value", b"1e120"),
        )
    ),
    (
        "too_long",
        {
            "page": b"/" + b"a" * 3000,
            "referrer": b"https://example.com/?" + b"b" * 3000,
            "agent": b"Mozilla/5.0 " + b"c" * 3000,
        },
    ),
    ("accepted", {"page": b"/<script>alert('beacon')</script>"}),
    ("accepted", {"page": b"/caf\xe9/\xff\xfe"}),
    ("accepted", {"page": "/käse/日本語".encode()}),
    ("accepted", {"referrer": b'https://example.com/?q="a\\b"', "agent": b'quo"ted \\ agent'}),
    ("accepted", {"referrer": b"javascript:alert(document.cookie)"}),
    ("accepted", {"page": b'/x"><img src=x onerror=alert(1)>'}),
    ("accepted", {"agent": b"${jndi:ldap://127.0.0.1/a} {{7*7}} %s%n $(id) `id`"}),
    ("accepted", {"page": b"/'; DROP TABLE clicks; --"}),
    ("accepted", {"agent": b'=HYPERLINK("https://example.com")'}),
    ("accepted", {"page": "/\u202etxt.exe\u2066\u200b".encode()}),
    ("accepted", {"agent": b"A" * 2000}),
    ("accepted", {"page": b"-", "agent": b"-", "referrer": b"-"}),
    ("accepted", {"agent": None, "referrer": None, "clientid": None}),
]


def malformed_variant(beacon: Beacon, chance: random.Random) -> Beacon:
    """Return a malformed variant of a beacon; its `expect` is the expected outcome.

    Args:
        beacon: an ordinary one.
        chance: the random generator.
    """
    expect, changes = chance.choice(_CASES)
    return dataclasses.replace(
        beacon, **{"kind": "malformed", "expect": expect, "extra": ()} | changes
    )
