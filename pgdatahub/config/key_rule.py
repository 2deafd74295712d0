"""The rule for the rows of a keyed table, or of a snapshot: which row of a key is in the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from pgdatahub.values.identifiers import cut, fold

TableMode: TypeAlias = Literal["append", "merge", "snapshot"]
DuplicateKeys: TypeAlias = Literal["fail", "first", "last"]

NEWEST_WORDS: Final = ("path", "modified", "loaded")
"""Values of ``newest`` that order imports; every other value names a column."""
_OF_PROGRAM: Final = ("source_file", "load_timestamp")
_FLAG = re.compile(r"flag\s+(\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """The rule for the rows of a table that has a key, or that is the newest file's rows.

    Attributes:
        mode: ``merge``: the greatest row of each key; ``snapshot``: the rows of the newest file.
        key: The columns of the key; none for a snapshot.
        newest: The order: ``path``, ``modified``, ``loaded``, or a column.
        duplicates: The treatment of two rows of one key in a file that ``newest`` cannot tell apart.
        missing: The column that flags keys which the newest file lacks; None for none.
    """

    mode: str
    key: tuple[str, ...] = ()
    newest: str = "path"
    duplicates: str = "fail"
    missing: str | None = None

    @property
    def column(self) -> str | None:
        """The column that orders rows; None if only imports are ordered."""
        return None if self.newest in NEWEST_WORDS else self.newest

    @property
    def is_merge(self) -> bool:
        """Return whether the table has a key."""
        return self.mode == "merge"

    @property
    def facts(self) -> dict[str, str]:
        """Option → its value, as the settings have them."""
        return {
            "mode": self.mode,
            "key": f"[{', '.join(self.key)}]",
            "newest": self.newest,
            "duplicates": self.duplicates,
            "missing_keys": f"flag {self.missing}" if self.missing else "keep",
        }

    def describe(self) -> str:
        """Return the rule for messages: the mode, and all options that are not the default."""
        defaults = KeyRule(mode=self.mode).facts
        return _listed({name: value for name, value in self.facts.items() if name == "mode" or value != defaults[name]})


def describe_change(old: KeyRule | None, new: KeyRule | None) -> tuple[str, str]:
    """Return two rules for messages, the options in which they differ; None is a table of all rows."""
    if old is None or new is None or old.mode != new.mode or old == new:
        first, second = ("mode: append" if rule is None else rule.describe() for rule in (old, new))
        return first, second
    differing = [name for name, value in old.facts.items() if new.facts[name] != value]
    first, second = (_listed({name: rule.facts[name] for name in differing}) for rule in (old, new))
    return first, second


def _listed(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in facts.items())


def flag_column(missing_keys: str) -> str | None:
    """Return the column that ``missing_keys: flag COLUMN`` names; None for ``keep``.

    Raises:
        ValueError: The text is neither.
    """
    if missing_keys == "keep":
        return None
    match = _FLAG.fullmatch(missing_keys.strip())
    name = cut(fold(match[1])) if match else ""
    if not name:
        raise ValueError
    return name


def with_replacement(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a table, under which a changed file replaces its older rows by default where that is due.

    That is so under a key or a snapshot, and where bad rows or cells do not fail a file: there the sender's corrected file would
    double its good rows.
    """
    keyed = given.get("key") or given.get("mode") == "snapshot"
    is_due = keyed or given.get("on_bad", "fail") != "fail"
    return {"on_changed": "replace", **given} if is_due else dict(given)


def check_key_rule(rule: KeyRule, *, mode: str | None) -> None:
    """Check that the options of a key are consistent.

    Args:
        rule: The options.
        mode: The option ``mode``; None if the settings do not have it.

    Raises:
        ValueError: Two options contradict each other; the message names them.
    """
    if rule.key and mode == "append":
        raise ValueError("key needs mode: merge, and mode: append keeps all rows of a key")
    if rule.key and mode == "snapshot":
        raise ValueError("mode: snapshot takes no key: the table is the rows of the newest file")
    if mode == "merge" and not rule.key:
        raise ValueError("mode: merge needs a key")
    if len(set(rule.key)) < len(rule.key):
        raise ValueError("the key names a column twice")
    for option, names in (("key", rule.key), ("newest", (rule.column,)), ("missing_keys: flag", (rule.missing,))):
        taken = [name for name in names if name in _OF_PROGRAM]
        if taken:
            raise ValueError(f"{option} cannot use {taken[0]}, which pgdatahub fills for each import")
    keyed = bool(rule.key) or mode == "snapshot"
    if not keyed and rule.newest != "path":
        raise ValueError("newest needs a key, or mode: snapshot")
    if not rule.key and rule.duplicates != "fail":
        raise ValueError("duplicates needs a key")
    if not rule.key and rule.missing is not None:
        raise ValueError("missing_keys needs a key")
    if rule.column is not None and (mode == "snapshot" or rule.missing is not None):
        other = "mode: snapshot" if mode == "snapshot" else "missing_keys: flag"
        raise ValueError(f"{other} needs an order of files (newest: path, modified or loaded), and newest is a column")
    if rule.missing is not None and rule.missing in rule.key:
        raise ValueError(f"missing_keys cannot flag keys in the column {rule.missing}")


def check_stored_rule(rule: KeyRule) -> None:
    """Check a rule that the history has for a table.

    Raises:
        ValueError: A user changed the rule; the message gives the reason.
    """
    if rule.mode not in ("merge", "snapshot"):
        raise ValueError(f'the mode "{rule.mode}" is neither merge nor snapshot')
    if rule.duplicates not in get_args(DuplicateKeys):
        raise ValueError(f'the duplicates "{rule.duplicates}" are none of {", ".join(get_args(DuplicateKeys))}')
    check_key_rule(rule, mode=rule.mode)
