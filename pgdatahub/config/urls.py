"""Where the rows go: the forms in which people give a database, and how to show them without their secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

MASK = "***"
_SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
_SCHEME = re.compile(r"\s*(?P<scheme>[A-Za-z][\w+.-]*)://")
_HOSTS = re.compile(r"(\[[0-9A-Fa-f:.%\w]*\]|[^:@\[\]]*)(:\d*)?")
_PAIRS = re.compile(r"[\w.%]+=[^&]*(&[\w.%]+=[^&]*)*")
_KEYWORD = re.compile(r"(?P<key>\w+)(?P<equals>\s*=\s*)(?P<value>'(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)", re.DOTALL)
_DRIVERS = frozenset({"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the rows go.

    Attributes:
        kind: ``url`` if a database is configured, ``environment`` if libpq's own variables name one, else ``embedded``.
        conninfo: What libpq takes; empty unless ``kind`` is ``url``. May hold a password: never shown in a repr.
    """

    kind: Literal["url", "environment", "embedded"]
    conninfo: str = ""

    def __repr__(self) -> str:
        return f"Destination(kind={self.kind!r}, conninfo={masked_url(self.conninfo)!r})"


def conninfo(text: str) -> str:
    """Return what libpq takes for a URL (also one in SQLAlchemy's form) or a ``host=… dbname=…`` string.

    Raises:
        ValueError: It is neither; the reason does not hold the text, which may have a password.
    """
    text = text.strip()
    match = _SCHEME.match(text)
    if match is None:
        if "=" not in text or not _KEYWORD.match(text):
            raise ValueError("neither a URL (postgresql://…) nor a list of keywords (host=… dbname=…)")
        return text
    scheme = match["scheme"].lower()
    if scheme not in _DRIVERS:
        raise ValueError(f"{scheme}:// is not PostgreSQL; write postgresql://")
    return f"postgresql://{text[match.end() :]}"


def masked_url(text: str) -> str:
    """Return a URL or a keyword string with ``***`` for its passwords; rather too much hidden than too little."""
    match = _SCHEME.match(text)
    if match is None:
        if "=" in text:
            return _KEYWORD.sub(_masked_pair, text)
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
    """Return where ``user:password@`` ends, 0 if there is none.

    In a URL as it should be that is the last ``@`` before the path; people paste passwords with ``/``, ``?`` and ``@``
    in them, and what looks like that is taken as password to its last ``@``.
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
    return f"{key}{equals}{MASK}" if equals and unquote(key).strip().lower() in _SECRETS else pair


def _masked_pair(match: re.Match[str]) -> str:
    if match["key"].lower() not in _SECRETS:
        return match[0]
    return f"{match['key']}{match['equals']}{MASK}"
