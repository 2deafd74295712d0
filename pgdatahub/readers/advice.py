"""Advice for damaged workbooks, by what other programs do with the damage."""

from __future__ import annotations

from typing import Final

SAVE_AGAIN: Final = "open and save it in Excel or LibreOffice, or ask its sender for it again"
"""Advice for faults that programs repair without changing a value."""
DAMAGED: Final = "copy or download it again, or ask its sender for it again; a program that repairs it may lose values"
"""Advice for damage, of which programs save what they can read: a part of the rows, or the other sheets."""
ASK_SENDER: Final = "ask its sender for it again; saving it in another program may change values"
"""Advice for damage that other programs repair by guessing: they drop one of two values, or read a word as false."""
