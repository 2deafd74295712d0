"""Completeness of the reference: commands, settings, hooks, errors and public names."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

import pgdatahub
from pgdatahub import errors
from pgdatahub.config import settings
from pgdatahub.config.column_options import COLUMN_TYPES, ColumnOptions
from pgdatahub.config.option_fields import options
from pgdatahub.config.options import FolderOptions
from pgdatahub.model.imports import ChangeType, Status
from pgdatahub.plugins import specs
from pgdatahub.postgres.history.metadata import COLUMNS
from pgdatahub.runs.workers.dask import OPTIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The modules beside the pages, under their names."""
    modules = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        for name in ("markdown_text", "cli_from_code", "from_code", "pictures"):
            specification = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
            assert specification is not None
            assert specification.loader is not None
            modules[name] = importlib.util.module_from_spec(specification)
            patch.setitem(sys.modules, name, modules[name])
            specification.loader.exec_module(modules[name])
        yield modules


def page(scripts: dict[str, ModuleType], name: str) -> str:
    """A page as it is built, with what comes from the code."""
    text: str = scripts["from_code"].expanded((DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8"))
    return text


def missing(names: Sequence[str], text: str) -> list[str]:
    """The names that the text does not show as code."""
    return [name for name in names if not re.search(rf"`{re.escape(name)}[` …\[]", text)]


def test_every_command_and_option_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    import typer.testing

    from pgdatahub.cli.app import create_app

    text = page(scripts, "cli")
    sections = dict(re.findall(r"^## `(.+?)`$(.+?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE))
    runner = typer.testing.CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})

    def look(path: tuple[str, ...]) -> None:
        shown = runner.invoke(create_app(), [*path, "--help"]).output
        section = sections.pop(" ".join(("pgdatahub", *path)))
        boxes = re.findall(r"╭─ (.+?) ─+╮\n(.+?)╰", shown, flags=re.DOTALL)
        assert boxes
        for title, box in boxes:
            entries = re.findall(r"^│ ?\*? *(-\S+|[a-z][\w-]*)", box, flags=re.MULTILINE)
            if any(entry.startswith("-") for entry in entries):
                written = re.findall(r"(?<![\w-])(--[a-z][\w-]+|-[a-z])(?=[ ,/])", re.sub(r"  [A-Z].*", "", box))
                assert written, f"{path} › {title}"
                assert missing(sorted({*written} - UNIVERSAL), section) == [], path
            elif title != "Arguments":
                for name in entries:
                    if re.search(rf"^│ {name}  ", box, flags=re.MULTILINE):
                        look((*path, name))

    look(())
    assert sections == {}, "in the reference, and not in the program"


UNIVERSAL = {"--help", "-h", "--install-completion", "--show-completion"}


def test_every_setting_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    text = page(scripts, "configuration")
    assert missing([setting.explained.variable for setting in settings().values()], text) == []
    assert "PGDATAHUB_DISABLE_PLUGINS" in text


@pytest.mark.parametrize("kind", [FolderOptions, ColumnOptions])
def test_every_option_of_folders_and_columns_is_in_the_reference(
    scripts: dict[str, ModuleType], kind: type[FolderOptions | ColumnOptions]
) -> None:
    text = page(scripts, "configuration")
    for option in options(kind).values():
        assert f"\n`{option.name}`\n: {option.help[0].upper()}{option.help[1:]}." in text


def test_every_type_that_can_be_asked_for_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    assert missing(list(COLUMN_TYPES), page(scripts, "cells-and-types")) == []


def test_every_hook_is_in_the_reference_with_its_signature(scripts: dict[str, ModuleType]) -> None:
    hooks = [name for name in vars(specs) if name.startswith("pgdatahub_")]
    text = page(scripts, "hooks")
    # Sphinx puts the signature and the docstring there.
    assert re.findall(r"autofunction:: pgdatahub\.plugins\.specs\.(\w+)", text) == hooks


def test_every_option_of_the_built_in_executor_is_in_its_guide() -> None:
    text = (DOCS / "how-to/run-on-several-machines.md").read_text(encoding="utf-8")
    assert missing(OPTIONS, text) == []


def test_every_public_name_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    text = page(scripts, "python-api") + page(scripts, "hooks")
    described = re.findall(r"auto(?:function|class):: (?:[\w.]+\.)?(\w+)", text)
    assert set(pgdatahub._EXPORTS) - {"hookimpl", "__version__"} <= set(described)
    assert len(described) == len(set(described))
    assert "`pgdatahub.hookimpl`" in text


def test_every_exit_code_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    text = page(scripts, "errors-and-exit-codes")
    for code in errors.ExitCode:
        assert re.search(rf"^\| {code.value} \| `{code.name}` \| \S", text, flags=re.MULTILINE), code


def test_every_error_is_in_the_reference_with_its_exit_code(scripts: dict[str, ModuleType]) -> None:
    text = page(scripts, "errors-and-exit-codes")
    rows = re.findall(r"^\| ((?:— )*)`(\w+Error)` \| (\d?) ?\|", text, flags=re.MULTILINE)
    described = {name: (len(dashes) // 2, code) for dashes, name, code in rows}
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.PgDataHubError) and kind is not errors.PgDataHubError
    }
    expected = {
        name: (sum(issubclass(base, errors.PgDataHubError) for base in kind.__mro__) - 2, str(int(kind.exit_code)))
        for name, kind in classes.items()
    }
    assert described == {"PgDataHubError": (0, ""), **expected}


def test_every_column_of_the_metadata_tables_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    text = page(scripts, "metadata-tables")
    for table, columns in COLUMNS.items():
        section = text.partition(f"## `{table}`")[2].partition("\n## ")[0]
        described = re.findall(r"^\| `(\w+)` \|", section.partition("\n\n| `")[0], flags=re.MULTILINE)
        assert described == list(columns)


def test_every_status_and_kind_of_change_is_in_the_reference(scripts: dict[str, ModuleType]) -> None:
    assert missing([str(item.value) for item in (*Status, *ChangeType)], page(scripts, "metadata-tables")) == []


def test_every_picture_is_shown_and_every_shown_picture_is_taken(scripts: dict[str, ModuleType]) -> None:
    shown = {
        name
        for document in PAGES
        for name in re.findall(r"\{image\} \S*terminal/(\S+)\.svg", document.read_text(encoding="utf-8"))
    }
    assert shown == {picture.name for picture in scripts["pictures"].PICTURES}


def test_every_page_is_in_the_table_of_contents() -> None:
    reached = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        document = waiting.pop()
        reached.add(document)
        for block in re.findall(r"```\{toctree\}\n(.+?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            waiting += [document.parent / f"{entry}.md" for entry in entries]
    assert reached == set(PAGES)


def test_every_marker_asks_for_a_text_that_exists(scripts: dict[str, ModuleType]) -> None:
    asked = [
        name for document in PAGES for name in re.findall(r"<!-- from the code: (.*?) -->", document.read_text("utf-8"))
    ]
    assert sorted(asked) == sorted(scripts["from_code"].TEXTS)
