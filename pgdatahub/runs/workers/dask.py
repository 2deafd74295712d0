"""The executor ``dask``: workers of a Dask cluster, or of a small one on this machine that lasts as long as the run.

A scheduler hands pickles to workers, which run them. Every program that reaches an unencrypted scheduler can therefore run
code on the workers, so an unencrypted scheduler on another machine is refused unless the user allows it (https://distributed.dask.org/en/stable/tls.html).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from pgdatahub.errors import ConfigError, ExecutorError

OPTIONS: Final = ("scheduler", "ca", "cert", "key", "timeout")
_ENCRYPTED: Final = frozenset({"tls", "wss"})
_TIMEOUT_SECONDS: Final = 60.0
_LOGGERS: Final = frozenset({"distributed", "tornado"})


class DaskExecutor:
    """Implementation of :class:`~pgdatahub.runs.workers.executors.ExecutorPlugin` for Dask.

    Options: ``scheduler``, the address (``tls://host:8786``; without it, a cluster on this machine); ``ca``, ``cert`` and
    ``key``, the files for TLS, where Dask's own configuration does not name them; ``timeout``, the seconds to wait for the
    scheduler and a first worker.
    """

    api_version = 1

    def __init__(self) -> None:
        self._client: Any = None

    @contextmanager
    def open(self, options: Mapping[str, str], *, workers: int | None, insecure: bool) -> Iterator[Executor]:
        """Connect to the scheduler and wait for a first worker."""
        address, timeout = checked(options, insecure=insecure)
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise ConfigError(
                "the executor 'dask' is not installed", hint="pip install 'pgdatahub[dask]', here and for the workers"
            ) from error
        with ExitStack() as resources:
            resources.enter_context(_quiet())
            try:
                target: Any = address or distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
                )
                if address is None:
                    resources.callback(_end, target.close)
                files = {
                    "tls_ca_file": options.get("ca"),
                    "tls_client_cert": options.get("cert"),
                    "tls_client_key": options.get("key"),
                }
                given = {name: value for name, value in files.items() if value is not None}
                # Without these files the client uses Dask's own configuration.
                security = distributed.Security(require_encryption=True, **given) if given else None
                client = distributed.Client(
                    target, security=security, timeout=timeout, set_as_default=False, name="pgdatahub"
                )
                resources.callback(_end, client.close)
                client.wait_for_workers(1, timeout=timeout)
            except (OSError, TypeError, ValueError, RuntimeError, asyncio.TimeoutError) as error:
                where = address or "a cluster on this machine"
                told = " ".join(str(error).split()) or "no worker came"
                raise ExecutorError(
                    f"Dask cannot be used: {told}", where=where, hint="are the scheduler and a worker running?"
                ) from error
            self._client = client
            # Dask answers equal calls from memory if they are pure.
            executor: Executor = client.get_executor(pure=False)
            # The caller has received all results by then, so the rest is cancelled.
            resources.callback(_end, partial(executor.shutdown, wait=False))
            yield executor

    def slots(self, executor: Executor) -> int:
        """Return the number of the workers' threads; 0 if the scheduler does not answer."""
        del executor
        try:
            return sum(self._client.nthreads().values())
        except (OSError, RuntimeError, asyncio.TimeoutError, TypeError, AttributeError):
            return 0

    def lost(self, error: BaseException) -> bool:
        """Return whether the scheduler is gone; all futures are cancelled then."""
        if isinstance(error, concurrent.futures.CancelledError | asyncio.CancelledError):
            return True
        return type(error).__name__ in ("CommClosedError", "FutureCancelledError", "FuturesCancelledError")


def checked(options: Mapping[str, str], *, insecure: bool) -> tuple[str | None, float]:
    """Return the scheduler's address and the seconds to wait for it.

    Raises:
        ConfigError: An option is wrong, or the address is open to the network and not encrypted.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"the executor 'dask' has no option {unknown[0]!r}", hint=f"it has: {', '.join(OPTIONS)}")
    try:
        timeout = float(options.get("timeout", _TIMEOUT_SECONDS))
    except ValueError:
        raise ConfigError("the option timeout must be a number of seconds", where="--executor-opt") from None
    address = options.get("scheduler")
    if address is not None:
        address = address if "://" in address else f"tcp://{address}"
        parts = urlsplit(address)
        if parts.username or parts.password:
            raise ConfigError("a scheduler's address holds no user and no password", where="--executor-opt scheduler")
        if not insecure and parts.scheme not in _ENCRYPTED and not is_loopback(parts.hostname or ""):
            raise ConfigError(
                "the connection to this scheduler is not encrypted, and every user who can reach it can run programs there",
                where=address,
                hint="use tls://, or --insecure-executor if the whole network is your own",
            )
    return address, timeout


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking a name server."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _end(close: Callable[[], object]) -> None:
    """End the use of a cluster; the run has its results by then, and keeps them if the cluster is gone."""
    with suppress(Exception, asyncio.CancelledError):
        close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's log messages off the console; the caller reports errors in one line."""
    # Dask's configuration gives each of its loggers a handler and a level.
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LOGGERS]
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
