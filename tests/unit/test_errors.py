"""Errors: their places, and whether the sender of a file can fix them."""

from __future__ import annotations

import pytest

from pgdatahub.errors import (
    CellError,
    CorruptError,
    EncryptedError,
    FileChangedError,
    FileError,
    ReadError,
    SchemaError,
    SheetError,
    TableBusyError,
    WorkerDiedError,
)
from pgdatahub.readers.tables.header_rows import EmptySheetError
from pgdatahub.readers.xlsx.native.interface import NativeError


@pytest.mark.parametrize(
    ("where", "located"),
    [
        (None, "sales/x.xlsx"),
        ("x.xlsx", "sales/x.xlsx"),
        ("x.xlsx › Sheet1 › B2", "sales/x.xlsx › Sheet1 › B2"),
        ("Sheet1 › B2", "sales/x.xlsx › Sheet1 › B2"),
        ("x.xlsx copy", "sales/x.xlsx › x.xlsx copy"),
    ],
)
def test_a_place_names_its_file_once(where: str | None, located: str) -> None:
    assert ReadError("damaged", where=where).located("sales/x.xlsx").where == located


@pytest.mark.parametrize(
    "kind", [ReadError, CorruptError, EncryptedError, SheetError, EmptySheetError, CellError, SchemaError]
)
def test_faults_of_the_file_are_the_senders_to_fix(kind: type[FileError]) -> None:
    assert kind("damaged").sender_can_fix


@pytest.mark.parametrize("kind", [FileChangedError, TableBusyError, WorkerDiedError, NativeError])
def test_faults_outside_of_the_file_are_not(kind: type[FileError]) -> None:
    assert not kind("busy").sender_can_fix
