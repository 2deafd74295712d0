"""Databases that are not in UTF-8: characters that their encoding cannot hold, and the cells that have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pgdatahub.errors import LoadError
from pgdatahub.model.aside import AsideRow
from pgdatahub.model.batches import EncodedBatch
from pgdatahub.postgres.server.connection import Connection

_CODECS: Final = {
    **{
        f"LATIN{number}": f"iso8859-{part}"
        for number, part in zip(range(1, 11), (1, 2, 3, 4, 9, 10, 13, 14, 15, 16), strict=True)
    },
    **{f"ISO_8859_{part}": f"iso8859-{part}" for part in (5, 6, 7, 8)},
    **{f"WIN{page}": f"cp{page}" for page in (866, 874, *range(1250, 1259))},
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "EUC_JP": "euc_jp",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_CN": "gb2312",
    "EUC_KR": "euc_kr",
}
"""Server encoding → Python's codec (https://www.postgresql.org/docs/current/multibyte.html). The others (EUC_TW,
MULE_INTERNAL) have no codec in Python, and only the server checks their values."""
_UTF8: Final = "UTF8"


def server_encoding(connection: Connection) -> str:
    """Return the encoding of the database, such as ``UTF8`` or ``LATIN1``."""
    return Connection.beneath(connection).info.parameter_status("server_encoding") or _UTF8


def lacks_characters(connection: Connection) -> bool:
    """Return whether the checks of this module can refuse a text: the database's encoding is a smaller one."""
    return server_encoding(connection) in _CODECS


def check_batch(connection: Connection, batch: EncodedBatch) -> None:
    """Check that the database's encoding can hold the text of a batch.

    The server would name a line of its buffer, which may differ from the line of the cell.

    Raises:
        LoadError: The encoding cannot hold a character; the message names the cell.
    """
    encoding = server_encoding(connection)
    codec = _CODECS.get(encoding)
    if codec is None:
        return
    text = batch.data.decode()
    if _missing(text, codec) is None:
        return
    # Within a field a newline is escaped, so every newline ends a row.
    for index, line in enumerate(text.split("\n")):
        for name, field in zip(batch.names, line.split("\t"), strict=False):
            missing = _missing(field, codec)
            if missing is not None:
                raise _refused(encoding, missing, batch, index, name)


def check_cells(connection: Connection, row: AsideRow) -> None:
    """Check that the database's encoding can hold the cells of a row that is set aside.

    Raises:
        LoadError: The encoding cannot hold a character; the message names the cell, or the row and the column.
    """
    encoding = server_encoding(connection)
    codec = _CODECS.get(encoding)
    if codec is None:
        return
    cells = {column: cell for cell, column, _ in row.faults if cell}
    for name, text in row.cells.items():
        missing = _missing(text, codec)
        if missing is not None:
            raise _lacking(encoding, missing, f"{row.sheet} › {cells.get(name) or f'row {row.row}, column {name}'}")


def check_path(connection: Connection, location: str) -> None:
    """Check that the database's encoding can hold the path of a file, which every row carries.

    Raises:
        LoadError: The encoding cannot hold a character of the path.
    """
    encoding = server_encoding(connection)
    missing = _missing(location, _CODECS[encoding]) if encoding in _CODECS else None
    if missing is not None:
        raise LoadError(
            f"the database's encoding {encoding} does not have {missing!r} (U+{ord(missing):04X}), which is in the file's path",
            hint="rename the file or its folder, or load into a database with ENCODING 'UTF8'",
        )


def storable(connection: Connection, locations: Iterable[str]) -> list[str]:
    """Return the paths that the database's encoding can hold; no import has another path."""
    codec = _CODECS.get(server_encoding(connection), "utf-8")  # no encoding has unpaired surrogates
    return [location for location in locations if _missing(location, codec) is None]


def _refused(encoding: str, missing: str, batch: EncodedBatch, index: int, name: str) -> LoadError:
    return _lacking(encoding, missing, batch.origin.place(index, name) if batch.origin is not None else None)


def _lacking(encoding: str, missing: str, where: str | None) -> LoadError:
    problem = f"the database's encoding {encoding} does not have {missing!r} (U+{ord(missing):04X})"
    return LoadError(problem, where=where, hint="load into a database with ENCODING 'UTF8'")


def _missing(text: str, codec: str) -> str | None:
    """Return the first character of a text that a codec does not have."""
    try:
        text.encode(codec)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def fitted(connection: Connection, value: Any) -> Any:
    """Return a text, or JSON with texts in it, with ``?`` for each character that the database's encoding lacks.

    Only for informative text: headers, names of sheets, samples.
    """
    return fitted_to(server_encoding(connection), value)


def fitted_to(encoding: str, value: Any) -> Any:
    """Return what :func:`fitted` does for a database in an encoding, such as ``LATIN1``."""
    return value if encoding == _UTF8 else _fitted(value, _CODECS.get(encoding, "ascii"))


def _fitted(value: Any, codec: str) -> Any:
    if isinstance(value, str):
        return value.encode(codec, "replace").decode(codec)
    if isinstance(value, list):
        return [_fitted(item, codec) for item in value]
    if isinstance(value, dict):
        return {_fitted(key, codec): _fitted(item, codec) for key, item in value.items()}
    return value
