"""Masking of passwords in texts of drivers, plugins and tracebacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

MASK: Final = "***"
SECRET_KEYWORDS: Final = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
"""Secret connection parameters of libpq."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Passwords to mask in texts.

    Attributes:
        words: The passwords as written, decoded, and percent-encoded; longest first.
    """

    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, passwords: Iterable[str], *, public: Iterable[str] = ()) -> Secrets:
        """Return the secrets for passwords.

        Args:
            passwords: Passwords as written in a URL or a keyword string.
            public: Values that texts show. A password that is part of such a value (user postgres, password postgres) is
                not masked, since its mask would reveal it.
        """
        words = {
            form
            for word in passwords
            for form in (word, unquote(word), quote(unquote(word), safe=""), repr(word)[1:-1])
        }
        shown = tuple(public)
        kept = (word for word in words if word.strip() and not any(word in value for value in shown))
        return cls(tuple(sorted(kept, key=len, reverse=True)))

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(tuple(sorted({*self.words, *other.words}, key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """Replace each password in a text by ``***``."""
        for word in self.words:
            text = text.replace(word, MASK)
        return text

    def __repr__(self) -> str:
        return f"Secrets({len(self.words)} words)"
