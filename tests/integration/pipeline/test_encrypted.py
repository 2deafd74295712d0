"""Encrypted workbooks of every format: opened with the folder's password, or refused in one clear line."""

from __future__ import annotations

import struct
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msoffcrypto
import pytest

from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xls import conftest as xls

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

FORMATS: Final = Path(__file__).parents[2] / "formats"
PASSWORD: Final = "s3cret-pässword"
VARIABLE: Final = "WORKBOOK_PASSWORD"
BLOCK: Final = 1024
FILE_PASS: Final = 0x2F
PLAIN: Final = {0x809: None, FILE_PASS: None, 0x85: 4}
"""Records that stay as they are: all of them (None) or so many bytes ([MS-XLS] 2.2.10)."""


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt data by RC4."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def block_key(password: str, salt: bytes, block: int) -> bytes:
    """Return the key of a block of 1,024 bytes ([MS-OFFCRYPTO] 2.3.6.2)."""
    first = md5(password.encode("utf-16-le")).digest()[:5]  # noqa: S324 - the format's own hash
    second = md5((first + salt) * 16).digest()[:5]  # noqa: S324
    return md5(second + struct.pack("<I", block)).digest()  # noqa: S324


def encrypt_xls(records: bytes, password: str) -> bytes:
    """Return the records of a workbook, with a FILEPASS record behind the first and encrypted by RC4."""
    salt = bytes(range(16))
    verifier = b"0123456789abcdef"
    check = rc4(block_key(password, salt, 0), verifier + md5(verifier).digest())  # noqa: S324
    file_pass = xls.record(FILE_PASS, struct.pack("<HHH", 1, 1, 1) + salt + check)
    at = 4 + struct.unpack_from("<H", records, 2)[0]
    stream = bytearray(records[:at] + file_pass + records[at:])
    mask = bytearray()
    place = 0
    while place < len(stream):
        number, size = struct.unpack_from("<HH", stream, place)
        if number == 0x85:  # sheets begin behind the new record
            (begin,) = struct.unpack_from("<I", stream, place + 4)
            struct.pack_into("<I", stream, place + 4, begin + len(file_pass))
        plain = PLAIN.get(number, 0)
        mask += bytes(4) + (bytes(size) if plain is None else bytes(plain) + b"\xff" * (size - plain))
        place += 4 + size
    keys = b"".join(rc4(block_key(password, salt, n), bytes(BLOCK)) for n in range(-(-len(stream) // BLOCK)))
    return bytes(byte ^ (key & chosen) for byte, key, chosen in zip(stream, keys, mask, strict=False))


def encrypt_package(content: bytes) -> bytes:
    """Return an Office Open XML package encrypted by AES."""
    encrypted = BytesIO()
    msoffcrypto.OfficeFile(BytesIO(content)).encrypt(PASSWORD, encrypted)
    return encrypted.getvalue()


def write_xls() -> bytes:
    """Return a workbook of six rows; msoffcrypto-tool takes the padding behind its records for records of four bytes."""
    cells = xls.label(0, 0, "id") + b"".join(xls.number(row, 0, row) for row in range(1, 7))
    size = len(encrypt_xls(xls.book(cells), PASSWORD))
    return xls.compound(encrypt_xls(xls.book(cells + xls.record(0x5D, bytes(-size % 4))), PASSWORD))


WRITERS: Final = {
    ".xlsx": lambda: encrypt_package((FORMATS / "all.xlsx").read_bytes()),
    ".xlsb": lambda: encrypt_package((FORMATS / "all.xlsb").read_bytes()),
    ".xls": write_xls,
}


@pytest.fixture(params=WRITERS)
def encrypted(request: pytest.FixtureRequest, warehouse: Warehouse) -> Warehouse:
    """A data root with an encrypted workbook."""
    path = warehouse.root / "t" / f"a{request.param}"
    path.parent.mkdir(parents=True)
    path.write_bytes(WRITERS[request.param]())
    return warehouse


def test_password_of_the_environment_opens_the_workbook(encrypted: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    encrypted.configure(f"t:\n  password_env: {VARIABLE}\n")
    encrypted.load()
    assert encrypted.query("SELECT array_agg(id ORDER BY id) FROM t") == [([1, 2, 3, 4, 5, 6],)]
    assert not secret_is_in_files(encrypted.directory)


def test_wrong_password_gives_one_line(encrypted: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "wrong" + PASSWORD)
    encrypted.configure(f"t:\n  password_env: {VARIABLE}\n")
    failure = encrypted.fail().failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("EncryptedError", "the workbook is protected by a password")
    assert failure.hint == f"check the environment variable {VARIABLE}, which password_env names"
    assert not secret_is_in_files(encrypted.directory)


def test_no_password_gives_one_line(encrypted: Warehouse) -> None:
    failure = encrypted.fail().failure
    assert failure is not None
    assert failure.kind == "EncryptedError"
    assert str(failure.hint).startswith("set password_env: VARIABLE for its folder")


def secret_is_in_files(directory: Path) -> bool:
    """Tell whether a log or another text below a folder has the password."""
    texts = (path.read_bytes() for path in directory.rglob("*") if path.is_file() and "data" not in path.parts[-3:])
    return any(PASSWORD.encode() in text for text in texts)


def test_encrypted_ods_gives_one_line(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)
    warehouse.configure(f"t:\n  password_env: {VARIABLE}\n")
    urn = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{urn}"><manifest:file-entry manifest:full-path="content.xml" '
        'manifest:media-type="text/xml" manifest:size="100"><manifest:encryption-data manifest:checksum-type="x" '
        'manifest:checksum="x"><manifest:algorithm manifest:algorithm-name="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>'
        "</manifest:encryption-data></manifest:file-entry></manifest:manifest>"
    )
    path = warehouse.root / "t" / "a.ods"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_ods(content=bytes(range(256)) * 4, manifest=manifest).getvalue())
    failure = warehouse.fail().failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("EncryptedError", "the workbook is protected by a password")
    assert failure.hint == "open it in LibreOffice or Excel and save it without one"
