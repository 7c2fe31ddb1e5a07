"""Everything that stands in a template or a policy."""


def walk(node):
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


def texts(value) -> list[str]:
    """Every string of an Action or a Resource, those inside Fn::Sub or Fn::GetAtt too."""
    return [node for node in walk(value) if isinstance(node, str)]
