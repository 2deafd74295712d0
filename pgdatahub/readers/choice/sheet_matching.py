"""Match of a workbook's sheets with the rules for sheets: for each sheet, the rule of the most literal key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pgdatahub.config.options import SheetRule
from pgdatahub.config.sheet_keys import literal_characters, matching_sheet
from pgdatahub.errors import SheetError
from pgdatahub.readers.choice.sheets import ambiguous, listing, may_hold_data

if TYPE_CHECKING:
    from pgdatahub.model.workbooks import SheetInfo


def match_sheets(sheets: Sequence[SheetInfo], rules: Sequence[SheetRule]) -> Mapping[int, SheetRule]:
    """Return position (from 0) → rule, for each sheet with a rule, in the workbook's order.

    A name is compared without regard to case and outer white space, and reaches hidden sheets too. Visible sheets
    without a rule of their name take the glob with most literal characters, and ``*`` last; lists of faults that pgdatahub
    writes into workbooks take none.

    Raises:
        SheetError: A named sheet is missing, a name is that of several sheets, or two globs are equally literal.
    """
    found: dict[int, SheetRule] = {}
    globs: list[SheetRule] = []
    for rule in rules:
        named = _named(rule.key, sheets)
        if len(named) > 1:
            raise ambiguous(rule.key, named, sheets)
        if named:
            found[named[0]] = rule
        elif rule.is_glob:
            globs.append(rule)
        elif rule.required:
            raise SheetError(
                f"no sheet {rule.key!r}, which sheets: names",
                hint=f"{listing(sheets)}; optional: true lets it be missing",
            )
    for position, sheet in enumerate(sheets):
        if may_hold_data(sheet) and position not in found:
            rule_of_glob = _most_literal(sheet.name, globs)
            if rule_of_glob is not None:
                found[position] = rule_of_glob
    return dict(sorted(found.items()))


def _named(key: str, sheets: Sequence[SheetInfo]) -> Sequence[int]:
    exact = [position for position, sheet in enumerate(sheets) if sheet.name.casefold() == key.casefold()]
    return exact or [
        position for position, sheet in enumerate(sheets) if matching_sheet(sheet.name) == matching_sheet(key)
    ]


def _most_literal(name: str, globs: Sequence[SheetRule]) -> SheetRule | None:
    matching = [rule for rule in globs if fnmatchcase(matching_sheet(name), matching_sheet(rule.key))]
    if not matching:
        return None
    most = max(literal_characters(rule.key) for rule in matching)
    best = [rule for rule in matching if literal_characters(rule.key) == most]
    if len(best) > 1:
        raise SheetError(
            f"the keys {' and '.join(repr(rule.key) for rule in best)} below sheets: match equally well",
            where=name,
            hint=f"give the sheet a key of its own: {name}",
        )
    return best[0]
