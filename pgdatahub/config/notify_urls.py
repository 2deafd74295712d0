"""URLs of notifications, which hold tokens: split, checked, and masked."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import unquote

from pydantic import SecretStr

from pgdatahub.config.secrets import MASK, Secrets

NotifyEvent: TypeAlias = Literal["failures", "new_failures", "quarantine", "schema", "always"]
"""Reasons for a notification; ``always`` is each run. ``new_failures`` leaves out runs with the failures of earlier runs alone."""
EVENTS: Final[tuple[str, ...]] = get_args(NotifyEvent)

_BETWEEN: Final = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
"""The separator of two URLs: a URL itself may contain commas (``?to=ann@…,bob@…``)."""
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\S+)", flags=re.DOTALL)
_MARKS: Final = re.compile(r"[/?&=@:#,;+\s]+")
_MIN_TOKEN: Final = 8
_MIN_WORD: Final = 3


def split_urls(text: str) -> tuple[str, ...]:
    """Return the URLs of a setting, which commas or white space separate."""
    return tuple(part for part in _BETWEEN.split(text.strip().rstrip(",;")) if part)


def joined(value: object) -> object:
    """Return a list of URLs, as ``config.json`` may have it, as one text."""
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return "\n".join(value)
    return value


def checked_urls(value: SecretStr | None) -> SecretStr | None:
    """Return the setting if each part has the form of a URL.

    Raises:
        ValueError: A part is not a URL; the message does not show it.
    """
    if value is not None and not all(map(_URL.fullmatch, split_urls(value.get_secret_value()) or ("",))):
        raise ValueError("a part is not of the form SERVICE://…")
    return value


def listed_events(value: object) -> object:
    """Return the words of ``failures,quarantine``."""
    if isinstance(value, str):
        return tuple(word.strip().lower() for word in value.split(",") if word.strip())
    return tuple(value) if isinstance(value, list) else value


def service(url: str) -> str:
    """Return the scheme of a URL, which names the service: ``slack``."""
    match = _URL.match(url)
    return match[1].lower() if match else "?"


def masked_urls(text: str) -> str:
    """Return the setting with the services alone: ``slack://***, mailto://***``."""
    return ", ".join(f"{service(url)}://{MASK}" for url in split_urls(text))


def token_secrets(text: str) -> Secrets:
    """Return the secrets of the setting that any text is masked for: the URLs, their passwords and tokens.

    A word of letters in one case, such as the name of a channel, counts as public: files and tables have such names too.
    """
    words = []
    for url in split_urls(text):
        rest = url.partition("://")[2]
        words += [url, rest]
        user, at, _ = rest.partition("?")[0].rpartition("@")
        if at and ":" in user:
            words.append(user.partition(":")[2])
        words += [word for word in _MARKS.split(rest) if len(word) >= _MIN_TOKEN and _is_token(word)]
    return Secrets.of(words)


def all_words(text: str) -> Secrets:
    """Return every word of the URLs but their schemes, for texts of the services, which need no other names."""
    rests = [url.partition("://")[2] for url in split_urls(text)]
    return token_secrets(text) | Secrets.of(
        word for rest in rests for word in _MARKS.split(rest) if len(word) >= _MIN_WORD
    )


def _is_token(word: str) -> bool:
    plain = unquote(word)
    letters = re.sub(r"[-_.]", "", plain)
    host = "." in plain and not re.search(r"[A-Z]", plain)
    return not host and not (letters.isalpha() and (letters.islower() or letters.isupper() or letters.istitle()))
