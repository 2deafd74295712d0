"""Executors: who gives the units of a run to processes, on this machine or on others.

``local``, the worker processes that a run starts itself, needs nothing from here. Any other one is a factory of a
:class:`concurrent.futures.Executor` and found by its name: the built-in ``dask``, or what an installed distribution
announces in the entry-point group ``pgdatahub.executors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol, cast

from pgdatahub.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from pgdatahub.config import Config

GROUP: Final = "pgdatahub.executors"
API_VERSION: Final = 1
LOCAL: Final = "local"
BUILTIN_EXECUTORS: Final = {"dask": "pgdatahub.runs.dask:DaskExecutor"}
"""Name → where the factory is; it is imported only if it is asked for."""


class ExecutorPlugin(Protocol):
    """A factory of executors. An entry point names a class, or a function without parameters, that makes one.

    Functions and arguments that are submitted are plain data and module-level names, so they can be pickled. A unit is one
    transaction and finds out by itself that it was loaded before, so an executor may work on it more than once.

    Attributes:
        api_version: The version of this protocol that it is written for: 1.
    """

    api_version: int

    def open(
        self, options: Mapping[str, str], *, workers: int | None, insecure: bool
    ) -> AbstractContextManager[Executor]:
        """Return an executor whose workers can be given work; it is left at the end of the run.

        Args:
            options: What ``--executor-opt KEY=VALUE`` gives.
            workers: How many workers somebody asked for; None if nobody did.
            insecure: Connections that anybody on the network could use are allowed.

        Raises:
            ConfigError: The options are wrong, or would be insecure.
            ExecutorError: There is no such cluster, or it has no worker.
        """

    def slots(self, executor: Executor) -> int:
        """Return how many units can be worked on at the same time now; 0 if there is no worker."""

    def lost(self, error: BaseException) -> bool:
        """Tell whether a future's error says that the executor itself is gone, and not only what one unit met."""


def find_executor(name: str) -> ExecutorPlugin:
    """Return the executor called ``name``.

    Raises:
        ConfigError: There is none.
        PluginError: It cannot be imported, or is written for another version.
    """
    installed = {entry_point.name: entry_point for entry_point in entry_points(group=GROUP)}
    if name in BUILTIN_EXECUTORS:
        module, _, attribute = BUILTIN_EXECUTORS[name].partition(":")
        factory = getattr(import_module(module), attribute)
    elif name in installed:
        try:
            factory = installed[name].load()
        except (Exception, SystemExit) as error:  # a plugin's import may raise anything
            raise PluginError(
                f"the executor {name!r} cannot be imported: {type(error).__name__}: {error}",
                hint="mend or uninstall what it came with",
            ) from error
    else:
        known = ", ".join(sorted({LOCAL, *BUILTIN_EXECUTORS, *installed}))
        raise ConfigError(f"there is no executor {name!r}", hint=f"there are: {known}")
    plugin = factory()
    version = getattr(plugin, "api_version", None)
    if version != API_VERSION:
        raise PluginError(f"the executor {name!r} is written for version {version} of its protocol, not {API_VERSION}")
    return cast("ExecutorPlugin", plugin)


def refuse_embedded(config: Config) -> None:
    """Refuse the embedded server for workers that may be on other machines.

    Raises:
        ConfigError: The settings name no other server.
    """
    if not config.skip_db and config.destination.kind == "embedded":
        raise ConfigError(
            f"the executor {config.executor!r} cannot use the embedded server: it is reached from this machine only",
            hint="set DATABASE_URL, here and in the environment of the workers",
        )
