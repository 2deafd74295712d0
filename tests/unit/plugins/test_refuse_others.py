"""Files that are named like workbooks and are not, through all readers in their order."""

from __future__ import annotations

import os
import struct
import sys
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from pgdatahub.config import Config, FolderOptions
from pgdatahub.config.folder_file import read_folders
from pgdatahub.errors import (
    ConfigError,
    CorruptError,
    EmptyFileError,
    EncryptedError,
    FileChangedError,
    NotAWorkbookError,
    PluginError,
    ReadError,
)
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Workbook
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.encrypted.library import NoLibraryError, decrypt, describe
from pgdatahub.readers.encrypted.package import decrypt_package
from pgdatahub.readers.encrypted.passwords import hints_for

CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS") or Path(__file__).parents[4] / "shared" / "corpus")
CASES = Path(__file__).parents[2] / "cases"


def source_of(path: Path, options: FolderOptions | None = None) -> SourceFile:
    return SourceFile(
        location=str(path),
        identity=path.name,
        table=TableName(schema="public", name="t"),
        options=options or FolderOptions(),
        size=path.stat().st_size if path.is_file() else 0,
    )


def put(folder: Path, name: str, content: bytes) -> SourceFile:
    (folder / name).write_bytes(content)
    return source_of(folder / name)


def read(source: SourceFile) -> Workbook:
    return Stages(create_plugin_manager(disabled=())).read(source, Config())


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"])
@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", EmptyFileError, "the file is empty"),
        (b"a,b\n1,2\n", NotAWorkbookError, r"is not a workbook; it is a CSV file .*save it as \.xlsx"),
        (b"<html><table>", NotAWorkbookError, "it is an HTML page"),
        (b"%PDF-1.7", NotAWorkbookError, "it is a PDF document"),
        (b"PK\x03\x04 and no more", CorruptError, "zip file has no directory"),
    ],
)
def test_a_file_of_another_kind_is_named(
    tmp_path: Path, suffix: str, content: bytes, error: type[ReadError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(put(tmp_path, f"a{suffix}", content))


def test_an_archive_with_another_suffix_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(NotAWorkbookError, match="it is a ZIP archive of other files"):
        read(source_of(tmp_path / "a.csv"))
    with pytest.raises(CorruptError, match="zip file has no directory"):
        read(put(tmp_path, "b.csv", b"PK\x03\x04 and no more"))
    with pytest.raises(PluginError, match="no plugin answers pgdatahub_read"):
        read(put(tmp_path, "a.json", b"{}"))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileChangedError, match="the file was deleted"):
        read(source_of(tmp_path / "a.xls"))


def test_a_folder_named_like_a_workbook_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.xls").mkdir()
    with pytest.raises(ReadError, match="cannot be read: Is a directory"):
        read(source_of(tmp_path / "a.xls"))


def compound(stream: str) -> bytes:
    """Return an OLE file with one stream: a sector of the table, one of the directory."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    for offset, value in ((44, 1), (48, 1), (56, 4096), (60, 0xFFFFFFFE), (68, 0xFFFFFFFE)):
        struct.pack_into("<I", header, offset, value)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<2I", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * 504
    directory = bytearray(512)
    for index, (name, kind) in enumerate((("Root Entry", 5), (stream, 2))):
        encoded = name.encode("utf-16-le")
        directory[128 * index : 128 * index + len(encoded)] = encoded
        struct.pack_into("<HBB", directory, 128 * index + 64, len(encoded) + 2, kind, 1)
        struct.pack_into("<III", directory, 128 * index + 68, 0xFFFFFFFF, 0xFFFFFFFF, 1 - index or 0xFFFFFFFF)
        struct.pack_into("<I", directory, 128 * index + 116, 0xFFFFFFFE)
    return bytes(header) + table + bytes(directory)


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        ("EncryptedPackage", EncryptedError, "protected by a password"),
        ("WordDocument", NotAWorkbookError, r"a Word document \(.doc\)"),
        ("WksSSWorkBook", NotAWorkbookError, "a Microsoft Works spreadsheet"),
        ("PerfectOffice_MAIN", NotAWorkbookError, "a Quattro Pro spreadsheet"),
        ("Other", CorruptError, "the workbook is damaged"),
    ],
)
def test_a_compound_file_is_named_by_its_streams(
    tmp_path: Path, stream: str, error: type[ReadError], message: str
) -> None:
    for name in ("a.xls", "b.xlsx"):
        with pytest.raises(error, match=message):
            read(put(tmp_path, name, compound(stream)))


def test_a_web_archive_in_base64_is_named() -> None:
    with pytest.raises(NotAWorkbookError, match=r"a web archive .*save it as \.xlsx"):
        read(source_of(CASES / "mhtml_b64.xls"))


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_workbook_with_offices_own_password_opens() -> None:
    with closing(read(source_of(CASES / "velvet.xlsx"))) as workbook:
        assert [len(batch.rows) for batch in workbook.open(0).batches(100)]


def test_the_folders_password_opens_a_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_PASSWORD", "s3cret & more")
    with closing(read(source_of(CASES / "key_env.xlsx", FolderOptions(password_env="BOOK_PASSWORD")))) as workbook:
        assert [len(batch.rows) for batch in workbook.open(0).batches(100)]


@pytest.mark.corpus
def test_an_xls_with_offices_own_password_opens() -> None:
    path = CORPUS / "messytables/horror/encrypted_no_password.xls"
    if not path.exists():
        pytest.skip("no corpus (PGDATAHUB_CORPUS)")
    with closing(read(source_of(path))) as workbook:
        assert sum(len(batch.rows) for batch in workbook.open(0).batches(100)) == 7


def test_a_wrong_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_PASSWORD", "wr0ng")
    with pytest.raises(EncryptedError, match="check the environment variable BOOK_PASSWORD") as caught:
        read(source_of(CASES / "key_env.xlsx", FolderOptions(password_env="BOOK_PASSWORD")))
    assert "wr0ng" not in str(caught.value)


def test_an_unset_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOK_PASSWORD", raising=False)
    for name in ("key_env.xlsx", "xor_secured.xls"):
        with pytest.raises(EncryptedError, match="set the environment variable BOOK_PASSWORD"):
            read(source_of(CASES / name, FolderOptions(password_env="BOOK_PASSWORD")))


def test_the_option_is_offered_where_it_is_missing() -> None:
    with pytest.raises(EncryptedError, match="set password_env: VARIABLE for its folder"):
        read(source_of(CASES / "k05.xlsx"))


def test_password_env_leaves_the_fingerprint_alone() -> None:
    assert FolderOptions(password_env="A").fingerprint == FolderOptions().fingerprint


def test_the_extra_is_offered_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msoffcrypto", None)
    with pytest.raises(NoLibraryError) as caught:
        decrypt(BytesIO(), ["x"])
    kind, _ = describe(caught.value) or ("", "")
    assert 'pip install "pgdatahub[encrypted]"' in hints_for(FolderOptions())[kind]


def test_a_password_in_the_file_of_settings_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "etl_config.yaml"
    path.write_text("sales:\n  password_env: s3cret & more\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be the name of an environment variable") as caught:
        read_folders(path)
    assert "s3cret" not in str(caught.value)


def test_old_records_are_not_for_python_calamine() -> None:
    with pytest.raises(ReadError, match="leave out reader: calamine"):
        read(source_of(CASES / "excel2.xls", FolderOptions(reader="calamine")))


def test_a_decrypted_workbook_has_no_name_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(decrypt_package(source_of(CASES / "velvet.xlsx"))) as package:
        assert package.read(2) == b"PK"
        assert not list(tmp_path.iterdir())
