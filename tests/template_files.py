"""Templates as CloudFormation reads them: `!Ref x` is `{"Ref": "x"}`, and so on.

cfn-lint has a reader of its own, and needs a second and more of each process to be imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from helpers.home import REPOSITORY

_DATE = "tag:yaml.org,2002:timestamp"
_NAMES = {"Ref": "Ref", "Condition": "Condition"}


class Mapping(dict):
    """A mapping that knows its first and last line in the file, counted from 0."""

    lines = (0, 0)


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
    """YAML with CloudFormation's tags; a date is text, as in a policy's `Version`."""

    yaml_implicit_resolvers = {
        first: [rule for rule in rules if rule[0] != _DATE]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        value = value.split(".", 1) if name == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {_NAMES.get(name, f"Fn::{name}"): value}


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Iterator[Mapping]:
    found = Mapping()
    found.lines = (node.start_mark.line, node.end_mark.line)
    yield found
    found.update(loader.construct_mapping(node))


_Loader.add_multi_constructor("!", _function)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_template(path: Path | str) -> dict[str, Any]:
    """Return a template's content.

    Args:
        path: the file, or the name of one of our own without its ending, e.g. `"2-analyze"`.
    """
    file = path if isinstance(path, Path) else REPOSITORY / "cfn" / f"{path}.yaml"
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
