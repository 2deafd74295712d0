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
LONGEST_NAME: Final = 60

OPENINGS: Final = re.compile(r"(What|Who|Where|How|Which|Whether)\b")
WORDS: Final = re.compile(
    r"\b(whoever|nobody|somebody|anybody|everybody|is\s+no\s|anew|passed\s+over|says?\s+so|mend|foretell|of\s+ours"
    r"|take\s+back|took\s+back)\b",
    re.IGNORECASE,
)

NOT_REWRITTEN: Final = frozenset[str]()
"""Modules whose docstrings still break the rules. A module that keeps them must leave the list; none may enter it."""

LONG_NAMES: Final = frozenset(
    {
        "acceptance/test_example_plugins.py",
        "acceptance/test_kills.py",
        "acceptance/test_mistakes.py",
        "acceptance/test_plan_command.py",
        "acceptance/test_run.py",
        "integration/embedded/test_commands.py",
        "integration/embedded/test_crashes.py",
        "integration/embedded/test_lifecycle.py",
        "integration/embedded/test_places.py",
        "integration/pipeline/test_cell_for_cell.py",
        "integration/pipeline/test_dialects.py",
        "integration/pipeline/test_edges.py",
        "integration/pipeline/test_folders.py",
        "integration/pipeline/test_headers.py",
        "integration/pipeline/test_plan.py",
        "integration/pipeline/test_sending.py",
        "integration/pipeline/test_texts.py",
        "integration/remote/test_remote_folders.py",
        "integration/runs/test_concurrency.py",
        "integration/runs/test_dask_cluster.py",
        "integration/runs/test_databases_that_go_away.py",
        "integration/runs/test_executors.py",
        "integration/runs/test_files_that_change.py",
        "integration/runs/test_kills.py",
        "integration/runs/test_large_files.py",
        "integration/runs/test_pauses.py",
        "integration/runs/test_sections.py",
        "integration/runs/test_signals.py",
        "integration/runs/test_skips_and_mistakes.py",
        "integration/runs/test_watching.py",
        "integration/test_history.py",
        "integration/test_temporary_databases.py",
        "integration/types/test_evolution.py",
        "integration/types/test_laws.py",
        "integration/types/test_obstacles.py",
        "integration/types/test_own_tables.py",
        "integration/types/test_while_reading.py",
        "integration/undo/test_changed_files.py",
        "integration/undo/test_exactness.py",
        "integration/undo/test_reset.py",
        "integration/undo/test_revert.py",
        "integration/undo/test_revert_schema.py",
        "integration/undo/test_status_history.py",
        "property/test_config.py",
        "property/test_identifiers.py",
        "property/test_lattice.py",
        "property/test_layout.py",
        "unit/load/test_tally.py",
        "unit/postgres/test_dialects.py",
        "unit/readers/test_layout.py",
        "unit/readers/test_sheets.py",
        "unit/readers/xlsx/native/test_build_hook.py",
        "unit/readers/xlsx/test_cells.py",
        "unit/readers/xlsx/test_hostile.py",
        "unit/readers/xlsx/test_witnesses.py",
        "unit/readers/xlsx/test_workbooks.py",
        "unit/test_benchmarks.py",
        "unit/test_quickstart_data.py",
    }
)
"""Test files with names of more than 60 characters. A file without them must leave the list; none may enter it."""


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
            faults.append(f"{path.name}:{line}: {found.group()!r} in {text.strip().splitlines()[0]!r}")
    return faults


def _long_names(path: Path) -> list[str]:
    """Return the names of tests in a file that are too long."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > LONGEST_NAME
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_follow_the_style(path: Path) -> None:
    faults = _faults(path)
    if path.relative_to(PACKAGE).as_posix() in NOT_REWRITTEN:
        assert faults, "the module follows the style: remove it from NOT_REWRITTEN"
    else:
        assert not faults


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_test_names_have_at_most_60_characters(path: Path) -> None:
    names = _long_names(path)
    if path.relative_to(TESTS).as_posix() in LONG_NAMES:
        assert names, "all names are short: remove the file from LONG_NAMES"
    else:
        assert not names


def test_lists_of_exceptions_name_existing_files() -> None:
    assert {name for name in NOT_REWRITTEN if not (PACKAGE / name).is_file()} == set()
    assert {name for name in LONG_NAMES if not (TESTS / name).is_file()} == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What a file has.", "What"),
        ("Whether it is open.", "Whether"),
        ("Return a file that is no workbook.", "is no "),
        ("Ask nobody.", "nobody"),
        ("Begin anew.", "anew"),
        ("Return whether a file is open.", None),
        ("Recommend a size. There is nothing to renew.", None),
    ],
)
def test_rules_find_words(text: str, found: str | None, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(f'"""{text}"""\n', encoding="utf-8")
    faults = _faults(module)
    assert [repr(found) in fault for fault in faults] == ([True] if found else [])
