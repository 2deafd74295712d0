"""``pgdatahub plugins``: installed plugins and their stages."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pgdatahub.cli.options import FormatOption, OutputFormat
from pgdatahub.cli.terminal import say_json

if TYPE_CHECKING:
    from pgdatahub.plugins.manager import PluginInfo


def plugins_command(output: FormatOption = OutputFormat.TEXT) -> None:
    """List the plugins: name, version and stages."""
    from pgdatahub.config import load_config
    from pgdatahub.plugins.manager import DISABLE_VARIABLE, create_plugin_manager, list_plugins
    from pgdatahub.readers.xlsx.reader_choice import choose_reader, describe_reader

    plugins = list_plugins(create_plugin_manager())
    if output is OutputFormat.JSON:
        say_json([asdict(plugin) for plugin in plugins])
        return
    from rich import box
    from rich.table import Table

    from pgdatahub.cli.console import Line, TerminalConsole

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("plugin", "version", "stages", ""):
        table.add_column(title, overflow="fold")
    for plugin in plugins:
        stages = ", ".join(hook.removeprefix("pgdatahub_") for hook in plugin.hooks)
        table.add_row(*map(Line, (plugin.name, plugin.version, stages, _note(plugin))))
    console = TerminalConsole()
    console.print(table)
    others = [plugin.name for plugin in plugins if not plugin.builtin and not plugin.disabled]
    reader = choose_reader(load_config().reader)
    console.print(Line(f"{describe_reader(reader)}.", style="dim"), soft_wrap=True)
    hint = f"{DISABLE_VARIABLE}={','.join(others) or 'NAME,…'} leaves plugins out."
    console.print(Line(hint, style="dim"), soft_wrap=True)


def _note(plugin: PluginInfo) -> str:
    if not plugin.distribution:
        return "disabled, and not installed"
    note = "built in" if plugin.builtin else plugin.distribution
    return f"disabled: {note}" if plugin.disabled else note
