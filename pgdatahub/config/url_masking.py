"""Masking of the passwords of database URLs and keyword strings, also invalid ones."""

from __future__ import annotations

import re

from pgdatahub.config.secrets import MASK, SECRET_KEYWORDS, Secrets
from pgdatahub.config.url_parts import KEYWORD, SCHEME, decoded, end_of_user, likely_password


def secrets_of(text: str) -> Secrets:
    """Return the passwords in a URL or keyword string, also if :func:`conninfo` refuses it."""
    match = SCHEME.match(text)
    if match is None:
        pairs = {pair["key"].lower(): _unquoted(pair["value"]) for pair in KEYWORD.finditer(text)}
        secret = [value for key, value in pairs.items() if key in SECRET_KEYWORDS]
        written = [pair["value"] for pair in KEYWORD.finditer(text) if pair["key"].lower() in SECRET_KEYWORDS]
        return Secrets.of([*secret, *written], public=[v for k, v in pairs.items() if k not in SECRET_KEYWORDS])
    rest = text[match.end() :].strip()
    end = end_of_user(rest)
    user = rest[:end].partition(":")[0].removesuffix("@")
    address, _, query = rest[end:].partition("?")
    secret = [likely_password(rest)]
    public = [user, address]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        (secret if decoded(key).strip().lower() in SECRET_KEYWORDS else public).append(value)
    return Secrets.of(secret, public=map(decoded, public))


def _unquoted(value: str) -> str:
    inner = value[1:].removesuffix("'") if value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def masked_url(text: str) -> str:
    """Replace the passwords of a URL or keyword string by ``***``; in doubt, mask more."""
    match = SCHEME.match(text)
    if match is None:
        if "=" in text:
            return KEYWORD.sub(_masked_pair, text)
        return re.sub(r":.*@", f":{MASK}@", text, flags=re.DOTALL)
    rest = text[match.end() :]
    end = end_of_user(rest)
    user, rest = rest[:end], rest[end:]
    name, colon, _ = user.partition(":")
    start = f"{name}{colon}{MASK}@" if colon else user
    address, mark, query = rest.partition("?")
    if mark:
        query = "&".join(_masked_parameter(pair) for pair in query.split("&"))
    return f"{text[: match.end()]}{start}{address}{mark}{query}"


def _masked_parameter(pair: str) -> str:
    key, equals, _ = pair.partition("=")
    return f"{key}{equals}{MASK}" if equals and decoded(key).strip().lower() in SECRET_KEYWORDS else pair


def _masked_pair(match: re.Match[str]) -> str:
    if match["key"].lower() not in SECRET_KEYWORDS:
        return match[0]
    return f"{match['key']}{match['equals']}{MASK}"
