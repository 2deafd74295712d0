"""Names that ``import pgdatahub`` offers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pgdatahub

TREE = ast.parse(Path(pgdatahub.__file__).read_text(encoding="utf-8"))


def declared() -> dict[str, str]:
    """Name → module of the imports that a type checker sees."""
    return {
        alias.name: node.module or ""
        for block in TREE.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_and_runtime_see_the_same_names() -> None:
    assert declared() == pgdatahub._EXPORTS


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_name_is_there_and_explained(name: str) -> None:
    exported = getattr(pgdatahub, name)
    assert name in dir(pgdatahub)
    assert exported.__doc__ or name == "hookimpl"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pgdatahub.nothing


def test_importing_the_package_imports_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import pgdatahub; print(*sorted(set(sys.modules) - before))"
    listed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert {name for name in listed.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "pgdatahub"
    }


def test_a_name_is_the_same_whatever_was_imported_before() -> None:
    """A module with the name of a function would take its place as soon as it is imported."""
    modules = {path.stem for path in Path(pgdatahub.__file__).parent.iterdir()}
    assert not modules & set(declared())
