"""No ARN in the code names a partition: in China and in GovCloud it is another one than `aws`."""

import ast
import re

import boto3
import pytest

from helpers.core.cloud import Cloud
from helpers.core.paths import REPOSITORY
from tests.source_tree import trees

FIXED = re.compile(r"arn:aws[\w-]*:")
ALLOWED = dict.fromkeys(
    ("helpers/local/emulator/streams.py", "helpers/local/emulator/table_scaling.py"),
    "the emulator is in one partition",
)
# The files that are deployed and are not Python's.
FILES = sorted(
    path
    for folder in ("assets", "cfn")
    for path in (REPOSITORY / folder).rglob("*")
    if path.suffix in (".yaml", ".json", ".sh", ".sql", ".conf", ".service", ".js", ".html")
)


def in_strings(tree: ast.Module) -> list[str]:
    """Return the texts of a module that name a partition, except docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in docstrings and FIXED.search(node.value)
    ]


def test_no_code_names_a_partition():
    found = {
        name: texts
        for name, tree in trees("helpers", "assets", "notebooks").items()
        if (texts := in_strings(tree))
    }
    assert set(found) == set(ALLOWED), found


def test_no_file_that_is_deployed_names_a_partition():
    assert len(FILES) > 20
    assert not [path.name for path in FILES if FIXED.search(path.read_text(encoding="utf-8"))]


def test_a_fixed_partition_is_found_and_a_docstring_is_not():
    code = "def f(b):\n  'arn:aws:s3:::x'\n  return f'arn:aws:s3:::{b}', 'arn:aws-cn:iam::1:role/r'"
    assert sorted(in_strings(ast.parse(code))) == ["arn:aws-cn:iam::1:role/r", "arn:aws:s3:::"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_a_cloud_has_the_partition_of_its_region(region, partition):
    session = boto3.Session("test", "test", region_name=region)
    assert Cloud(session, "000000000000").partition == partition
