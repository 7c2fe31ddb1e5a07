"""CloudFormation: templates are read by PyYAML's parser in C, in a tenth of the time.

A deployment of the four modules reads each template some four times.
"""

import yaml
from ministack.services.cloudformation import engine

_RULES = ("yaml_constructors", "yaml_multi_constructors", "yaml_implicit_resolvers")


def apply() -> None:
    """Replace the emulator's parser; its rules for `!Ref`, `!Sub` and so on stay."""
    if yaml.__with_libyaml__:
        rules = {name: getattr(engine.CfnLoader, name) for name in _RULES}
        engine.CfnLoader = type("CfnLoader", (yaml.CSafeLoader,), rules)
