"""How a file stands to what is loaded: new, known, held back, or changed; and what is to become of the older rows.

It is asked under the table's lock, so that two runs cannot both find a file new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgdatahub.errors import ContentChangedError
from pgdatahub.model.flow import SourceFile
from pgdatahub.model.imports import PastImport, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a file stands to what is loaded.

    Attributes:
        loaded_by_us: This very run has loaded it: an attempt whose COMMIT was not confirmed.
        skip: Why it is not to be loaded; None if it is.
        replaced: The imports whose rows go when it is loaded.
        released: The ids of the imports that held it back, which is over when it is loaded.
        notice: What a person should know.
    """

    loaded_by_us: PastImport | None = None
    skip: str | None = None
    replaced: tuple[PastImport, ...] = ()
    released: tuple[int, ...] = ()
    notice: str | None = None

    @property
    def only_adds(self) -> bool:
        """The file is to be loaded, and nothing becomes of any other import by that."""
        return self.loaded_by_us is None and self.skip is None and not self.replaced and not self.released


def standing(
    related: Sequence[PastImport],
    source: SourceFile,
    *,
    file_sha256: str,
    content_sha256: str | None,
    run_id: str,
) -> Standing:
    """Return how a file stands to what is loaded.

    Args:
        related: The imports that it may repeat or replace, asked for under the table's lock.
        source: The file.
        file_sha256: Of its bytes.
        content_sha256: Of what it says; None where that is not known yet.
        run_id: The run that is about to load it.

    Raises:
        ContentChangedError: It was loaded before with other content, and its folder says that this is a fault.
    """
    same_bytes = [past for past in related if past.file_sha256 == file_sha256]
    same_content = [past for past in related if content_sha256 is not None and past.content_sha256 == content_sha256]
    same = list({past.id: past for past in (*same_bytes, *same_content)}.values())
    for past in same:
        if past.run_id == run_id and past.status == Status.LOADED:
            if past.identity == source.identity:
                return Standing(loaded_by_us=past)
            return Standing(skip=_why_skipped(past, source, past in same_bytes))
    if same and not source.reload:
        # One that is loaded says more than one that is held back.
        past = min(same, key=lambda one: one.status != Status.LOADED)
        return Standing(skip=_why_skipped(past, source, past in same_bytes))
    replaced = [past for past in same if past.status == Status.LOADED]
    released = tuple(past.id for past in same if past.status == Status.HELD)
    older = [
        past
        for past in related
        if past.identity == source.identity and past.status == Status.LOADED and past not in replaced
    ]
    notice = None
    if replaced:
        notice = f"loaded again, in place of its rows of {replaced[-1].imported_at:%Y-%m-%d %H:%M} UTC"
    if older:
        notice = _changed(older, source, replaced)
    return Standing(replaced=tuple(replaced), released=released, notice=notice)


def _changed(older: Sequence[PastImport], source: SourceFile, replaced: list[PastImport]) -> str | None:
    """Say what becomes of the older rows of a file that has other content now; those that go are put to ``replaced``."""
    policy = source.options.on_changed
    before = f"its content of {older[-1].imported_at:%Y-%m-%d %H:%M} UTC"
    if policy == "append":
        return f"the file changed: its rows are added to those of {before} (on_changed: append)"
    if policy == "fail" and not source.reload:
        raise ContentChangedError(
            f"the file is not what it was: {before} is loaded",
            hint="run --reload FILE replaces those rows; on_changed: append or replace takes changed files",
        )
    replaced.extend(older)
    rows = sum(past.row_count for past in older)
    return f"the file changed: its rows take the place of the {rows:,} rows of {before}"


def _why_skipped(past: PastImport, source: SourceFile, same_bytes: bool) -> str:
    if same_bytes:
        return why_known(past, source)
    if past.status == Status.HELD:
        return f"has the same content as {past.identity}, {_held(past)}"
    return f"has the same content as {named(past)}"


def why_known(past: PastImport, source: SourceFile) -> str:
    """Return why a file whose bytes are those of ``past`` is skipped."""
    if past.status == Status.HELD:
        return (
            _held(past) if past.identity == source.identity else f"is the same file as {past.identity}, {_held(past)}"
        )
    if past.settings != source.options.fingerprint:
        return (
            f"is the same file as {named(past)}, which was loaded with other settings; "
            "run --reload FILE loads it again with these"
        )
    if past.identity == source.identity:
        return f"already loaded {past.imported_at:%Y-%m-%d %H:%M} UTC"
    return f"is the same file as {named(past)}"


def _held(past: PastImport) -> str:
    since = f" since {past.reverted_at:%Y-%m-%d %H:%M} UTC" if past.reverted_at else ""
    return f"held back{since}; run --reload FILE loads it"


def named(past: PastImport) -> str:
    """Return an import's file and time, for people."""
    return f"{past.identity} (loaded {past.imported_at:%Y-%m-%d %H:%M} UTC)"
