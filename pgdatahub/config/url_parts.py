"""Parts of database URLs and keyword strings: grammar, user, password."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

SCHEME = re.compile(r"\s*(?P<scheme>[A-Za-z][\w+.-]*)://")
HOSTS = re.compile(r"(\[[0-9A-Fa-f:.%\w]*\]|[^:@\[\]]*)(:\d*)?")
PAIRS = re.compile(r"[\w.%]+=[^&]*(&[\w.%]+=[^&]*)*")
KEYWORD = re.compile(r"(?P<key>\w+)(?P<equals>\s*=\s*)(?P<value>'(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)", re.DOTALL)
PARAMETERS: Final = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "passfile",
        "password",
        "port",
        "replication",
        "require_auth",
        "requirepeer",
        "requiressl",
        "scram_client_key",
        "scram_server_key",
        "service",
        "servicefile",
        "ssl",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    ]
)
"""Connection parameters of libpq 18 and older
(https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS)."""


def end_of_user(rest: str) -> int:
    """Return the end of ``user:password@``; 0 if there is none.

    In a valid URL this is the last ``@`` before the path. If a pasted password contains ``/``, ``?`` or ``@``, the password
    extends to the last ``@``.
    """
    address, mark, query = rest.partition("?")
    if mark and "@" in query and not PAIRS.fullmatch(query):
        return rest.rindex("@") + 1
    if "@" in address:
        return address.rindex("@") + 1
    authority = address.partition("/")[0]
    if "@" in query and not all(HOSTS.fullmatch(host) for host in authority.split(",")):
        return rest.rindex("@") + 1
    return 0


def likely_password(rest: str) -> str:
    """Return the most likely password: the text from the first colon to the last ``@``."""
    end = end_of_user(rest) or rest.rfind("@") + 1
    return rest[: max(end - 1, 0)].partition(":")[2]


def decoded(escaped: str) -> str:
    """Return a text with its percent-encoded characters decoded."""
    return unquote_to_bytes(escaped).decode(errors="replace")
