"""Language rules of STYLE that can be counted: openings and words of docstrings, lengths of test names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import pgdatahub

PACKAGE: Final = Path(pgdatahub.__file__).parent
TESTS: Final = Path(__file__).parents[1]
CHECKOUT: Final = TESTS.parent
SCRIPTS: Final = sorted(
    path
    for path in (
        CHECKOUT / "noxfile.py",
        *(path for place in ("docs", "examples", "tests") for path in (CHECKOUT / place).rglob("*.py")),
    )
    if path != Path(__file__)
)
# CHANGELOG.md quotes old words.
PAGES: Final = sorted(
    {
        CHECKOUT / "README.md",
        *(path for place in ("docs", "examples", ".github") for path in (CHECKOUT / place).rglob("*.md")),
    }
)
RUST: Final = sorted(PACKAGE.rglob("native/src/*.rs"))
LONGEST_NAME: Final = 60

OPENINGS: Final = re.compile(r"(What|Who|Where|How|Which|Whether)\b")
WORDS: Final = re.compile(
    r"\b(whoever|nobody|somebody|anybody|everybody|is\s+no\s|anew|passed\s+over|says?\s+so|mend|foretell|of\s+ours"
    r"|tak(?:e|es|en|ing)\s+back|took\s+back|costs?\s+(?:that|a)\s+file|hears?\s+of)\b",
    re.IGNORECASE,
)
# "There is no file" is fine in a sentence; "a file that is no workbook" is left to the reader.
WORDS_OF_PAGES: Final = re.compile(WORDS.pattern.replace(r"is\s+no\s|", ""), re.IGNORECASE)
TEST: Final = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
RUST_COMMENT: Final = re.compile(r"//.*")


def _docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring, and of the strings that describe constants."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for statement in getattr(node, "body", ()) if isinstance(getattr(node, "body", None), list) else ():
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                yield statement.lineno, statement.value.value


def _faults(path: Path) -> list[str]:
    """Return the docstrings of a module that break a rule."""
    faults = []
    for line, text in _docstrings(path):
        opening, word = OPENINGS.match(text), WORDS.search(text)
        found = opening or word
        if found:
            faults.append(f"{path}:{line}: {found.group()!r} in {text.strip().splitlines()[0]!r}")
    return faults


def _long_names(path: Path) -> list[str]:
    """Return the names of tests in a file that are too long."""
    return [name for name in TEST.findall(path.read_text(encoding="utf-8")) if len(name) > LONGEST_NAME]


# A test of each rule looks at all files, and names each place: a test a file took longer to hand out than to run.
def test_docstrings_follow_the_style() -> None:
    assert not [fault for path in sorted(PACKAGE.rglob("*.py")) for fault in _faults(path)]


def test_docstrings_of_tests_and_scripts_follow_the_style() -> None:
    assert not [fault for path in SCRIPTS for fault in _faults(path)]


def test_pages_use_the_words_of_the_style() -> None:
    pages = {path: WORDS_OF_PAGES.findall(path.read_text(encoding="utf-8")) for path in PAGES}
    assert not {path: words for path, words in pages.items() if words}


def test_comments_of_the_core_use_the_words_of_the_style() -> None:
    comments = [(path, comment) for path in RUST for comment in RUST_COMMENT.findall(path.read_text(encoding="utf-8"))]
    assert not [(path, comment) for path, comment in comments if WORDS_OF_PAGES.search(comment)]


def test_test_names_have_at_most_60_characters() -> None:
    assert not [(path, name) for path in sorted(TESTS.rglob("test_*.py")) for name in _long_names(path)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What a file has.", "What"),
        ("Whether it is open.", "Whether"),
        ("Return a file that is no workbook.", "is no "),
        ("Ask nobody.", "nobody"),
        ("Begin anew.", "anew"),
        ("Load a file that was taken back.", "taken back"),
        ("A plugin hears of a run.", "hears of"),
        ("Return whether a file is open.", None),
        ("Recommend a size. There is nothing to renew.", None),
    ],
)
def test_rules_find_words(text: str, found: str | None, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(f'"""{text}"""\n', encoding="utf-8")
    faults = _faults(module)
    assert [repr(found) in fault for fault in faults] == ([True] if found else [])
