"""Passwords to try on an encrypted workbook, and advice where none opens it.

A password is looked up when a workbook is opened and goes to the reading process through its standard input; it is in no
setting, argument, environment of that process, message or fingerprint.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions

BUILT_IN: Final = "VelvetSweatshop"
"""Office encrypts workbooks that are to be opened read-only with this password, and tries it before it asks ([MS-OFFCRYPTO]
2.4.2.1)."""


def passwords_of(options: FolderOptions) -> list[str]:
    """Return the passwords to try: that of the folder, then the one that Office tries."""
    own = os.environ.get(options.password_env) if options.password_env else None
    return [own, BUILT_IN] if own else [BUILT_IN]


def hints_for(options: FolderOptions) -> Mapping[str, str]:
    """Return the advice for each kind of failure that a reading process reports."""
    install = 'pip install "pgdatahub[encrypted]"'
    variable = options.password_env
    if not variable:
        ask = "set password_env: VARIABLE for its folder, or save a copy without a password"
        return {
            "no library": f"to open it, {install}, and {ask}",
            "password": ask,
            "unsupported encryption": "save a copy without a password",
        }
    if not os.environ.get(variable):
        ask = f"set the environment variable {variable}, which password_env names"
    else:
        ask = f"check the environment variable {variable}, which password_env names"
    return {
        "no library": f"to open it, {install}",
        "password": ask,
        "unsupported encryption": "save a copy without a password",
    }
