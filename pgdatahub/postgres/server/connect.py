"""Opening of connections, and the reasons for failures.

The SQLSTATE, the state of libpq's connection, or the class of the error identifies a reason. The text of the error
never does, since it is in the language of the server or of the system.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from ipaddress import ip_address
from typing import Any, Final, cast

import psycopg
from psycopg import conninfo as psycopg_conninfo
from psycopg import pq

from pgdatahub.config.url_masking import secrets_of
from pgdatahub.config.urls import suspects, unknown_parameters
from pgdatahub.errors import DatabaseError, PgDataHubError, TransientDatabaseError, UnreachableError
from pgdatahub.postgres.server.sqlstates import meaning, one_line
from pgdatahub.postgres.server.startup_trace import Startup, trace_startup

_DEFAULTS: Final[dict[str, str | int]] = {
    "application_name": "pgdatahub",
    # The server would keep the locks of a lost machine until TCP gives up, two hours by default.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "connect_timeout": 10,
}
_ENCODING: Final = "UTF8"
"""The encoding of the client, from the first statement on, whatever the database's own encoding is."""
_NO_CONVERSION: Final = "0A000"
"""The state of a session's start if the server has no conversion to the client's encoding."""
_CLOSED: Final = "55000"
"""The state of a session's start if the database takes no connections."""
_SETTINGS: Final = ("22", "42601", "42704")
"""The states of a session's start if a parameter of the session is unknown, or its value or the options are wrong."""
_DEMANDS: Final = ("target_session_attrs", "channel_binding", "require_auth", "gssencmode")
"""Parameters by which the client refuses a server."""
_SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
"""Maximum length of a Unix socket's path: that of ``sun_path`` in ``sockaddr_un``, without the NUL."""
_NUMBERS: Final = (
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "connect_timeout"),
)
_FOREIGN_PARAMETERS: Final = {
    "schema": "ETL_SCHEMA sets the schema",
    "currentSchema": "ETL_SCHEMA sets the schema",
    "search_path": "ETL_SCHEMA sets the schema",
    "pgbouncer": "pgdatahub needs no setting for a pooler",
    "useSSL": "write sslmode=require",
}
"""Parameters of other clients → what to do instead."""


def open_connection(conninfo: str) -> psycopg.Connection[Any]:
    """Return a new connection.

    Raises:
        DatabaseError: The connection failed; the message holds no password. A TransientDatabaseError if
            a retry may succeed.
    """
    try:
        given = psycopg_conninfo.conninfo_to_dict(conninfo)
    except psycopg.Error:
        # "from None" here and below: libpq's text may hold the password, and so would a traceback.
        raise _malformed(conninfo) from None
    _check_numbers(given)
    _keep_driver_off_stderr()
    defaults = {key: value for key, value in _DEFAULTS.items() if key not in given}
    try:
        # No statement is prepared before it is known that no pooler is in between (pins.adapt_session).
        return psycopg.connect(
            conninfo,
            autocommit=True,
            prepare_threshold=None,
            client_encoding=_ENCODING,
            **cast("dict[str, Any]", defaults),
        )
    except UnicodeError:  # of IDNA, from the look-up of the host
        raise DatabaseError("the host is not a valid name", hint="check the host in DATABASE_URL") from None
    except psycopg.Error as error:
        complete = psycopg_conninfo.make_conninfo(conninfo, client_encoding=_ENCODING, **defaults)
        reason = _reason(error, complete, conninfo)
    raise reason from None


def _keep_driver_off_stderr() -> None:
    """Keep psycopg's log, unless the program has handlers for it, off the standard error.

    psycopg logs the errors that it ignores because another one is raised, which pgdatahub reports.
    """
    logger = logging.getLogger("psycopg")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _check_numbers(given: dict[str, Any]) -> None:
    for number in _effective(given)["port"].split(","):
        if number.strip() and not (number.strip().isdigit() and 0 < int(number) < 65536):
            raise DatabaseError("the port is not a number from 1 to 65535", hint="correct port= or PGPORT")
    for name in _NUMBERS:
        try:
            int(given.get(name) or 0)
        except ValueError:
            raise DatabaseError(f"{name} is not an integer", hint=f"correct {name}= in DATABASE_URL") from None
    for address in filter(None, str(given.get("hostaddr") or "").split(",")):
        try:
            ip_address(address.partition("%")[0])
        except ValueError:
            raise DatabaseError("hostaddr is not an IP address", hint="write host= for a name") from None


def _malformed(conninfo: str) -> DatabaseError:
    unknown = unknown_parameters(conninfo)
    if not unknown:
        return DatabaseError(
            "the connection string is not valid", hint="write postgresql://user:password@host:5432/name"
        )
    names = ", ".join(unknown)
    advice = dict.fromkeys(_FOREIGN_PARAMETERS[name] for name in unknown if name in _FOREIGN_PARAMETERS)
    return DatabaseError(f"libpq has no connection parameter {names}", hint="; ".join([f"remove {names}", *advice]))


def _reason(error: psycopg.Error, complete: str, given: str) -> PgDataHubError:
    message = secrets_of(given).mask(one_line(str(error)))
    written = suspects(given)
    found = _identify(error, complete, message)
    if type(found) is TransientDatabaseError:
        found = UnreachableError(found.message, hint=found.hint)
    if written:
        hint = f"{found.hint}; " if found.hint else ""
        found = type(found)(found.message, hint=f"{hint}if the URL's password holds them, write {written}")
    return found


def _identify(error: psycopg.Error, complete: str, message: str) -> PgDataHubError:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return TransientDatabaseError(message, hint="is the server running, and are host and port right?")
    if error.sqlstate:
        return _of_state(error.sqlstate, message)
    if error.pgconn is None:
        return _unresolved(complete, message) or DatabaseError(message, hint="check DATABASE_URL")
    startup = trace_startup(complete)
    if startup.completed:
        return TransientDatabaseError(message, hint="try again; nothing of the file was kept")
    if startup.sqlstate is not None:
        return _of_state(startup.sqlstate, message)
    return _before_session(startup, complete, message)


def _of_state(state: str, message: str) -> PgDataHubError:
    """Return the error for a SQLSTATE of a session's start."""
    if state == _NO_CONVERSION:
        return DatabaseError(message, hint="load into a database with ENCODING 'UTF8'")
    if state.startswith(_SETTINGS):
        hint = "correct the session's settings: options= in DATABASE_URL, PGOPTIONS, PGDATESTYLE, PGTZ, or those of the role"
        return DatabaseError(message, hint=hint)
    if state == _CLOSED:
        return DatabaseError(
            message, hint="ALTER DATABASE … ALLOW_CONNECTIONS true, or correct its name in DATABASE_URL"
        )
    return meaning(state, message) or DatabaseError(f"{message} (SQLSTATE {state})")


def _before_session(startup: Startup, complete: str, message: str) -> PgDataHubError:
    if startup.needs_password:
        return DatabaseError(message, hint="add the password to DATABASE_URL, or to a password file (PGPASSFILE)")
    if startup.tls_failed:
        hint = "check sslmode, the certificates (sslrootcert, sslcert, sslkey), and that host and port are PostgreSQL's"
        return DatabaseError(message, hint=hint)
    answer = pq.PGconn.ping(complete.encode())
    demands = _demands(complete)
    if demands and answer == pq.Ping.OK:
        # A server that is not yet, or no longer, the primary may become it.
        kind = TransientDatabaseError if "target_session_attrs" in demands else DatabaseError
        return kind(message, hint=f"the server does not meet {' and '.join(demands)} of the connection")
    if answer == pq.Ping.NO_ATTEMPT:
        return DatabaseError(message, hint="check the parameters of the connection: service, port, sslmode")
    if answer == pq.Ping.NO_RESPONSE and not startup.answered:
        lasting = _lasting_silence(complete)
        if lasting is not None:
            return DatabaseError(message, hint=lasting)
        return TransientDatabaseError(message, hint="is the server running, and are host and port right?")
    if answer == pq.Ping.REJECT:
        return TransientDatabaseError(message, hint="try again; nothing of the file was kept")
    return DatabaseError(message, hint="check the user and the password in DATABASE_URL")


def _demands(complete: str) -> list[str]:
    """Return the parameters by which the client may refuse the server, from the connection string and the environment."""
    found = _effective(psycopg_conninfo.conninfo_to_dict(complete))
    return [name for name in _DEMANDS if found.get(name, "") not in ("", "any", "prefer", "disable")]


def _effective(given: dict[str, Any]) -> dict[str, str]:
    """Return all parameters of a connection: those given, else those of the environment, else libpq's defaults."""
    defaults = {
        option.keyword.decode(): (option.val or b"").decode(errors="replace") for option in pq.Conninfo.get_defaults()
    }
    return {name: str(given.get(name) or value) for name, value in defaults.items()}


def _lasting_silence(complete: str) -> str | None:
    """Return the hint if libpq sends nothing to the server because of the connection's parameters."""
    found = _effective(psycopg_conninfo.conninfo_to_dict(complete))
    hosts, ports = found.get("host", "").split(","), found["port"].split(",")
    longest = max(ports, key=len)
    if all(
        host.startswith("/") and len(os.fsencode(f"{host}/.s.PGSQL.{longest}")) > _SOCKET_PATH_BYTES for host in hosts
    ):
        return "use a shorter path of the socket's directory in host=, such as that of a symbolic link"
    if found.get("sslnegotiation") == "direct":
        usual = psycopg_conninfo.make_conninfo(complete, sslnegotiation="postgres", sslmode="prefer")
        if pq.PGconn.ping(usual.encode()) != pq.Ping.NO_RESPONSE:
            return (
                "sslnegotiation=direct needs PostgreSQL 17 or newer with TLS; leave it out, or correct PGSSLNEGOTIATION"
            )
    if found.get("gssencmode") == "require":
        without = psycopg_conninfo.make_conninfo(complete, gssencmode="disable")
        local = all(host.startswith("/") for host in hosts)
        if local or pq.PGconn.ping(without.encode()) != pq.Ping.NO_RESPONSE:
            return "gssencmode=require needs a Kerberos ticket (kinit) and TCP; correct gssencmode= or PGGSSENCMODE"
    return None


def _unresolved(complete: str, message: str) -> PgDataHubError | None:
    """Return the error for a host without an address; None if every host has one."""
    parameters = psycopg_conninfo.conninfo_to_dict(complete)
    for host in str(parameters.get("host") or "").split(","):
        if host and not host.startswith(("/", "@")):
            try:
                socket.getaddrinfo(host, None)
            except socket.gaierror as unresolved:
                kind = TransientDatabaseError if unresolved.errno == socket.EAI_AGAIN else DatabaseError
                return kind(message, hint="check the host in DATABASE_URL")
            except (UnicodeError, OSError):
                return DatabaseError(message, hint="check the host in DATABASE_URL")
    return None
