"""Settings as found in one source, and the variables that name them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pgdatahub.config.registry import settings

LIBPQ: Final = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
"""Variables of libpq that name a server."""
_LIBPQ_DETAILS: Final = ("PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICEFILE")
"""Variables of libpq that mean a server, and name none."""
_OURS: Final = ("ETL_", "PGDATAHUB_")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSetting:
    """A setting of one source.

    Attributes:
        name: The field of :class:`~pgdatahub.config.settings.Config`.
        value: The value as written.
        origin: The source, such as ``environment ETL_SCHEMA``.
        place: The place for messages, such as ``.env:3``.
    """

    name: str
    value: Any
    origin: str
    place: str


def variables() -> dict[str, str]:
    """Return variable → field, aliases included."""
    return {variable: setting.name for setting in settings().values() for variable in setting.variables}


def misspelt(given: Collection[str], origin: str) -> Iterator[str]:
    """Yield a notice for each variable that resembles a setting; other programs may use the same prefixes."""
    known = variables()
    for variable in given:
        if variable.startswith(_OURS) and variable not in known:
            close = get_close_matches(variable, known, n=1, cutoff=0.85)
            if close:
                yield f"{origin}: {variable} is not a setting; did you mean {close[0]}?"


def ignored_aliases(given: Mapping[str, str | None], origin: str) -> Iterator[str]:
    """Yield a notice for each alias with a value other than that of its variable, which counts."""
    for setting in settings().values():
        first, *aliases = setting.variables
        for alias in aliases:
            if given.get(first) and given.get(alias) and given[alias] != given[first]:
                yield f"{origin}: {alias} is ignored, because {first} is set too"


def ignored_server(environment: Mapping[str, str]) -> str | None:
    """Return a notice if variables of libpq are set without one that names a server, so that the embedded server is used."""
    given = [variable for variable in _LIBPQ_DETAILS if environment.get(variable)]
    if not given:
        return None
    verb = "is" if len(given) == 1 else "are"
    return (
        f"environment: {', '.join(given)} {verb} ignored, and the embedded server is used:"
        " no DATABASE_URL, PGHOST or PGSERVICE names a server"
    )


def of_libpq(given: Collection[str]) -> list[str]:
    """Return the variables that libpq reads for a connection."""
    return [variable for variable in given if variable in (*LIBPQ, *_LIBPQ_DETAILS)]


def nearest(name: str, valid: tuple[str, ...]) -> str:
    """Return a hint with the most similar valid name, else with all."""
    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"valid: {', '.join(valid)}"
