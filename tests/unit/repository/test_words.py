"""Plain words wherever people read: no figurative verbs, no programs that speak.

    .venv/bin/python -m tests.unit.repository.test_words README.md helpers/ledger.py

prints `path:line: sentence (word -> write instead)` for files or folders. FORBIDDEN is the list;
ALLOWED holds the phrases that contain such a word and are fine.
"""

import ast
import bisect
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.stored_notebooks import stored, stored_notebooks
from helpers.core.paths import REPOSITORY

# Whole words, as regular expressions, and what to write instead.
WORD_LIST = [
    (r"sa(?:y|ys|id|ying)", "returns, logs, shows, reports, names; for example"),
    (r"t(?:ell|ells|old|elling)", "reports, shows, sends, signals, passes; distinguish"),
    (r"speaks?|spoken?", "a component uses a protocol, a language"),
    (r"hears?|heard", "receives, is notified"),
    (r"st(?:and|ands|ood|anding)", "is, is stored, is declared, is written; stops updating"),
    (r"blows?", "fault, injected failure"),
    (r"str(?:ike|ikes|uck|iking)", "inject, kill, fail"),
    (r"(?:rings?|rang|rung|ringing)", "goes to ALARM, sends a message"),
    (r"heirs?", "successor"),
    (r"anew", "again"),
    (r"reckon(?:s|ed|ing)?", "compute, calculate, assume"),
    (r"in truth", "actually, in fact"),
    (r"nobody|no one", "the passive, or: not ... by any user"),
    (r"who(?:so)?ever", "anyone who, each client that"),
    (r"beside", "next to, in addition to, compared with"),
    (r"lean(?:s|ed|ing)? on", "depend on, rely on"),
    (r"kept from", "prevented from, not allowed to"),
    (r"mend(?:s|ed|ing)?", "fix, correct, repair"),
    (r"fates?", "outcome"),
    (r"kin", "similar ones"),
    (r"nonsense", "malformed, invalid"),
    (r"the very", "exactly, the same"),
    (r"upon|lest|ere|thereof|wherein|whence|naught", "on, so that ... not, before, of it"),
    (r"asleep", "idle, inactive"),
    (r"knows? (?:nothing|of|no)", "has no, is not defined, does not exist"),
    (r"without a word", "without an error, silently (and say how it shows)"),
    (r"for want of", "because ... is missing"),
    (r"(?:the|this|our) house", "the workshop, the repository, the project"),
    (r"takes? no more (?:calls|requests)", "throttles"),
    (r"lets? in|let in", "allow"),
]
FORBIDDEN = [(rf"(?<![\w-])(?:{words})(?![\w-])", instead) for words, instead in WORD_LIST]
# A subject that is a riddle; a question, and a title without a full stop, are none.
RIDDLE = r"(?:^|(?<=: ))(?-i:What|Who)\b[^?:]*\.$"
FORBIDDEN.append((RIDDLE, "name the thing: The files that ..."))
ALLOWED = re.compile(
    # People speak.
    r"\b(?:you|we|I|people|person|author|learners?|users?|visitors?|readers?|someone|somebody)"
    r"(?: (?:can|could|may|will|must|have|has|had))? (?:say|says|said|tell|tells|told)\b"
    r"|\b(?:that is to say|tell (?:us|me|the maintainers)|tell-me)\b"
    r"|\bthe very (?:first|last|same)\b",
    re.I,
)
WORDS = re.compile(
    "|".join(f"(?P<w{n}>{words})" for n, (words, _) in enumerate(FORBIDDEN)), re.IGNORECASE
)
AREAS = ("helpers", "assets", "tests", "bench", "notebooks", "pages")
COMMENT = {".sql": "--", ".js": "//"}
PLAIN = {".yaml", ".yml", ".toml", ".sh", ".conf", ".service", ".timer", ".css", ".vtt", ""}
SENTENCE_END = re.compile(r"\f+|(?<=[.!?])[\"')]*\s+|\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.) )")


# What is read in a file: blocks of text, each with its first line


def blocks(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield a file's texts for readers, each with the line in which it begins (a cell's number)."""
    if path.suffix == ".py":
        yield from python_blocks(text)
    elif path.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(text)["cells"]):
            source = "".join(cell["source"])
            code = cell["cell_type"] == "code" and not source.startswith("%%")
            found = python_blocks(source) if code else [(0, source)]
            yield from ((number, block) for _, block in found)
    elif path.suffix in COMMENT:
        sign = COMMENT[path.suffix]
        yield from ((n, block) for n, block in line_blocks(text, sign) if sign in block)
    elif path.suffix in (".html", ".svg"):
        ended = re.sub(r"</(h\d|p|li|d[td]|title|text|desc)>", lambda tag: "\f" * len(tag[0]), text)
        yield 1, re.sub(r"<[^>]*>", lambda tag: re.sub(r"[^\n]", " ", tag[0]), ended)
    elif path.suffix == ".md":
        yield 1, text
    elif path.suffix in PLAIN:
        yield from line_blocks(text, "#")


def python_blocks(source: str) -> Iterator[tuple[int, str]]:
    """Yield docstrings and other texts of more than three words, and comments as paragraphs."""
    tree = ast.parse(re.sub(r"^\s*[%!].*$", "pass", source, flags=re.M))
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            parts = [str(getattr(part, "value", "")) if isinstance(part, ast.Constant) else "{}"
                     for part in node.values]  # fmt: skip
            text = "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in inner:
                continue
            text = node.value
        else:
            continue
        if len(re.findall(r"[A-Za-z]+", text)) > 3:
            yield node.lineno, text
    comment: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] != last + 1:
                yield last - len(comment) + 1, "\n".join(comment)
                comment = []
            comment, last = [*comment, token.string], token.start[0]
    if comment:
        yield last - len(comment) + 1, "\n".join(comment)


def line_blocks(text: str, marker: str) -> Iterator[tuple[int, str]]:
    """Yield each line, and consecutive lines of comment, or of a folded text, as one."""
    start, block = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = re.sub(r"^(?:- )?(?:\{ )?[\w\"]+:(?: >-)? ", "", line.strip())
        comment = stripped.startswith(marker)
        key = stripped != line.strip() or line.strip().endswith((":", ">-", "|"))
        if block and not key and comment == block.startswith(marker):
            block += "\n" + stripped
            continue
        if block:
            yield start, block
        start, block = number, stripped
    if block:
        yield start, block


def findings(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, sentence and advice for each forbidden word in a file's texts."""
    for first, block in blocks(path, text):
        breaks = [match.start() for match in re.finditer("\n", block)]
        for start, sentence in sentences(block):
            for match in WORDS.finditer(sentence):
                advice = FORBIDDEN[int(match.lastgroup[1:])][1]
                # A notebook's number is its cell; a page's is the line.
                line = bisect.bisect_left(breaks, start + match.start())
                number = first if path.suffix == ".ipynb" else first + line
                shown = " ".join(block[start : start + len(sentence)].split())
                yield number, shown, f"{match[0][:40]} -> {advice}"


def sentences(block: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with its offset: line breaks, comment signs, code blanked out."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])  # noqa: E731
    text = re.sub(r"^\s*(?:#+|--|//)", blank, block, flags=re.M)
    text = re.sub(
        r"`[\w./-]+`|https?://\S+|\]\([^)]*\)|\$\(\w+\)|\b[A-Z]+=", lambda m: "X" * len(m[0]), text
    )
    start = 0
    for end in [*(match.end() for match in SENTENCE_END.finditer(text)), len(text)]:
        sentence = text[start:end]
        space = len(sentence) - len(sentence.lstrip())
        flat = re.sub(r"\s", " ", sentence[space:].rstrip().rstrip("*_"))
        yield start + space, ALLOWED.sub(lambda m: "X" * len(m[0]), flat)
        start = end


# Areas


def area_of(name: str) -> str | None:
    """Return the area of a file; None if it is generated, or holds nothing to read."""
    folder = name.split("/")[0]
    if name in (
        "docs/reference.md",
        "bench/results.md",
        "tests/unit/repository/test_words.py",
        "LICENSE",
    ):
        return None
    if name.startswith(("assets/site/", "assets/images/", "docs/", "cfn/", ".ci/")):
        return "pages"
    if folder in AREAS:
        return folder
    return "pages" if name in PAGES else None


PAGES = ("README.md", "CONTRIBUTING.md", "Makefile", "environment.yml", "pyproject.toml")


def files_of(area: str) -> list[str]:
    """Return an area's files that have text, as git knows them (or as they are, without git)."""
    names = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in (*AREAS, "docs", "cfn", ".ci")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".html", ".svg", ".md", *PLAIN} and path.is_file()
    }
    names |= {path.relative_to(REPOSITORY).as_posix() for path in stored_notebooks()} | set(PAGES)
    return sorted(name for name in names if area_of(name) == area and "__pycache__" not in name)


def text_of(path: Path) -> str:
    """Return a file's text; a notebook's as git's index has it."""
    return stored(path) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


@pytest.mark.parametrize("area", AREAS)
def test_words_are_plain(area):
    found = [
        f"{name}:{line}: {sentence} ({advice})"
        for name in files_of(area)
        for line, sentence, advice in findings(Path(name), text_of(REPOSITORY / name))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "In the end every stage must say the same number.",
        "50 blows each.",
        "A chart that stands still.",
        "They stand in a CloudFormation template.",
        "An alarm rings into a queue.",
        "AWS takes no more calls for the moment.",
        "This kernel knows nothing called `x`.",
        "So far nobody has been scaled, refused or let in by AWS.",
        "What plays AWS is known to one module.",
        "Description: What every name begins with.",
        "It is what the file\ntells.",
    ],
)
def test_figurative_words_are_found(text):
    assert list(findings(Path("page.md"), text))


@pytest.mark.parametrize(
    "text",
    [
        "A stand-in for a standard server, which you understand.",
        "You tell the agent nothing; `told` is a name.",
        "What can you trust? See [it](docs/what-we-told.md).",
        "What to send: the header.",
    ],
)
def test_plain_words_are_left_alone(text):
    assert list(findings(Path("page.md"), text)) == []


def test_a_finding_names_its_line_in_code_comments_and_templates():
    python = '"""A text of some words.\n\nIt says so."""\n\nX = 1  # and\n# tells it\n'
    assert [line for line, *_ in findings(Path("a.py"), python)] == [3, 6]
    template = "Description: >-\n  First of all\n  it stands there.\n\nX: 1 # says\n"
    assert [line for line, *_ in findings(Path("a.yaml"), template)] == [3, 5]


def main() -> int:
    """Print what is found in the files and folders that are named."""
    count = 0
    for root in map(Path, sys.argv[1:]):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            readable = path.suffix in {".py", ".sql", ".html", ".md", ".ipynb", *PLAIN}
            if path.is_file() and readable and "__pycache__" not in path.parts:
                for line, sentence, advice in findings(path, path.read_text(encoding="utf-8")):
                    print(f"{path}:{line}: {sentence} ({advice})")
                    count += 1
    print(f"{count} found", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
