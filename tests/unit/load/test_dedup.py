"""Decisions on files: new, duplicate, changed; as pure functions over imports."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.errors import ContentChangedError
from pgdatahub.load.duplicates import kept_duplicates
from pgdatahub.load.known.dedup import decide
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts
from pgdatahub.load.known.known_files import KnownFiles
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate, ImportRow, Status
from pgdatahub.model.schema import TableName

TABLE = TableName(schema="public", name="sales")
START = datetime(2026, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the history has it
SETTINGS = FolderOptions().fingerprint


def _import(number: int, identity: str, content: str, **values: Any) -> ImportRow:
    given: dict[str, Any] = {
        "id": number,
        "table": TABLE,
        "source_file": f"/data/{identity}",
        "identity": identity,
        "file_sha256": f"bytes of {content}",
        "content_sha256": content,
        "settings": SETTINGS,
        "run_id": "before",
        "row_count": 3,
        "bytes": 10,
        "imported_at": START + timedelta(hours=number),
        "status": Status.LOADED,
    }
    return ImportRow(**given | values)


def _duplicate(identity: str, file_sha256: str, hour: int) -> Duplicate:
    return Duplicate(
        identity=identity,
        source_file=f"/data/{identity}",
        file_sha256=file_sha256,
        bytes=10,
        settings=SETTINGS,
        seen_at=START + timedelta(hours=hour),
    )


def _source(identity: str, *, reload: bool = False, **options: Any) -> SourceFile:
    return SourceFile(
        location=f"/data/{identity}",
        identity=identity,
        table=TABLE,
        options=FolderOptions(**options),
        size=10,
        reload=reload,
    )


def _decide(source: SourceFile, content: str, *related: ImportRow, sha256: str = "") -> DedupDecision:
    part = PartFacts(source=source, related=related, content_sha256=content, rows=3)
    (decision,) = decide((part,), file_sha256=sha256 or f"bytes of {content}", run_id="now")
    return decision


def test_new_file_only_adds() -> None:
    assert _decide(_source("a"), "X", _import(1, "b", "Y")).only_adds


def test_duplicate_is_remembered_by_its_original() -> None:
    original = _import(1, "a", "X")
    decision = _decide(_source("b"), "X", original)
    assert decision.skip is not None
    assert decision.origin == original
    assert decision.retired == ()


def test_duplicate_retires_its_older_rows_under_replace() -> None:
    older, original = _import(1, "b", "Y"), _import(2, "a", "X")
    decision = _decide(_source("b", on_changed="replace"), "X", older, original)
    assert (decision.retired, decision.origin) == ((older,), original)
    assert "3 older rows" in (decision.skip or "")


def test_duplicate_fails_under_fail_if_it_changed() -> None:
    with pytest.raises(ContentChangedError):
        _decide(_source("b", on_changed="fail"), "X", _import(1, "b", "Y"), _import(2, "a", "X"))


def test_changed_duplicate_leaves_its_original() -> None:
    original = _import(1, "a", "X", duplicates=(_duplicate("b", "bytes of X", 2),))
    decision = _decide(_source("b", on_changed="replace"), "Z", original)
    assert (decision.skip, decision.retired, decision.left) == (None, (), (original,))


def test_outdated_rows_are_replaced_by_a_reload() -> None:
    outdated = _import(1, "a.xlsx", "misread")
    assert _decide(_source("a.xlsx", reload=True), "X", outdated).replaced == (outdated,)
    assert _decide(_source("a.xlsx"), "X", outdated).replaced == ()


def test_unchanged_file_is_known_without_a_question() -> None:
    known = KnownFiles.of([_import(1, "a", "X", duplicates=(_duplicate("b", "saved again", 2),))], ())
    assert known.skip(_source("a"), "bytes of X") is not None
    assert known.skip(_source("b"), "saved again") is not None
    assert known.skip(_source("c"), "bytes of X") is None
    assert known.has(_source("c"), "bytes of X")


def test_duplicate_in_other_bytes_is_read_under_other_settings() -> None:
    known = KnownFiles.of([_import(1, "a", "X", duplicates=(_duplicate("b", "saved again", 2),))], ())
    other = _source("b", nulls=("n/a",))
    assert known.skip(other, "saved again") is None
    assert not known.has(other, "saved again")


def test_file_with_several_contents_is_decided_under_the_lock() -> None:
    known = KnownFiles.of([_import(1, "a", "X"), _import(2, "a", "Y")], {(TABLE, "a")})
    assert known.skip(_source("a", on_changed="replace"), "bytes of X") is None
    assert known.skip(_source("a"), "bytes of X") is not None


def test_replaced_import_hands_on_its_duplicates() -> None:
    replaced = _import(1, "a", "X", duplicates=(_duplicate("b", "saved again", 2), _duplicate("c", "bytes of X", 2)))
    kept = kept_duplicates([replaced], _source("c", reload=True), file_sha256="bytes of X", content_sha256="X")
    assert {one.identity for one in kept} == {"a", "b"}


def _in(table: str, identity: str, content: str, *related: ImportRow) -> PartFacts:
    name = TableName(schema="public", name=table)
    return PartFacts(
        source=replace(_source(identity), table=name),
        related=[replace(past, table=name) for past in related],
        content_sha256=content,
        rows=3,
    )


def test_sheet_in_common_is_loaded_from_both_files() -> None:
    ref = _import(1, "jan", "Ref", file_sha256="jan's bytes")
    policies, shared = decide(
        (_in("policies", "feb", "Feb"), _in("ref", "feb", "Ref", ref)), file_sha256="feb's bytes", run_id="now"
    )
    assert policies.skip is None
    assert shared.skip is None


def test_copy_of_all_parts_is_a_duplicate_as_a_whole() -> None:
    jan, ref = (
        _import(number, "jan", content, file_sha256="jan's bytes") for number, content in enumerate(("Jan", "Ref"))
    )
    decisions = decide(
        (_in("policies", "copy", "Jan", jan), _in("ref", "copy", "Ref", ref)), file_sha256="saved again", run_id="now"
    )
    assert [decision.origin is not None for decision in decisions] == [True, True]


def test_parts_of_two_files_together_are_not_a_duplicate() -> None:
    jan = _import(1, "jan", "Jan", file_sha256="jan's bytes")
    ref = _import(2, "feb", "Ref", file_sha256="feb's bytes")
    decisions = decide(
        (_in("policies", "mix", "Jan", jan), _in("ref", "mix", "Ref", ref)), file_sha256="mixed", run_id="now"
    )
    assert [decision.skip for decision in decisions] == [None, None]


def test_part_that_is_loaded_is_known_while_another_is_new() -> None:
    jan = _import(1, "jan", "Jan", file_sha256="jan's bytes")
    known, new = decide(
        (_in("policies", "jan", "Jan", jan), _in("ref", "jan", "Ref")), file_sha256="jan's bytes", run_id="now"
    )
    assert known.skip is not None
    assert new.only_adds


def test_file_with_fewer_tables_is_not_a_duplicate() -> None:
    names = [TableName(schema="public", name=name) for name in ("policies", "ref")]
    ref = _import(1, "jan", "Ref", file_sha256="jan's bytes", routing="r", tables=tuple(names))
    alone = _in("ref", "codes", "Ref", ref)
    (decision,) = decide((alone,), file_sha256="codes", run_id="now", routing="r", tables=names[1:])
    assert decision.skip is None, "in the other order, jan would not be a duplicate of codes either"
    (decision,) = decide((alone,), file_sha256="codes", run_id="now", routing="other", tables=names[1:])
    assert decision.skip is not None
