"""Validation of database URLs and keyword strings, before libpq reads them.

libpq repeats a malformed URL in its messages, and reads a password with an unescaped ``@`` or ``/`` as part of the host.
This module refuses such a URL before libpq reads it. The rules follow ``conninfo_uri_parse_options`` of libpq
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from pgdatahub.config.url_parts import (
    HOSTS,
    KEYWORD,
    PAIRS,
    PARAMETERS,
    SCHEME,
    decoded,
    end_of_user,
    likely_password,
)

_KEYWORDS = re.compile(r"(?:\s*\w+\s*=\s*(?:'(?:\\.|[^'\\])*'(?!\S)|(?!')(?:\\.|[^\s\\])*))*\s*", re.DOTALL)
_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"})
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_SPECIAL: Final = "%@:/?#[] "
"""Characters that must be percent-encoded in a URL's password."""


def conninfo(text: str) -> str:
    """Return libpq's connection string for a URL (also in SQLAlchemy's form) or a ``host=… dbname=…`` string.

    Raises:
        ValueError: The text is neither, or libpq would misread it; the message never contains the text, which may have a
            password.
    """
    text = text.strip()
    match = SCHEME.match(text)
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
    match = SCHEME.match(text)
    if match is None:
        return ""
    return _encoded(likely_password(text[match.end() :]))


def unknown_parameters(text: str) -> tuple[str, ...]:
    """Return the names of parameters in a valid URL or keyword string that libpq 18 does not know."""
    if SCHEME.match(text) is None:
        names = [pair["key"] for pair in KEYWORD.finditer(text)]
    else:
        names = [decoded(pair.partition("=")[0]) for pair in text.partition("?")[2].split("&") if pair]
    return tuple(name for name in names if name not in PARAMETERS)


def _problem(rest: str) -> str | None:
    """Return the reason why libpq would misread a URL, given without its scheme; None if libpq reads it correctly."""
    named = _encoded(likely_password(rest))
    if _misread(rest):
        return f"the password has characters that a URL must have percent-encoded: write {named or '@ as %40'}"
    problem = _address_problem(rest)
    return f"{problem}; if the password holds them, write {named}" if problem and named else problem


def _address_problem(rest: str) -> str | None:
    if _BROKEN_ESCAPE.search(rest) or not _is_text(rest):
        return "a % begins a percent-encoded character; write % itself as %25"
    if any(character.isspace() for character in rest):
        return "a URL has no spaces; write a space as %20"
    user = end_of_user(rest)
    address, _, query = rest[user:].partition("?")
    for host in address.partition("/")[0].split(","):
        place = HOSTS.fullmatch(host)
        if place is None:
            return "the host is not name:port, or an IPv6 address in brackets ([::1]:5432)"
        if place[2] and place[2] != ":" and not 0 < int(place[2][1:]) < 65536:
            return "the port is not a number from 1 to 65535"
    return _query_problem(query)


def _query_problem(query: str) -> str | None:
    for pair in query.split("&") if query else ():
        key, equals, _ = pair.partition("=")
        if not re.fullmatch(r"\w+", decoded(key)):
            return "what follows the ? is not key=value&key=value"
        if not equals:
            return f"the parameter {decoded(key)} after the ? has no value"
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
    return bool(PAIRS.fullmatch(query)) and not any(
        "@" in pair and decoded(pair.partition("=")[0]).lower() not in PARAMETERS for pair in query.split("&")
    )


def _looks_like_hosts(address: str) -> bool:
    return all(HOSTS.fullmatch(host) for host in address.partition("/")[0].split(","))


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
