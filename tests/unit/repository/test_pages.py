"""What people read: nothing public is unexplained, no link is dead, no number is another's.

And no amount in dollars becomes a formula, in Markdown or in a table of visitors' texts. JupyterLab
takes what is between two `$` of one paragraph for TeX (a table and a list are one paragraph; `\\$`
and `&#36;` don't help: MathJax reads the rendered page). GitHub does the same. So a paragraph has
one `$` at most; the others are "dollars" or "cents". tests/browser looks at what JupyterLab makes
of every notebook.
"""

import json
import operator
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import helpers.check
from docs.make_reference import public_names
from docs.stored_notebooks import cleared, stored, stored_notebooks
from helpers.core.paths import REPOSITORY
from helpers.planning import prices
from helpers.planning.monthly_cost import counting_hour
from tests.source_tree import cells_of

NOTEBOOKS = stored_notebooks()
PAGES = [
    path for pattern in ("*.md", "docs/*.md", "bench/*.md") for path in REPOSITORY.glob(pattern)
]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def page(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


@cache
def text_for_readers() -> str:
    """Notebooks, solutions and pages, but the reference, which is made of the docstrings."""
    files = [*(REPOSITORY / "notebooks" / "solutions").glob("*.py"), REPOSITORY / "README.md"]
    files += set((REPOSITORY / "docs").glob("*.md")) - {REPOSITORY / "docs" / "reference.md"}
    return "\n".join([*map(stored, NOTEBOOKS), *(file.read_text("utf-8") for file in files)])


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_is_explained_with_an_example_and_used_where_people_read(name):
    docstring = operator.attrgetter(name)(helpers).__doc__ or ""
    assert re.search(r"^\s*Example:$", docstring, re.M), "its docstring has no example"
    if name != "WorkshopError":  # every helper raises it, but no page names it
        assert re.search(rf"\b{re.escape(name)}\(", text_for_readers()), (
            "no notebook and no page uses it"
        )


def links() -> Iterator[tuple[Path, str]]:
    """Yield each link of a page or a notebook to a file of this repository."""
    for path in [*PAGES, *NOTEBOOKS]:
        text = stored(path) if path in NOTEBOOKS else path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s#]+)", text):
            if "://" not in target:
                yield path, target


def test_every_link_leads_to_a_file():
    found = list(links())
    dead = [f"{path}: {target}" for path, target in found if not (path.parent / target).exists()]
    assert len(found) > 50 and dead == []


def test_the_costs_that_pages_tell_are_those_of_the_price_list():
    standing = f"${prices.hourly():.2f} an hour"
    counting = f"{100 * counting_hour():.0f} cents more"
    for notebook in NOTEBOOKS:
        if notebook.name[0] in "34567":
            head = json.loads(stored(notebook))["cells"][0]["source"]
            assert standing in "".join(head) and counting in "".join(head), notebook.name
    text = page("docs/teaching.md")
    assert f"**{standing}**" in text and counting in text
    most = prices.hourly() + counting_hour()
    assert f"about {4.5 * most:.2f} dollars for" in text
    assert f"**{30 * 4.5 * most:.0f} dollars for thirty**" in text


@each_notebook
def test_pages_tell_the_minutes_that_stand_in_the_notebook(path):
    minutes = re.search(r"\*(\d+) minutes", stored(path))[1]
    readme, teaching = page("README.md"), page("docs/teaching.md")
    assert re.search(rf"\(notebooks/{path.name}\) \| .* \| {minutes} \|", readme)
    assert re.search(rf"\| {path.name[0]} · [^|]* \| {minutes} \|", teaching)


def test_make_help_tells_every_command():
    text = page("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split()
    assert set(phony) == set(re.findall(r"^([a-z-]+):.*?## \w", text, re.M))


@each_notebook
def test_the_filter_leaves_a_stored_notebook_alone_and_clears_one_that_was_run(path):
    kept = stored(path)
    run = json.loads(kept)
    for number, cell in enumerate(run["cells"]):
        cell["metadata"] |= {"scrolled": True}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": number, "outputs": [{"output_type": "stream"}]}
    run["metadata"]["kernelspec"]["name"] = "python3"
    run["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "source": []})
    assert cleared(kept) == kept == cleared(json.dumps(run))


# Formulas

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


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.name)
def test_no_paragraph_holds_what_may_become_a_formula(path):
    parts = [page(path)] if path in PAGES else []
    if path in NOTEBOOKS:
        parts = ["".join(cell["source"]) for cell in cells_of(stored(path), "markdown")]
    assert parts and [each for part in parts for each in formulas(part)] == []
