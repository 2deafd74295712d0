"""Decryption by msoffcrypto-tool, in a reading process; imports the library when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO


class NoLibraryError(Exception):
    """msoffcrypto-tool is not installed."""


class PasswordError(Exception):
    """No password opens the workbook."""


class UnsupportedError(Exception):
    """The encryption is none that the library knows, or damaged."""


def decrypt(file: BinaryIO, passwords: Sequence[str]) -> BytesIO:
    """Return the decrypted content.

    Args:
        file: The workbook, seekable.
        passwords: The passwords to try, in this order.

    Raises:
        NoLibraryError, PasswordError, UnsupportedError: It cannot be decrypted.
    """
    try:
        import msoffcrypto
        from msoffcrypto.exceptions import InvalidKeyError
    except ImportError:
        raise NoLibraryError from None
    for password in passwords:
        found = BytesIO()
        try:
            office = msoffcrypto.OfficeFile(file)
            # Packages are to be told to verify the password; .xls always do, and do not know the argument.
            verify = {"verify_password": True} if office.format == "ooxml" else {}
            office.load_key(password=password, **verify)
            office.decrypt(found)
        except InvalidKeyError:
            continue
        except MemoryError:
            raise
        except Exception as error:
            # The library's errors for damage are of any type, and their texts may be of any kind.
            raise UnsupportedError from error
        found.seek(0)
        return found
    raise PasswordError


def describe(error: BaseException) -> tuple[str, str] | None:
    """Return the word for an error of this module, None for another error."""
    if isinstance(error, NoLibraryError):
        return "no library", ""
    if isinstance(error, PasswordError):
        return "password", ""
    if isinstance(error, UnsupportedError):
        return "unsupported encryption", ""
    return None
