"""Each term of the glossary is explained in two sentences, and linked where it is first used."""

import json
import re

import pytest

from docs.stored_notebooks import stored
from helpers.core.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = dict(re.findall(r"^### (.+)\n(.+)$", PAGE, re.M))
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("[0-9]-*.ipynb"))
# Headings, tables, code, pictures, other links and the titles of questions have no such links.
NO_PROSE = re.compile(
    r"^#.*$|^\|.*$|^    .*$|`[^`]*`|<summary>(?s:.*?)</summary>|<[^>]*>"
    r"|!?\[[^]]*\]\((?!\.\./docs/glossary)[^)]*\)",
    re.M,
)


def anchor(term: str) -> str:
    """Return the name that GitHub and JupyterLab give a heading.

    Example:
        `anchor("At least once")` -> `"at-least-once"`
    """
    return re.sub(r"[^\w-]", "", term.lower().replace(" ", "-"))


def prose(notebook) -> str:
    """Return a notebook's text, without what can't contain a link."""
    cells = json.loads(stored(notebook))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return NO_PROSE.sub(lambda found: " " * len(found[0]), text)


def first_use(term: str, text: str) -> re.Match | None:
    """Return a term's first place in a text, singular or plural; links count as places."""
    return re.search(rf"\b{re.escape(term)}s?\b", text, re.I)


def test_the_glossary_has_thirty_terms_in_alphabetical_order():
    assert len(TERMS) >= 30 and list(TERMS) == sorted(TERMS, key=str.lower)


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_explained_in_two_sentences(term):
    sentences = re.findall(r"[.)](?= [A-Z(*]|$)", TERMS[term].replace("(", "").replace(")", ""))
    assert len(sentences) in (2, 3), TERMS[term]


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_linked_where_it_is_first_used(term):
    used = [(notebook, first_use(term, prose(notebook))) for notebook in NOTEBOOKS]
    notebook, place = next((each for each in used if each[1]), (None, None))
    assert notebook, "no notebook uses it: leave it out"
    text = prose(notebook)
    link = f"[{place[0]}](../docs/glossary.md#{anchor(term)})"
    assert text[place.start() - 1 :].startswith(link), f"{notebook.name}: {link}"


def test_each_link_to_the_glossary_leads_to_a_term():
    anchors = {anchor(term) for term in TERMS}
    found = {
        name
        for notebook in NOTEBOOKS
        for name in re.findall(r"glossary\.md#([\w-]+)\)", stored(notebook))
    }
    assert found and found <= anchors
