"""No amount in dollars becomes a formula: not in Markdown, not in a table of visitors' texts.

JupyterLab takes what is between two `$` of one paragraph for TeX (a table and a list are one
paragraph; `\\$` and `&#36;` don't help: MathJax reads the rendered page). GitHub does the same. So
a paragraph has one `$` at most; the others are "dollars" or "cents". tests/browser looks at what
JupyterLab makes of every notebook.
"""

import json
import re

import pytest

from docs.stored_notebooks import stored, stored_notebooks
from helpers.home import REPOSITORY

PATHS = stored_notebooks() + [
    path for pattern in ("*.md", "docs/*.md", "bench/*.md") for path in REPOSITORY.glob(pattern)
]
PAGES = sorted(path.relative_to(REPOSITORY).as_posix() for path in PATHS)
FENCED = re.compile(r"^(```+|~~~+).*?^\1", re.M | re.S)
INLINE = re.compile(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", re.S)
INDENTED = re.compile(r"(?:^|(?<=\n\n))(?:(?: {4}|\t)[^\n]*\n*)+", re.M)
OTHER_MATHS = re.compile(r"\\\\[(\[]|\\begin\{")


def formulas(markdown: str) -> list[str]:
    """Return the paragraphs that may be shown as a formula."""
    text = FENCED.sub("", markdown)
    text = INDENTED.sub("", text)
    paragraphs = re.split(r"\n\s*\n", INLINE.sub("", text))
    return [each for each in paragraphs if each.count("$") > 1 or OTHER_MATHS.search(each)]


@pytest.mark.parametrize(
    "markdown",
    [
        "*on AWS $0.37 an hour, $0.46 more*",
        "## It costs $1 or $2",
        "It costs $1\nor $2.",
        r"Escaped: \$1 and \$2",
        "| a |\n|---|\n| $1 |\n| $2 |",
        "- $1\n- $2",
        "`code` $1 `code` $2",
        r"\\(a + b\\)",
    ],
)
def test_two_amounts_in_a_paragraph_a_heading_a_table_or_a_list_are_found(markdown):
    assert formulas(f"Before, $1.\n\n{markdown}\n\nAfter, $3.") == [markdown.replace("`code`", "")]


@pytest.mark.parametrize(
    "markdown",
    [
        "It costs $1.\n\nOr $2.",
        "`$a` and `$b`, $1",
        "```\n$a\n$b\n```",
        "For example:\n\n    echo $a $b\n    echo $c\n\nIt costs $1.",
    ],
)
def test_code_and_one_amount_are_none(markdown):
    assert formulas(markdown) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_paragraph_holds_what_may_become_a_formula(page):
    path = REPOSITORY / page
    if path.suffix == ".md":
        parts = [path.read_text(encoding="utf-8")]
    else:
        cells = json.loads(stored(path))["cells"]
        parts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    assert [each for part in parts for each in formulas(part)] == []


def test_pages_were_looked_at():
    assert {"README.md", "docs/reference.md", "notebooks/6-scale-and-cost.ipynb"} <= set(PAGES)
