"""The one place that masks passwords in texts that other code wrote: drivers, plugins, tracebacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

MASK: Final = "***"
SECRET_KEYWORDS: Final = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
"""Connection parameters of libpq that hold a secret."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Passwords that no text may show.

    Attributes:
        words: The passwords as written, decoded, and percent-encoded; longest first.
    """

    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, passwords: Iterable[str], *, public: Iterable[str] = ()) -> Secrets:
        """Return the secrets for some passwords, as they are written.

        Args:
            passwords: Each as it stands in a URL or in a keyword string.
            public: Values that texts show anyway: a password that is part of one (postgres, postgres) is not masked,
                since its mask would tell it.
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
        """Return a text with ``***`` for each password in it."""
        for word in self.words:
            text = text.replace(word, MASK)
        return text

    def __repr__(self) -> str:
        return f"Secrets({len(self.words)} words)"
