"""Every call that the helpers and notebooks make to AWS, read from their code.

A client is known by where it comes from: `cloud.client("kinesis").put_records(...)`, or a name that
holds one (`s3 = cloud.client("s3")`, also where it is handed on under the same name). A call of an
operation's name on anything else is an error: then this reader must learn it, or it would miss it.
"""

import ast
import functools
from collections.abc import Iterator

import botocore.session
from botocore import xform_name

from tests.source_tree import trees

# Names that the code gives to a client it was handed, and what is behind each.
HANDED_ON = {"athena": "athena", "s3": "s3", "kinesis": "kinesis"}
_SESSION = botocore.session.get_session()


@functools.cache
def operations(service: str) -> dict[str, str]:
    """Return a service's operations: method name -> name in the API."""
    model = _SESSION.get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


@functools.cache
def waiters(service: str) -> dict[str, str]:
    """Return a service's waiters: name as a method's -> the operation it calls."""
    model = _SESSION.get_waiter_model(service)
    return {
        xform_name(name): xform_name(model.get_waiter(name).operation)
        for name in model.waiter_names
    }


def calls(file: str, tree: ast.Module) -> set[tuple[str, str]]:
    """Return the calls of one file as (service, method): `("kinesis", "put_records")`."""
    return set(_Reader(file, tree).calls())


# These make no call on AWS: the second one refuses an AWS account before its first call
# (tests/unit/experiments/test_lost_table.py).
LOCAL_ONLY = ("helpers/local/", "helpers/experiments/lost_table.py")


@functools.cache
def every_call() -> dict[tuple[str, str], list[str]]:
    """Return the calls that a learner makes on AWS: (service, method) -> the files with it."""
    found: dict[tuple[str, str], list[str]] = {}
    for file, tree in trees("helpers", "notebooks").items():
        for call in () if file.startswith(LOCAL_ONLY) else calls(file, tree):
            found.setdefault(call, []).append(file)
    return found


class _Reader:
    def __init__(self, file: str, tree: ast.Module) -> None:
        self.file, self.tree = file, tree
        self.names = dict(HANDED_ON)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                self._note(node.targets[0], node.value)

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, its in zip(target.elts, value.elts, strict=True):
                self._note(one, its)
        elif service := self._made(value):
            self.names[ast.unparse(target)] = service

    def _made(self, node: ast.expr) -> str | None:
        """Return the service of `<anything>.client("x")` or `client("x")`, else None."""
        if not (isinstance(node, ast.Call) and node.args):
            return None
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        constant = isinstance(node.args[0], ast.Constant)
        return node.args[0].value if name == "client" and constant else None

    def _service(self, node: ast.expr) -> str | None:
        return self._made(node) or self.names.get(ast.unparse(node))

    def calls(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                # A client and the name of its call, handed on: pages(logs, "describe_log_groups").
                for client, word in zip(node.args, node.args[1:], strict=False):
                    service = isinstance(word, ast.Constant) and self._service(client)
                    if service and word.value in operations(service):
                        yield service, word.value
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from self._call(node)
            # A table of calls: ("stream", "kinesis", "list_streams", ...).
            if isinstance(node, ast.Tuple | ast.List):
                words = [e.value if isinstance(e, ast.Constant) else None for e in node.elts]
                for service, method in zip(words, words[1:], strict=False):
                    if _is_service(service) and method in operations(service):
                        yield service, method

    def _call(self, node: ast.Call) -> Iterator[tuple[str, str]]:
        receiver, method = node.func.value, node.func.attr
        service = self._service(receiver)
        if service is None:
            if _could_be(method):
                raise AssertionError(f"{self.file}:{node.lineno}: whose {method}() is this?")
            return
        named = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if method == "get_paginator":
            yield service, named
        elif method == "get_waiter":
            yield service, waiters(service)[named]
        elif method in operations(service):
            yield service, method


@functools.cache
def _is_service(word: str | None) -> bool:
    return word in _SESSION.get_available_services()


@functools.cache
def _could_be(method: str) -> bool:
    """Return whether a method has an operation's name, of two words at least."""
    used = ("athena", "autoscaling", "cloudformation", "cloudwatch", "dynamodb", "kinesis",
            "kinesisanalyticsv2", "lambda", "logs", "s3", "sns", "sqs", "ssm", "sts")  # fmt: skip
    return "_" in method and any(method in operations(service) for service in used)
