"""The keys of planned files, as plain values, and their number in a new table."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pgdatahub.config.key_rule import KeyRule
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.postgres.keyed.fragments import import_order

_AT_A_TIME: Final = 500_000
"""Hashes of keys that are counted at a time, which bounds the memory: a set of them has 50 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedKeys:
    """The keys of planned files by their place after the run; of a snapshot, the rows.

    Attributes:
        new: Keys that the table does not have. Rows of a snapshot's newest file that the table does not have.
        replaced: Keys whose row changes. Rows of a snapshot that its newest file does not have.
        unchanged: Keys, or rows of a snapshot, whose row is replaced by an equal one.
        older: Keys whose row in the table ranks above those of the files. Rows of files that are not a snapshot's newest.
        of: The numbers are of keys, or of a snapshot's rows.
    """

    new: int
    replaced: int
    unchanged: int
    older: int
    of: Literal["keys", "rows"] = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file that a run would load.

    Attributes:
        rank_key: The rank of its path.
        modified_at: The time when it was changed last, if known.
        rows: The number of its rows.
        batches: Its rows.
    """

    rank_key: bytes
    modified_at: datetime | None
    rows: int
    batches: Iterable[ColumnBatch]


def by_rank(files: Iterable[PlannedFile], rule: KeyRule) -> list[PlannedFile]:
    """Return planned files, given in the order of the run, in the order of their ranks, the greatest last."""
    order = import_order(rule)
    return sorted(files, key=lambda one: _rank(one, order)) if order != ("imported_at",) else list(files)


def count_new(rule: KeyRule, files: Sequence[PlannedFile]) -> PlannedKeys:
    """Return the keys of planned files for a table that does not exist, or that has no column of the key.

    A hash of eight bytes stands for a key: of a million keys, two have one hash in 1 of 40 million plans.
    """
    if not rule.is_merge:
        *others, newest = by_rank(files, rule)
        return PlannedKeys(new=newest.rows, replaced=0, unchanged=0, older=sum(one.rows for one in others), of="rows")
    hashes = array("q")
    for file in files:
        for batch in file.batches:
            columns = (batch.columns[batch.names.index(name)].split(b"\n") for name in rule.key)
            hashes.extend(map(hash, zip(*columns, strict=True)))
    parts = 1 + len(hashes) // _AT_A_TIME
    new = sum(len({one for one in hashes if one % parts == part}) for part in range(parts))
    return PlannedKeys(new=new, replaced=0, unchanged=0, older=0)


def _rank(file: PlannedFile, order: Sequence[str]) -> tuple[str, bytes]:
    moment = file.modified_at if "modified_at" in order else None
    return "" if moment is None else moment.isoformat(" ", "microseconds"), file.rank_key
