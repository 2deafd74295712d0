"""Database URLs and keyword strings: validation before libpq reads them, and masking of their passwords.

libpq repeats a malformed URL in its messages, and reads a password with an unescaped ``@`` or ``/`` as part of the host.
This module refuses such a URL before libpq reads it. The rules follow ``conninfo_uri_parse_options`` of libpq
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from pgdatahub.config.secrets import MASK, SECRET_KEYWORDS, Secrets

_SCHEME = re.compile(r"\s*(?P<scheme>[A-Za-z][\w+.-]*)://")
_HOSTS = re.compile(r"(\[[0-9A-Fa-f:.%\w]*\]|[^:@\[\]]*)(:\d*)?")
_PAIRS = re.compile(r"[\w.%]+=[^&]*(&[\w.%]+=[^&]*)*")
KEYWORD = re.compile(r"(?P<key>\w+)(?P<equals>\s*=\s*)(?P<value>'(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)", re.DOTALL)
_KEYWORDS = re.compile(r"(?:\s*\w+\s*=\s*(?:'(?:\\.|[^'\\])*'(?!\S)|(?!')(?:\\.|[^\s\\])*))*\s*", re.DOTALL)
_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"})
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
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
_SPECIAL: Final = "%@:/?#[] "
"""Characters that must be percent-encoded in a URL's password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The database to load into.

    Attributes:
        kind: ``url`` if a database is configured, ``environment`` if libpq's own variables name one, else ``embedded``.
        conninfo: The connection string for libpq; empty unless ``kind`` is ``url``. It can hold a password, so repr masks it.
        place: The variable, file or option that names the database, for messages.
    """

    kind: Literal["url", "environment", "embedded"]
    conninfo: str = ""
    place: str = ""

    def __repr__(self) -> str:
        return f"Destination(kind={self.kind!r}, conninfo={masked_url(self.conninfo)!r})"


def conninfo(text: str) -> str:
    """Return libpq's connection string for a URL (also in SQLAlchemy's form) or a ``host=… dbname=…`` string.

    Raises:
        ValueError: The text is neither, or libpq would misread it; the message never contains the text, which may have a
            password.
    """
    text = text.strip()
    match = _SCHEME.match(text)
    if match is None:
        if "=" not in text or not KEYWORD.match(text):
            raise ValueError("neither a URL (postgresql://…) nor a list of keywords (host=… dbname=…)")
        if not _KEYWORDS.fullmatch(text):
            raise ValueError(
                "the list of keywords is not key=value key=value; put a value that holds a space or a quote into"
                r" single quotes, and write ' as \' and \ as \\"
            )
        return text
    scheme = match["scheme"].lower()
    if scheme not in _DRIVERS:
        raise ValueError(f"{scheme}:// is not PostgreSQL; write postgresql://")
    rest = text[match.end() :]
    problem = _problem(rest)
    if problem is not None:
        raise ValueError(problem)
    return f"postgresql://{rest}"


def suspects(text: str) -> str:
    """Return how to percent-encode the special characters of a URL's password; empty if it has none."""
    match = _SCHEME.match(text)
    if match is None:
        return ""
    return _encoded(_password(text[match.end() :]))


def unknown_parameters(text: str) -> tuple[str, ...]:
    """Return the names of parameters in a valid URL or keyword string that libpq 18 does not know."""
    if _SCHEME.match(text) is None:
        names = [pair["key"] for pair in KEYWORD.finditer(text)]
    else:
        names = [_decoded(pair.partition("=")[0]) for pair in text.partition("?")[2].split("&") if pair]
    return tuple(name for name in names if name not in PARAMETERS)


def secrets_of(text: str) -> Secrets:
    """Return the passwords in a URL or keyword string, also if :func:`conninfo` refuses it."""
    match = _SCHEME.match(text)
    if match is None:
        pairs = {pair["key"].lower(): _unquoted(pair["value"]) for pair in KEYWORD.finditer(text)}
        secret = [value for key, value in pairs.items() if key in SECRET_KEYWORDS]
        written = [pair["value"] for pair in KEYWORD.finditer(text) if pair["key"].lower() in SECRET_KEYWORDS]
        return Secrets.of([*secret, *written], public=[v for k, v in pairs.items() if k not in SECRET_KEYWORDS])
    rest = text[match.end() :].strip()
    end = _end_of_user(rest)
    user = rest[:end].partition(":")[0].removesuffix("@")
    address, _, query = rest[end:].partition("?")
    secret = [_password(rest)]
    public = [user, address]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        (secret if _decoded(key).strip().lower() in SECRET_KEYWORDS else public).append(value)
    return Secrets.of(secret, public=map(_decoded, public))


def _unquoted(value: str) -> str:
    inner = value[1:].removesuffix("'") if value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _problem(rest: str) -> str | None:
    """Return the reason why libpq would misread a URL, given without its scheme; None if libpq reads it correctly."""
    named = _encoded(_password(rest))
    if _misread(rest):
        return f"the password has characters that a URL must have percent-encoded: write {named or '@ as %40'}"
    problem = _address_problem(rest)
    return f"{problem}; if the password holds them, write {named}" if problem and named else problem


def _address_problem(rest: str) -> str | None:
    if _BROKEN_ESCAPE.search(rest) or not _is_text(rest):
        return "a % begins a percent-encoded character; write % itself as %25"
    if any(character.isspace() for character in rest):
        return "a URL has no spaces; write a space as %20"
    user = _end_of_user(rest)
    address, _, query = rest[user:].partition("?")
    for host in address.partition("/")[0].split(","):
        place = _HOSTS.fullmatch(host)
        if place is None:
            return "the host is not name:port, or an IPv6 address in brackets ([::1]:5432)"
        if place[2] and place[2] != ":" and not 0 < int(place[2][1:]) < 65536:
            return "the port is not a number from 1 to 65535"
    return _query_problem(query)


def _query_problem(query: str) -> str | None:
    for pair in query.split("&") if query else ():
        key, equals, _ = pair.partition("=")
        if not re.fullmatch(r"\w+", _decoded(key)):
            return "what follows the ? is not key=value&key=value"
        if not equals:
            return f"the parameter {_decoded(key)} after the ? has no value"
    return None


def _misread(rest: str) -> bool:
    """Return whether a password has a broken escape, or a character at which libpq would cut it."""
    address, mark, query = rest.partition("?")
    first_slash, first_at = rest.find("/"), rest.find("@")
    if first_at < 0:
        return False
    in_query = mark and first_at > len(address)
    if in_query and _may_hold_at(query) and _looks_like_hosts(address):
        return False  # postgresql://h/d?user=me@corp
    end = rest.rindex("@")
    if end != first_at:
        tail = rest[first_at + 1 :]
        address, mark, query = tail.partition("?")
        if "@" in address or not (_may_hold_at(query) and _looks_like_hosts(address)):
            return True
        end = first_at
    if 0 <= first_slash < end:
        return True
    user = rest[:end]
    return bool(_BROKEN_ESCAPE.search(user)) or not _is_text(user) or any(c.isspace() for c in user)


def _may_hold_at(query: str) -> bool:
    """Return whether each ``@`` in a query is in the value of a parameter that libpq knows."""
    return bool(_PAIRS.fullmatch(query)) and not any(
        "@" in pair and _decoded(pair.partition("=")[0]).lower() not in PARAMETERS for pair in query.split("&")
    )


def _looks_like_hosts(address: str) -> bool:
    return all(_HOSTS.fullmatch(host) for host in address.partition("/")[0].split(","))


def _password(rest: str) -> str:
    """Return the most likely password: the text from the first colon to the last ``@``."""
    end = _end_of_user(rest) or rest.rfind("@") + 1
    return rest[: max(end - 1, 0)].partition(":")[2]


def _encoded(password: str) -> str:
    """Return how to encode the special characters of a password, such as ``@ as %40``."""
    raw = re.sub(r"%[0-9A-Fa-f]{2}", "", password) if _is_text(password) else password
    names = {" ": "a space"}
    return ", ".join(f"{names.get(c, c)} as %{ord(c):02X}" for c in _SPECIAL if c in raw)


def _is_text(escaped: str) -> bool:
    try:
        unquote_to_bytes(escaped).decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(escaped: str) -> str:
    return unquote_to_bytes(escaped).decode(errors="replace")


def masked_url(text: str) -> str:
    """Replace the passwords of a URL or keyword string by ``***``; in doubt, mask more."""
    match = _SCHEME.match(text)
    if match is None:
        if "=" in text:
            return KEYWORD.sub(_masked_pair, text)
        return re.sub(r":.*@", f":{MASK}@", text, flags=re.DOTALL)
    rest = text[match.end() :]
    end = _end_of_user(rest)
    user, rest = rest[:end], rest[end:]
    name, colon, _ = user.partition(":")
    start = f"{name}{colon}{MASK}@" if colon else user
    address, mark, query = rest.partition("?")
    if mark:
        query = "&".join(_masked_parameter(pair) for pair in query.split("&"))
    return f"{text[: match.end()]}{start}{address}{mark}{query}"


def _end_of_user(rest: str) -> int:
    """Return the end of ``user:password@``; 0 if there is none.

    In a valid URL this is the last ``@`` before the path. If a pasted password contains ``/``, ``?`` or ``@``, the password
    extends to the last ``@``.
    """
    address, mark, query = rest.partition("?")
    if mark and "@" in query and not _PAIRS.fullmatch(query):
        return rest.rindex("@") + 1
    if "@" in address:
        return address.rindex("@") + 1
    authority = address.partition("/")[0]
    if "@" in query and not all(_HOSTS.fullmatch(host) for host in authority.split(",")):
        return rest.rindex("@") + 1
    return 0


def _masked_parameter(pair: str) -> str:
    key, equals, _ = pair.partition("=")
    return f"{key}{equals}{MASK}" if equals and _decoded(key).strip().lower() in SECRET_KEYWORDS else pair


def _masked_pair(match: re.Match[str]) -> str:
    if match["key"].lower() not in SECRET_KEYWORDS:
        return match[0]
    return f"{match['key']}{match['equals']}{MASK}"
