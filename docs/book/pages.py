"""Collects the pages of the book: the notebooks, the README, and all that they link.

The pages have the same places as their files in the repository, so links need no other path. A
notebook becomes a Markdown page; so does a source file that a page links, e.g. a template.
"""

import posixpath
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from docs.book.notebook_page import fenced, markdown, page
from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.module_progress import title
from helpers.core.paths import REPOSITORY

START = "README.md"
# Pages of the book that learners and teachers need, with their names in the navigation.
MORE = {
    "docs/glossary.md": "Glossary",
    "docs/teaching.md": "Teaching",
    "docs/aws.md": "On AWS",
    "docs/security.md": "Security",
    "docs/flink-start.md": "How Flink starts",
    "docs/original.md": "The original workshop",
    "bench/results.md": "Measurements",
    "docs/reference.md": "Reference",
}
IMAGES = (".png", ".svg", ".jpg", ".gif")
LANGUAGES = {".yaml": "yaml", ".sql": "sql", ".js": "javascript", ".py": "python", ".json": "json"}
_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
# The README's part about the book.
_ABOUT_THE_BOOK = re.compile(r"<!-- book -->.*?<!-- /book -->\n*", re.S)


def write_pages(executed: Path, folder: Path, home: Path) -> list[dict]:
    """Write all pages; return the site's navigation.

    Args:
        executed: the folder of the executed notebooks. One that is missing has no outputs.
        folder: gets the pages; it is emptied first.
        home: the folder of the target on which the notebooks were run.
    """
    shutil.rmtree(folder, ignore_errors=True)
    notebooks = [path.relative_to(REPOSITORY).as_posix() for path in stored_notebooks()]
    waiting, done = [START, *notebooks, *MORE], set()
    while waiting:
        if (name := waiting.pop()) not in done:
            done.add(name)
            waiting += _write(name, executed, folder, home)
    modules = [{title(Path(name).stem): page_name(name)} for name in notebooks]
    more = [{shown: name} for name, shown in MORE.items()]
    return [{"Start": START}, {"Modules": modules}, {"More": more}]


def page_name(name: str) -> str:
    """Return the place of a file's page; that of an image is the file's own.

    Example:
        >>> page_name("notebooks/1-capture.ipynb"), page_name("cfn/1-capture.yaml")
        ('notebooks/1-capture.md', 'cfn/1-capture.yaml.md')
    """
    if name.endswith((".md", *IMAGES)):
        return name
    return f"{name.removesuffix('.ipynb')}.md"


def _write(name: str, executed: Path, folder: Path, home: Path) -> set[str]:
    """Write one page or image; return the files of the repository that it links."""
    path = folder / page_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(IMAGES):
        shutil.copy(REPOSITORY / name, path)
        return set()
    text, linked = _with_links(_markdown(name, executed, folder, home), name)
    path.write_text(text, encoding="utf-8")
    return linked


def _markdown(name: str, executed: Path, folder: Path, home: Path) -> str:
    file = REPOSITORY / name
    if name.endswith(".ipynb"):
        import nbformat

        ran = executed / file.name
        text = ran.read_text(encoding="utf-8") if ran.exists() else stored(file)
        return page(nbformat.reads(text, as_version=4), folder / "notebooks" / "shown", home)
    text = file.read_text(encoding="utf-8")
    if name == START:
        text = _ABOUT_THE_BOOK.sub("", text).replace("\n\n", f"\n\n{_note(executed)}", 1)
    if name.endswith(".md"):
        return markdown(text)
    code = fenced(text, LANGUAGES.get(file.suffix, "text"))
    return f"---\nsearch: {{exclude: true}}\n---\n\n# {name}\n\n{code}\n"


def _note(executed: Path) -> str:
    """Return a note for the beginning of the book."""
    ran = [path.stat().st_mtime for path in executed.glob("*.ipynb")]
    day = f" on {datetime.fromtimestamp(max(ran), UTC):%Y-%m-%d}" if ran else ""
    text = f"All outputs are those of one run{day}. `make lab` runs the notebooks on your machine."
    return f'!!! note "You are reading the book"\n\n    {text}\n\n'


def _with_links(text: str, name: str) -> tuple[str, set[str]]:
    """Let each link to a file lead to its page; return the files as well."""
    linked = set()

    def replaced(found: re.Match) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))
        if not (REPOSITORY / target).is_file():
            return found[0]  # the link checker reports it
        linked.add(target)
        address = posixpath.relpath(page_name(target), posixpath.dirname(name) or ".")
        return f"{found[1]}{address}{found[3] or ''}{found[4]}"

    return _LINK.sub(replaced, text), linked
