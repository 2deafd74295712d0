"""Plugin manager, and a typed façade for the stages.

Every process creates its own manager: a manager with registered modules cannot be pickled, and the package has no global state.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from pgdatahub.errors import PgDataHubError, PluginError
from pgdatahub.plugins import BUILTIN_PLUGINS, specs
from pgdatahub.plugins.copy_rows import text_rows
from pgdatahub.system.version import __version__

if TYPE_CHECKING:
    import sqlalchemy

    from pgdatahub.config import Config
    from pgdatahub.model.batches import ColumnBatch, EncodedBatch, NormalizedBatch, Table
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.imports import ImportRecord
    from pgdatahub.model.results import LoadResult, RunReport
    from pgdatahub.model.schema import SchemaPlan, TableSchema
    from pgdatahub.model.workbooks import Batch, Workbook
    from pgdatahub.postgres.server.connection import Connection

Answer = TypeVar("Answer")

DISABLE_VARIABLE = "PGDATAHUB_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """A plugin as ``pgdatahub plugins`` lists it.

    Attributes:
        name: The name for ``PGDATAHUB_DISABLE_PLUGINS``.
        distribution: Its distribution; empty for a disabled name without an installed plugin.
        version: The version of the distribution.
        hooks: The hooks that it implements, in the order of the stages.
        builtin: It is part of pgdatahub.
        disabled: ``PGDATAHUB_DISABLE_PLUGINS`` names it, so it was not loaded.
    """

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]
    builtin: bool
    disabled: bool = False


def create_plugin_manager(*, disabled: Iterable[str] | None = None) -> pluggy.PluginManager:
    """Create a manager with the built-in plugins and all installed ones.

    Args:
        disabled: Names of plugins (as ``pgdatahub plugins`` prints them) to leave out; by default those that the
            environment variable ``PGDATAHUB_DISABLE_PLUGINS`` lists, separated by commas.

    Raises:
        PluginError: A plugin cannot be imported, or implements a hook that does not exist or with unknown parameters.
    """
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    if disabled is None:
        disabled = filter(None, map(str.strip, os.environ.get(DISABLE_VARIABLE, "").split(",")))
    for name in disabled:
        manager.set_blocked(name)
    for module in BUILTIN_PLUGINS:
        name = module.rsplit(".", 1)[-1]
        if not manager.is_blocked(name):
            _register(manager, _built_in(module), name=name, owner="pgdatahub")
    for distribution, entry_point in _entry_points():
        if not manager.is_blocked(entry_point.name):
            _load(manager, distribution, entry_point)
    return manager


def _built_in(name: str) -> object:
    """Return a built-in plugin: its module, or an object with state that the module creates for this manager."""
    module = import_module(name)
    return module.create_plugin() if hasattr(module, "create_plugin") else module


def _builtin_names() -> frozenset[str]:
    return frozenset(module.rsplit(".", 1)[-1] for module in BUILTIN_PLUGINS)


def _entry_points() -> Iterator[tuple[Distribution, EntryPoint]]:
    """Yield the installed plugins; of a distribution found twice on the path, the one that Python imports."""
    seen: set[tuple[str, str]] = set()
    for distribution in distributions():
        # Search the text first: parsing the entry points of all distributions takes three times as long as reading them,
        # and few have plugins.
        if specs.PROJECT not in (distribution.read_text("entry_points.txt") or ""):
            continue
        for entry_point in distribution.entry_points:
            if entry_point.group != specs.PROJECT:
                continue
            # A late look at the name, which parses the metadata: 0.2 s for two hundred distributions.
            key = (distribution.name, entry_point.name)
            if key not in seen:
                seen.add(key)
                yield distribution, entry_point


def _load(manager: pluggy.PluginManager, distribution: Distribution, entry_point: EntryPoint) -> None:
    owner = f"{distribution.name} {distribution.version}"
    try:
        plugin = entry_point.load()
    except (Exception, SystemExit) as error:  # a plugin's import can raise any exception
        raise PluginError(
            f"the plugin {entry_point.name!r} of {owner} cannot be imported: {type(error).__name__}: {_one_line(error)}",
            hint=_way_round(distribution.name, entry_point.name),
        ) from error
    _register(manager, plugin, name=entry_point.name, owner=owner)


def _register(manager: pluggy.PluginManager, plugin: Any, *, name: str, owner: str) -> None:
    hint = _way_round(owner.partition(" ")[0], name)
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        # ValueError: another plugin has the name.
        raise PluginError(f"the plugin {name!r} of {owner} is invalid: {_one_line(error)}", hint=hint) from error
    if not manager.get_hookcallers(plugin):
        raise PluginError(
            f"the plugin {name!r} of {owner} implements no hook", hint=f"its functions need @hookimpl; {hint}"
        )


def _way_round(distribution: str, name: str) -> str:
    return f"fix or uninstall {distribution}, or set {DISABLE_VARIABLE}={name}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def list_plugins(manager: pluggy.PluginManager) -> tuple[PluginInfo, ...]:
    """Return the plugins of ``manager``: the built-in ones first, then others by name, then the disabled ones."""
    installed = {entry_point.name: distribution for distribution, entry_point in _entry_points()}
    builtin = _builtin_names()
    order = [name for name in vars(specs) if name.startswith("pgdatahub_")]
    own_version = __version__
    infos = []
    for name, plugin in manager.list_name_plugin():
        hooks = {caller.name for caller in manager.get_hookcallers(plugin) or ()} if plugin is not None else set()
        distribution = None if name in builtin else installed.get(name)
        infos.append(
            PluginInfo(
                name=name,
                distribution="pgdatahub" if name in builtin else distribution.name if distribution else "",
                version=own_version if name in builtin else distribution.version if distribution else "",
                hooks=tuple(sorted(hooks, key=order.index)),
                builtin=name in builtin,
                disabled=plugin is None,
            )
        )
    return tuple(sorted(infos, key=lambda info: (info.disabled, not info.builtin, info.name)))


class Stages:
    """Typed calls of the stages; other modules never call the manager's hooks directly."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self._hook = manager.hook

    def discover(self, config: Config) -> Iterator[SourceFile]:
        """Yield the files that all plugins find."""
        for answer in self._hook.pgdatahub_discover(config=config):
            yield from answer

    def read(self, source: SourceFile, config: Config) -> Workbook:
        """Open a file with the first reader that accepts it.

        Raises:
            PluginError: No reader accepts the file.
        """
        answer: Workbook | None = self._hook.pgdatahub_read(source=source, config=config)
        return self._answered(answer, "pgdatahub_read", source.location)

    def normalize(self, batch: Batch, table: Table, source: SourceFile, config: Config) -> NormalizedBatch:
        """Name the columns of a batch and convert its cells to COPY text."""
        answer: NormalizedBatch | None = self._hook.pgdatahub_normalize(
            batch=batch, table=table, source=source, config=config
        )
        return self._answered(answer, "pgdatahub_normalize", source.location)

    def evolve(
        self, observed: TableSchema, current: TableSchema | None, source: SourceFile, config: Config
    ) -> SchemaPlan:
        """Plan the changes of a table for a file."""
        answer: SchemaPlan | None = self._hook.pgdatahub_evolve(
            observed=observed, current=current, source=source, config=config
        )
        return self._answered(answer, "pgdatahub_evolve", str(observed.table))

    def load(
        self, plan: SchemaPlan, batches: Iterable[ColumnBatch], connection: Connection, config: Config
    ) -> LoadResult:
        """Change the table and copy the rows."""
        given: Iterable[ColumnBatch | EncodedBatch] = batches
        if not (self._is_built_in("pgdatahub_load") and self._is_built_in("pgdatahub_evolve")):
            # Other load plugins get the rows as text; other evolve plugins may not report the table's types.
            given = map(text_rows, batches)
        answer: LoadResult | None = self._hook.pgdatahub_load(
            plan=plan, batches=given, connection=self._given(connection, "pgdatahub_load"), config=config
        )
        return self._answered(answer, "pgdatahub_load", str(plan.table))

    def audit(self, record: ImportRecord, connection: Connection, config: Config) -> Sequence[Callable[[], None]]:
        """Let every plugin record an import; return the functions to call after COMMIT."""
        answers: list[Callable[[], None]] = self._hook.pgdatahub_audit(
            record=record, connection=self._given(connection, "pgdatahub_audit"), config=config
        )
        return answers

    def finished(self, report: RunReport, config: Config) -> Iterator[str]:
        """Give every plugin the report of a run, and yield the failure of each plugin that fails; the others get it too."""
        for plugin in [plugin for _, plugin in self._manager.list_name_plugin() if plugin is not None]:
            others = [other for other in self._manager.get_plugins() if other is not plugin]
            call = self._manager.subset_hook_caller("pgdatahub_finished", others)
            try:
                call(report=report, config=config)
            except Exception as error:  # noqa: BLE001 - the run is complete, whatever a plugin raises
                told = (
                    str(error) if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {_one_line(error)}"
                )
                name = self._manager.get_name(plugin)
                yield config.secrets.mask(f"the run is complete, but the plugin {name} failed after it: {told}")

    def _given(self, connection: Connection, hook: str) -> Connection | sqlalchemy.Connection:
        """Return the connection for a hook: SQLAlchemy's if another plugin than the built-in one implements the hook."""
        return connection if self._is_built_in(hook) else connection.sqlalchemy

    def _is_built_in(self, hook: str) -> bool:
        implementations = getattr(self._hook, hook).get_hookimpls()
        builtin = _builtin_names()
        return all(implementation.plugin_name in builtin for implementation in implementations)

    @property
    def audit_is_built_in(self) -> bool:
        """Return whether only the built-in plugin records imports."""
        return self._is_built_in("pgdatahub_audit")

    def _answered(self, answer: Answer | None, hook: str, where: str) -> Answer:
        if answer is not None:
            return answer
        implementations = getattr(self._hook, hook).get_hookimpls()
        names = ", ".join(sorted(implementation.plugin_name for implementation in implementations)) or "none"
        raise PluginError(f"no plugin answers {hook} (installed: {names})", where=where)

    def responsible(self, error: BaseException) -> str | None:
        """Return the name of the third-party plugin whose code raised ``error``, if any."""
        packages = {}
        for name, plugin in self._manager.list_name_plugin():
            module = getattr(plugin, "__name__", None) or type(plugin).__module__
            packages[module.partition(".")[0]] = name
        packages.pop("pgdatahub", None)
        frames = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
        return next((packages[package] for package in reversed(frames) if package in packages), None)
