"""Executors: plugins that distribute the units of a run to processes, on this machine or on others.

``local`` means the worker processes that a run starts itself; it needs no plugin. Every other name means a factory of a
:class:`concurrent.futures.Executor`: the built-in ``dask``, or an entry point of an installed distribution in the group
``pgdatahub.executors``.
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
BUILTIN_EXECUTORS: Final = {"dask": "pgdatahub.runs.workers.dask:DaskExecutor"}
"""Name → module and attribute of the factory; imported only when the settings name it."""


class ExecutorPlugin(Protocol):
    """A factory of executors. An entry point names a class, or a function without parameters, that makes one.

    Submitted functions and arguments are module-level names and plain data, so they can be pickled. A unit is one
    transaction and recognizes duplicates by itself, so an executor may run it more than once.

    Attributes:
        api_version: Version of this protocol: 1.
    """

    api_version: int

    def open(
        self, options: Mapping[str, str], *, workers: int | None, insecure: bool
    ) -> AbstractContextManager[Executor]:
        """Return a context manager of an executor with workers; the run exits it at its end.

        Args:
            options: The pairs of ``--executor-opt KEY=VALUE``.
            workers: Number of workers in the settings; None if not set.
            insecure: Allow connections that every program on the network could use.

        Raises:
            ConfigError: The options are wrong or insecure.
            ExecutorError: The cluster is not found, or has no workers.
        """

    def slots(self, executor: Executor) -> int:
        """Return the number of units that workers can run at the same time now; 0 without workers."""

    def lost(self, error: BaseException) -> bool:
        """Return whether a future's error means that the executor itself is gone, not only that one unit failed."""


def executor_names() -> list[str]:
    """Return the names of the executors that ``--executor`` takes."""
    return sorted({LOCAL, *BUILTIN_EXECUTORS, *(entry_point.name for entry_point in entry_points(group=GROUP))})


def find_executor(name: str) -> ExecutorPlugin:
    """Return the executor called ``name``.

    Raises:
        ConfigError: The executor is not found.
        PluginError: The executor cannot be imported, or is written for another version of the protocol.
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
                hint="fix or uninstall the distribution that it comes with",
            ) from error
    else:
        raise ConfigError(f"executor {name!r} not found", hint=f"there are: {', '.join(executor_names())}")
    plugin = factory()
    version = getattr(plugin, "api_version", None)
    if version != API_VERSION:
        raise PluginError(f"the executor {name!r} is written for version {version} of its protocol, not {API_VERSION}")
    return cast("ExecutorPlugin", plugin)


def refuse_embedded(config: Config) -> None:
    """Refuse the embedded server for workers that may be on other machines.

    Raises:
        ConfigError: The settings choose the embedded server.
    """
    if not config.skip_db and config.destination.kind == "embedded":
        raise ConfigError(
            f"the executor {config.executor!r} cannot use the embedded server: it is reached from this machine only",
            hint="set DATABASE_URL, here and in the environment of the workers",
        )
