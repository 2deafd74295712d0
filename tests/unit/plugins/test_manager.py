"""Finding plugins, and what is said of those that do not fit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

from pgdatahub.config import load_config
from pgdatahub.errors import PluginError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.plugins import specs
from pgdatahub.plugins.manager import Stages, create_plugin_manager, list_plugins
from pgdatahub.plugins.specs import hookimpl

STAGES = ("discover", "read", "normalize", "evolve", "load", "audit")


def source() -> SourceFile:
    config = load_config()
    table = TableName(schema="public", name="t")
    return SourceFile(
        location="/data/t/a.xyz", identity="t/a.xyz", table=table, options=config.folders.options_for(("t",)), size=1
    )


def test_the_built_in_plugins_take_part_in_all_stages() -> None:
    plugins = list_plugins(create_plugin_manager())
    hooks = {hook for plugin in plugins if plugin.builtin for hook in plugin.hooks}
    assert hooks >= {f"pgdatahub_{stage}" for stage in STAGES}


def test_a_plugin_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATAHUB_DISABLE_PLUGINS", " read_calamine , ")
    plugins = {plugin.name: plugin for plugin in list_plugins(create_plugin_manager())}
    assert plugins["read_calamine"].disabled
    assert not plugins["read_xlsx"].disabled


def test_a_plugin_of_others_is_asked_before_the_built_in_one() -> None:
    manager = create_plugin_manager()
    workbook: Any = SimpleNamespace(sheets=(), close=lambda: None)

    class Reader:
        @hookimpl
        def pgdatahub_read(self, source: SourceFile) -> Any:
            return workbook if source.suffix == ".xyz" else None

    manager.register(Reader(), name="xyz")
    assert Stages(manager).read(source(), load_config()) is workbook


def test_an_unanswered_hook_names_the_file_and_the_plugins() -> None:
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    with pytest.raises(PluginError) as caught:
        Stages(manager).read(source(), load_config())
    assert "pgdatahub_read" in str(caught.value)
    assert "none" in str(caught.value)
    assert caught.value.where == "/data/t/a.xyz"
