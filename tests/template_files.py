"""Templates as CloudFormation reads them: `!Ref x` is `{"Ref": "x"}`, and so on.

cfn-lint has a reader of its own, too, and needs a second and more of each process to be imported.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ministack.services.cloudformation.engine import CfnLoader

from helpers.core.paths import REPOSITORY

TEMPLATES = sorted((REPOSITORY / "cfn").glob("*.yaml"))
POLICIES = sorted((REPOSITORY / "policy").glob("*.json"))


class Mapping(dict):
    """A mapping that knows its first and last line in the file, counted from 0."""

    lines = (0, 0)


class _Loader(CfnLoader):
    """The emulator's reader, with the lines of each mapping."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Mapping]:
    found = Mapping()
    found.lines = (node.start_mark.line, node.end_mark.line)
    yield found
    found.update(loader.construct_mapping(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


@cache
def read_template(path: Path | str) -> dict[str, Any]:
    """Return a template's content: the same object at each call, not to be changed.

    Args:
        path: the file, or the name of one of our own without its ending, e.g. `"2-analyze"`.
    """
    file = path if isinstance(path, Path) else REPOSITORY / "cfn" / f"{path}.yaml"
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)


RESOURCES = {
    name: resource
    for template in TEMPLATES
    for name, resource in read_template(template)["Resources"].items()
}


def walk(node):
    """Yield a node of a template or a policy, and all within it."""
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


def texts(value) -> list[str]:
    """Every string of an Action or a Resource, those inside Fn::Sub or Fn::GetAtt too."""
    return [node for node in walk(value) if isinstance(node, str)]


def policies_as_template(folder: Path) -> Path:
    """Write the policies as a template's resources: linters read no separate policies."""
    resources = {
        f"Policy{path.stem[0]}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": json.loads(path.read_text(encoding="utf-8"))},
        }
        for path in POLICIES
    }
    file = folder / "policies.json"
    file.write_text(json.dumps({"Resources": resources}), encoding="utf-8")
    return file
