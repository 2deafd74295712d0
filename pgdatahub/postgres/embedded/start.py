"""Start of the server: programs, account, socket and port, and a new cluster at the first start."""

from __future__ import annotations

import socket
from collections.abc import Callable

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.account import server_account
from pgdatahub.postgres.embedded.binaries import find_binaries, reachable
from pgdatahub.postgres.embedded.cluster import Cluster
from pgdatahub.postgres.embedded.home import Home, require_passage
from pgdatahub.postgres.embedded.record import DEFAULT_PORT, KeepMarker, ServerRecord
from pgdatahub.postgres.embedded.settings import EmbeddedSettings


def start_server(
    cluster: Cluster,
    home: Home,
    settings: EmbeddedSettings,
    *,
    last: ServerRecord | None,
    port: int | None,
    announce: Callable[[str], None],
) -> None:
    """Start the stopped server, and create its cluster if it has none.

    Args:
        cluster: The cluster of the home.
        home: The home directory.
        settings: The settings.
        last: The record of the last start.
        port: Also listen on this port of 127.0.0.1; None uses the port of ``db start``, if it is free.
        announce: Receives lines for the user.

    Raises:
        DatabaseError: The server cannot be created or started.
    """
    major = home.data_major()
    binaries = find_binaries(settings.bindir, data_major=major, recorded=last.binaries if last else None)
    account = server_account(settings.os_user, owner=home.data_owner(), home=home.root, announce=announce)
    require_passage(account, home.server)
    binaries = reachable(binaries, account, store=home.binaries, announce=announce)
    if major is None:
        cluster.initialize(binaries, account)
        announce(
            f"made a private PostgreSQL {binaries.version} server; its data is in {home.data}, "
            f"and `pgdatahub db psql` connects to it"
        )
    listening = _choose_port(home, port, announce)
    record = ServerRecord(
        socket_directory=home.socket_directory(account, last.socket_directory if last else None),
        port=listening or DEFAULT_PORT,
        tcp=listening is not None,
        binaries=binaries.directory,
        version=binaries.version,
    )
    cluster.start(binaries, account, record, parameters=settings.parameters)


def _choose_port(home: Home, port: int | None, announce: Callable[[str], None]) -> int | None:
    """Return the port to listen on: the requested one, else the port of ``db start`` if it is free."""
    if port is not None:
        if (problem := _port_problem(port)) is not None:
            raise DatabaseError(
                f"the embedded server cannot listen on port {port}: {problem}", hint="choose another port"
            )
        return port
    marker = KeepMarker.read(home.keep)
    if marker is None or marker.port is None:
        return None
    if (problem := _port_problem(marker.port)) is not None:
        announce(f"the embedded server listens on its socket only: port {marker.port}: {problem}")
        return None
    return marker.port


def _port_problem(port: int) -> str | None:
    """Return the reason why the server cannot listen on a port of 127.0.0.1; None if it can."""
    if not 1 <= port <= 65535:
        return "ports are 1 to 65535"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server does: a port whose last connections are closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return None
