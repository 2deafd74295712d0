"""SQL names for headers and folders: ASCII, at most 63 bytes, unique, pure functions of the header or folder.

A name never depends on earlier loads; otherwise the order of files would matter. Three rules make all names:
:func:`fold` for a text, :func:`table_name` for a folder, :class:`ColumnNames` for the columns of one header row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256

from anyascii import anyascii

CUT_BYTES = 63
"""The longest name in bytes; PostgreSQL silently cuts longer names (NAMEDATALEN is 64, with the terminating zero)."""
SERVERS_PREFIX = "pg_"
"""Beginning of the names of schemas that only the server may create."""
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""System columns of every PostgreSQL table; a user column cannot have these names
(https://www.postgresql.org/docs/current/ddl-system-columns.html)."""

_DIGEST_LENGTH = 8  # 32 bits: 1,600 long headers with the same start collide in one of 3,000 tables
_POSITIONAL = re.compile(r"column_([1-9][0-9]{0,5})(?![0-9])")
_OTHERS = re.compile(r"[^a-z0-9]+")


def fold(text: str) -> str:
    """Return ``text`` as a SQL name ``[a-z_][a-z0-9_]*``; empty if no letter or digit is left.

    Other scripts are transliterated to ASCII. ``%`` and ``#`` become words, so that ``Rate %`` and ``Rate`` differ. A name
    that starts with a digit gets the prefix ``_``, so that it needs no quotes. The function does not limit the length,
    and it is idempotent.
    """
    if not text.isascii():
        # macOS returns decomposed folder names; people type composed ones into settings.
        text = anyascii(unicodedata.normalize("NFC", text))
    text = text.lower().replace("%", " percent ").replace("#", " number ")
    name = _OTHERS.sub("_", text).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def cut(name: str, limit: int = CUT_BYTES) -> str:
    """Return ``name``, or its start and a hash of it if it is longer than ``limit`` bytes.

    Args:
        name: A folded name, so that characters are bytes.
        limit: The limit in bytes; at least 10, for a hash and its ``_``.
    """
    if len(name) <= limit:
        return name
    return f"{name[: limit - _DIGEST_LENGTH - 1].rstrip('_')}_{_digest(name)}"


def table_name(parts: Sequence[str]) -> str:
    """Return the table's name for a folder, given by its path parts below the data root.

    Folders whose names differ only in case share a table. A part without letters and digits is named by a hash, so that
    the folder does not share its parent's table.
    """
    return cut(fold("_".join(fold(part) or f"folder_{_digest(part)}" for part in parts)))


class ColumnNames:
    """Names of a sheet's columns, a pure function of its header row and the folder's ``rename`` settings.

    Each header is folded. Of equal names the first header keeps the name; the others get the suffix ``_2``, ``_3`` … in
    order, skipping names that another header has by itself. A column without a header is ``column_N``. Names in
    ``reserved`` and PostgreSQL's system columns are never used; a header that folds to such a name is numbered like a
    duplicate.

    A key of ``rename`` is a header as written, for every column with that header; or, folded, the name of a column
    without renaming (``amount_2`` is the second of two ``Amount``). If a new name equals another column's name, the
    renamed column gets the name and the other column is numbered. Of several columns renamed alike, the column that
    already had the name gets it, else the first.

    Args:
        headers: Position (from 0) and text of each header; positions without a header are absent, blank texts ignored.
        reserved: Names of columns that the table has itself.
        rename: New names.
        levels: For a key of ``rename`` its level; of several that mean a column, the key of the highest level counts.
    """

    __slots__ = ("_headers", "_names", "_plain", "_reserved", "_taken", "_written", "clashes")

    clashes: tuple[tuple[str, ...], ...]
    """Groups of headers as written that fold to one name after renaming; a single header if the name is reserved."""

    def __init__(
        self,
        headers: Iterable[tuple[int, str]],
        *,
        reserved: Collection[str] = ("source_file", "load_timestamp"),
        rename: Mapping[str, str] | None = None,
        levels: Mapping[str, int] | None = None,
    ) -> None:
        self._headers = {position: text for position, text in sorted(headers) if text.strip()}
        self._written = frozenset(text.strip() for text in self._headers.values())
        self._reserved = SYSTEM_COLUMNS.union(reserved)
        wanted = {position: cut(fold(text)) or _positional(position) for position, text in self._headers.items()}
        self._plain = _number(wanted, taken=self._reserved)
        renamed = self._renamed(rename or {}, levels or {})
        renamed = dict(sorted(renamed.items(), key=lambda item: self._plain.get(item[0]) != item[1]))
        self._names = _number(renamed, taken=self._reserved)
        kept = {position: name for position, name in self._plain.items() if position not in renamed}
        self._names |= _number(kept, taken=self._reserved.union(self._names.values()))
        self._taken = self._reserved.union(self._names.values())
        self.clashes = self._clashes(dict(sorted((wanted | renamed).items())))

    def name(self, position: int) -> str:
        """Return the name of the column at ``position`` (from 0), also beyond the header row."""
        name = self._names.get(position)
        return name if name is not None else _free(_positional(position), self._taken)

    def header(self, position: int) -> str | None:
        """Return the header as written at ``position`` (from 0)."""
        return self._headers.get(position)

    def has_header(self, text: str) -> bool:
        """Return whether a header is ``text``, but for white space at its ends."""
        return text.strip() in self._written

    def matcher(self, keys: Iterable[str]) -> Callable[[int], tuple[str, ...]]:
        """Return a function from a position to the keys that mean its column, by the rule for ``rename``.

        A key that is a name comes after one that is a header, since it distinguishes columns with equal headers.
        """
        by_header: dict[str, tuple[str, ...]] = {}
        by_name: dict[str, tuple[str, ...]] = {}
        for key in keys:
            written = key.strip()
            if written in self._written:
                by_header[written] = (*by_header.get(written, ()), key)
            else:
                name = cut(fold(written))
                by_name[name] = (*by_name.get(name, ()), key)
        taken = self._reserved.union(self._plain.values())

        def match(position: int) -> tuple[str, ...]:
            plain = self._plain.get(position)
            if plain is None:
                return by_name.get(_free(_positional(position), taken), ())
            return by_header.get(self._headers[position].strip(), ()) + by_name.get(plain, ())

        return match

    def finder(self, keys: Iterable[str]) -> Callable[[int], str | None]:
        """Return a function from a position to the strongest key that means its column; see :meth:`matcher`."""
        match = self.matcher(keys)
        return lambda position: (match(position) or (None,))[-1]

    def _renamed(self, rename: Mapping[str, str], levels: Mapping[str, int]) -> dict[int, str]:
        match = self.matcher(rename)
        renamed = {}
        for position in sorted(self._headers.keys() | _unheaded(rename)):
            keys = sorted(match(position), key=lambda key: levels.get(key, 0))
            if keys and (name := cut(fold(rename[keys[-1]]))):
                renamed[position] = name
        return renamed

    def _clashes(self, wanted: Mapping[int, str]) -> tuple[tuple[str, ...], ...]:
        groups: dict[str, list[str]] = {}
        for position, name in wanted.items():
            groups.setdefault(name, []).append(self._headers.get(position) or _positional(position))
        return tuple(tuple(group) for name, group in groups.items() if len(group) > 1 or name in self._reserved)


def is_positional(key: str) -> bool:
    """Return whether a key such as ``column_7`` means a column by its position."""
    return _POSITIONAL.fullmatch(fold(key)) is not None


def _unheaded(keys: Iterable[str]) -> set[int]:
    """Return the positions that ``keys`` such as ``column_7`` can mean."""
    return {int(match[1]) - 1 for key in keys if (match := _POSITIONAL.match(fold(key)))}


def _number(wanted: Mapping[int, str], *, taken: Collection[str]) -> dict[int, str]:
    """Return position → its wanted name, or a free numbered name, in the order of ``wanted``."""
    names: dict[int, str] = {}
    used = set(taken)
    for position, name in wanted.items():
        if name not in used:
            used.add(name)
            names[position] = name
    tried: dict[str, int] = {}
    for position, name in wanted.items():
        if position not in names:
            names[position] = _free(name, used, tried)
            used.add(names[position])
    return {position: names[position] for position in wanted}


def _free(name: str, taken: Collection[str], tried: dict[str, int] | None = None) -> str:
    """Return ``name``, or the first of ``name_2``, ``name_3`` … that is not taken.

    ``tried`` keeps the last number used for each name; without it, a row of equal headers takes quadratic time.
    """
    number = tried.get(name, 1) if tried else 1
    candidate = name if number == 1 else _numbered(name, number)
    while candidate in taken:
        number += 1
        candidate = _numbered(name, number)
    if tried is not None:
        tried[name] = number
    return candidate


def _positional(position: int) -> str:
    return f"column_{position + 1}"


def _numbered(name: str, number: int) -> str:
    suffix = f"_{number}"
    return cut(name, CUT_BYTES - len(suffix)) + suffix


def _digest(text: str) -> str:
    # Folder names can contain unpaired surrogates, for bytes that are not UTF-8.
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
