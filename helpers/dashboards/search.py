"""The part of CloudWatch's SEARCH language that dashboards of this workshop need.

    {Namespace,Dimension,Dimension} MetricName="exact" Dimension="exact" word

The whole language: "CloudWatch search expression syntax" in the CloudWatch User Guide. `OR`, `NOT`
and parentheses are not supported; a widget with them shows that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from helpers.core.metric_math import Unsupported

_SCHEMA = re.compile(r"\s*\{([^{}]*)\}")
_TERM = re.compile(r'\s*(?:([\w.-]+|"[^"]+")\s*=\s*)?("[^"]*"|[^\s"(){}=]+)')


@dataclass(frozen=True)
class Term:
    """A condition: the property (None: any of them) is, or contains, the value."""

    of: str | None
    value: str
    exact: bool

    def holds(self, properties: Mapping[str, str]) -> bool:
        """Return whether a metric with these properties (name and dimensions) fulfils it."""
        values = properties.values() if self.of is None else [properties.get(self.of, "")]
        if self.exact:
            return self.value in values
        word = re.compile(rf"(?<![a-z0-9]){re.escape(self.value)}(?![a-z0-9])", re.IGNORECASE)
        return any(word.search(value) for value in values)


@dataclass(frozen=True)
class Search:
    """Which metrics a SEARCH finds: those with exactly these dimensions that fulfil all terms."""

    namespace: str
    dimensions: frozenset[str]
    terms: tuple[Term, ...]

    def finds(self, name: str, dimensions: Mapping[str, str]) -> bool:
        """Return whether a metric of this namespace is found.

        Args:
            name: the metric's name.
            dimensions: its dimensions, value by name.

        Example:
            >>> search = parse_search('{Shop,Stack,Item} MetricName="sales" Stack="a"')
            >>> search.finds("sales", {"Stack": "a", "Item": "shoe"})
            True
            >>> search.finds("sales", {"Stack": "a"})
            False
        """
        properties = {"MetricName": name, **dimensions}
        return self.dimensions == dimensions.keys() and all(
            term.holds(properties) for term in self.terms
        )

    def exactly(self, of: str) -> str | None:
        """Return the value that a property must have, or None if it is not fixed."""
        return next((term.value for term in self.terms if term.exact and term.of == of), None)


def parse_search(text: str) -> Search:
    """Read a SEARCH expression's first argument.

    Args:
        text: e.g. `{RealtimeWebAnalytics,Stack,Item} MetricName="top_pages" Stack="rwa"`.

    Raises:
        Unsupported: it is more than a schema and terms that must all hold.

    Example:
        >>> parse_search('{AWS/Kinesis, StreamName} IncomingRecords').namespace
        'AWS/Kinesis'
    """
    schema = _SCHEMA.match(text)
    if schema is None:
        raise Unsupported(f"SEARCH without {{Namespace,Dimension}}: {text}")
    namespace, *dimensions = (part.strip().strip('"') for part in schema[1].split(","))
    terms, at = [], schema.end()
    while text[at:].strip():
        match = _TERM.match(text, at)
        if match is None or match[2] in ("OR", "NOT"):
            raise Unsupported(f"SEARCH with OR, NOT or parentheses: {text}")
        of, value = match[1], match[2]
        if value != "AND" or of:
            terms.append(Term(of and of.strip('"'), value.strip('"'), value.startswith('"')))
        at = match.end()
    return Search(namespace, frozenset(dimensions), tuple(terms))
