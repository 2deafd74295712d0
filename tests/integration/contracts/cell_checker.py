"""The rules of contracts, one cell at a time, written from their description and not from the program."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from pgdatahub.values.cells import UNCACHED, ErrorValue, Value, cell_address

NULLS = ("n/a",)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one column."""

    type: str | None = None
    required: bool = False
    unique: bool = False
    values: tuple[str, ...] = ()
    pattern: str | None = None
    min: int | None = None
    max: int | None = None

    @property
    def yaml(self) -> str:
        parts = [f"type: {self.type}"] if self.type else []
        parts += ["required: true"] if self.required else []
        parts += ["unique: true"] if self.unique else []
        parts += [f"values: [{', '.join(self.values)}]"] if self.values else []
        parts += [f"pattern: '{self.pattern}'"] if self.pattern else []
        parts += [f"min: {self.min}"] if self.min is not None else []
        parts += [f"max: {self.max}"] if self.max is not None else []
        return f"{{{', '.join(parts)}}}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A cell that breaks a rule."""

    rule: str
    sheet: str
    row: int
    column: int

    @property
    def address(self) -> str:
        return f"{self.rule} {self.sheet} {cell_address(self.row, self.column)}"


def text_of(value: Value) -> str:
    """Return the canonical text of a value; empty for an empty cell."""
    if value is None or isinstance(value, ErrorValue) or value is UNCACHED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return "" if not text.strip() else text


def typed(value: Value, wanted: str | None) -> str | None:
    """Return the canonical text under a type; None if the value does not fit it."""
    text = text_of(value)
    if not text or wanted in (None, "text"):
        return text
    if isinstance(value, bool | date):
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if number != int(number):
        return format(number.normalize(), "f") if wanted == "numeric" else None
    return str(int(number))


def faults_of(sheets: dict[str, list[list[Value]]], rules: list[Rules]) -> set[Fault]:
    """Return the faults of sheets whose first row is the header."""
    found: set[Fault] = set()
    texts: dict[int, list[tuple[str, Fault]]] = {}
    for sheet, rows in sheets.items():
        for number, row in enumerate(rows[1:], start=2):
            if not any(
                value is not None and value != "" and not (isinstance(value, str) and value.isspace()) for value in row
            ):
                continue  # an empty row is not loaded
            for column, rule in enumerate(rules):
                value = row[column]
                place = Fault(rule="", sheet=sheet, row=number, column=column)
                if value is UNCACHED:
                    found.add(replace(place, rule="uncached"))
                    continue
                text = "" if text_of(value) in NULLS else typed(value, rule.type)
                if text is None:
                    found.add(replace(place, rule="type"))
                    continue
                broken = []
                if not text:
                    broken += ["required"] if rule.required else []
                else:
                    broken += ["values"] if rule.values and text not in rule.values else []
                    broken += ["pattern"] if rule.pattern and not re.fullmatch(rule.pattern, text) else []
                    broken += ["min"] if rule.min is not None and Decimal(text) < rule.min else []
                    broken += ["max"] if rule.max is not None and Decimal(text) > rule.max else []
                    if rule.unique:
                        texts.setdefault(column, []).append((text, replace(place, rule="unique")))
                found |= {replace(place, rule=name) for name in broken}
    for cells in texts.values():
        often = Counter(text for text, _ in cells)
        found |= {fault for text, fault in cells if often[text] > 1}
    return found
