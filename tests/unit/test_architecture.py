"""Libraries with one importer, module docstrings, and a cheap import; import-linter holds the order of the layers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import pgdatahub

PACKAGE = Path(pgdatahub.__file__).parent

ONLY_IMPORTERS = {
    "sqlalchemy": "postgres",
    "psycopg": "postgres",
    "typer": "cli",
    "rich": "cli",
    "python_calamine": "readers",
    "pluggy": None,
}
VAGUE = {"utils", "util", "helpers", "common", "core", "base", "misc", "tools"}


@pytest.fixture(scope="module")
def modules() -> Mapping[Path, ast.Module]:
    """All modules, parsed once: a test looks at all, and names each that breaks its rule."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _runtime_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes but those that only a type checker sees."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        pending.extend(ast.iter_child_nodes(node))


def _runtime_imports(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in _runtime_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            if node.module == "pgdatahub":
                yield from (f"pgdatahub.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
            else:
                yield node.module


def test_each_driver_and_terminal_library_has_one_importer(modules: Mapping[Path, ast.Module]) -> None:
    faults = []
    for path, tree in modules.items():
        for module in _runtime_imports(path, tree):
            owner = ONLY_IMPORTERS.get(module.split(".")[0])
            if owner is not None and _room(path) != owner:
                faults.append(f"{path}: only {owner} imports {module}")
    assert not faults


def test_every_module_has_a_docstring_and_a_clear_name(modules: Mapping[Path, ast.Module]) -> None:
    assert not [path for path, tree in modules.items() if not ast.get_docstring(tree)]
    assert not [path for path in modules if path.stem in VAGUE]


def test_importing_the_package_imports_nothing_heavy() -> None:
    source = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    top_level = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in top_level} == {
        "from __future__ import annotations",
        "from typing import TYPE_CHECKING, Any",
    }


def test_no_error_is_raised_from_itself(modules: Mapping[Path, ast.Module]) -> None:
    faults = []
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.cause is not None and node.exc is not None:
                raised = [node.exc.body, node.exc.orelse] if isinstance(node.exc, ast.IfExp) else [node.exc]
                if ast.unparse(node.cause) in map(ast.unparse, raised):
                    faults.append(f"{path}:{node.lineno}")
    assert not faults


def test_map_of_contributing_names_twenty_tasks_and_real_places() -> None:
    text = (PACKAGE.parent / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \|$", text.partition("\nTwenty tasks ")[2].partition("\n\nTests lie")[0], re.MULTILINE
    )
    tasks = rows[1:]  # below the head
    assert len(tasks) == 20
    places = [place for _, module in tasks for place in re.findall(r"`([a-z_/]+(?:/|\.py))`", module)]
    assert len(places) >= len(tasks)
    assert [place for place in places if not (PACKAGE / place).exists()] == []
