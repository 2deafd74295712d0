"""Imports only go down: the floors of the house, and who alone may import what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pgdatahub

PACKAGE = Path(pgdatahub.__file__).parent

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"cli", "__main__"}),
    frozenset({"__init__"}),
    frozenset({"testing"}),
    frozenset({"undo"}),
    frozenset({"runs"}),
    frozenset({"load"}),
    frozenset({"plugins"}),
    frozenset({"readers", "postgres"}),
    frozenset({"model"}),
    frozenset({"config"}),
    frozenset({"system"}),
    frozenset({"values"}),
    frozenset({"errors"}),
)
"""From the top floor down; a room imports from below, or from its own floor where no circle comes of it."""

ONLY_IMPORTERS = {
    "sqlalchemy": "postgres",
    "psycopg": "postgres",
    "typer": "cli",
    "rich": "cli",
    "python_calamine": "readers",
    "pluggy": None,
}
VAGUE = {"utils", "util", "helpers", "common", "core", "base", "misc", "tools"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def _runtime_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes but those that only a type checker sees."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        pending.extend(ast.iter_child_nodes(node))


def _imports(path: Path, *, runtime: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _runtime_nodes(tree) if runtime else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            if node.module == "pgdatahub":
                yield from (f"pgdatahub.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
            else:
                yield node.module


def test_every_room_has_a_floor() -> None:
    rooms = {_room(path) for path in MODULES}
    assert rooms <= frozenset().union(*FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path: Path) -> None:
    here = _floor(_room(path))
    for module in _imports(path, runtime=False):
        parts = module.split(".")
        if parts[0] == "pgdatahub" and len(parts) > 1 and parts[1] != _room(path):
            assert _floor(parts[1]) >= here, f"{module} is above"


def test_no_two_rooms_import_each_other() -> None:
    arrows: dict[str, set[str]] = {}
    for path in MODULES:
        targets = (module.split(".") for module in _imports(path, runtime=False))
        arrows.setdefault(_room(path), set()).update(
            parts[1] for parts in targets if parts[0] == "pgdatahub" and len(parts) > 1
        )
    pairs = {(room, other) for room, others in arrows.items() for other in others if room != other}
    assert not {tuple(sorted(pair)) for pair in pairs if (pair[1], pair[0]) in pairs}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_driver_and_terminal_library_has_one_importer(path: Path) -> None:
    for module in _imports(path, runtime=True):
        owner = ONLY_IMPORTERS.get(module.split(".")[0])
        assert owner is None or _room(path) == owner, f"only {owner} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert path.stem not in VAGUE


def test_importing_the_package_imports_nothing_heavy() -> None:
    source = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    top_level = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in top_level} == {
        "from __future__ import annotations",
        "from typing import TYPE_CHECKING, Any",
    }
