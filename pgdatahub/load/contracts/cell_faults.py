"""All faults of a file that reading finds, up to a limit, instead of the first one only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pgdatahub.errors import CellError, FaultKey, FileError, SheetError
from pgdatahub.model.batches import NormalizedBatch
from pgdatahub.model.workbooks import Batch

MAX_FAULTS: Final = 10
"""Maximum number of faults that a failure names; reading stops there."""


class Faults:
    """The faults of a file, sheet by sheet."""

    def __init__(self) -> None:
        self._found: list[FileError] = []
        self._way_round = ""

    def __bool__(self) -> bool:
        """Return whether a fault was found."""
        return bool(self._found)

    def begin_sheet(self, way_round: str) -> None:
        """Begin a sheet; ``way_round`` is a further hint for its faults, if any."""
        self._way_round = way_round

    def add(self, errors: Sequence[FileError]) -> None:
        """Add faults.

        Raises:
            FileError: There are enough of them; the error names the first ones.
        """
        for error in errors:
            self._hint_at_way_round(error)
        # Several tables of a sheet, and all batches of one, can have the same fault.
        known = {str(error) for error in self._found}
        self._found += [error for error in errors if str(error) not in known]
        if len(self._found) > MAX_FAULTS:
            found, self._found = self._found, []
            raise joined(found)

    def add_of_sheet(self, error: FileError) -> None:
        """Add the fault of a sheet, after which the other sheets can be searched for further faults.

        Raises:
            FileError: Reading cannot go on, or there are enough faults.
        """
        if error.more:
            raise error
        if not isinstance(error, CellError | SheetError):
            self._hint_at_way_round(error)
            raise self.joined(error) from error.__cause__
        self.add([error])

    def _hint_at_way_round(self, error: FileError) -> None:
        if self._way_round and self._way_round not in (error.hint or ""):
            error.hint = "; ".join(filter(None, (error.hint, self._way_round)))

    def joined(self, error: FileError) -> FileError:
        """Return the faults and an error after which reading cannot go on, as one error."""
        found, self._found = self._found, []
        if found:
            error.more = True
        return joined([*found, error])

    def check(self, broken: FileError | None = None) -> None:
        """Raise the faults as one error, if there are any.

        Args:
            broken: The faults under contracts, if any.

        Raises:
            FileError: There are faults; the error names them.
        """
        found = [*([broken] if broken else ()), *self._found]
        if found:
            raise joined(found)

    def normalize(
        self, batches: Iterable[Batch], normalize: Callable[[Batch], NormalizedBatch | None]
    ) -> Iterator[tuple[Batch, NormalizedBatch | None]]:
        """Yield each batch with its normalized form, up to the first cell that cannot be loaded.

        After a fault, the batches are only searched for further faults. Such a batch, and a batch without rows, has no
        normalized form.

        Raises:
            FileError: There are enough faults; the error names the first ones.
        """
        for batch in batches:
            normalized = None
            if batch.rows:
                try:
                    normalized = normalize(batch)
                except CellError as error:
                    self.add(error.all)
            yield batch, None if self._found else normalized


def joined(errors: Sequence[FileError], most: int = MAX_FAULTS) -> FileError:
    """Return one error that names the first ``most`` of several faults; the first with its hint."""
    first, *others = errors
    if not others:
        return first
    named = "; ".join(
        f"{error.where}: {error.message}" if error.where else error.message for error in others[: most - 1]
    )
    more = "; and more" if len(errors) > most else ""
    message = f"{first.message}; also {named}{more}"
    error = type(first)(message, where=first.where, hint=first.hint)
    error.faults = tuple(fault for one in errors for fault in one.faults)
    if any(one.counted for one in errors):
        counts: Counter[FaultKey] = Counter()
        for one in errors:
            counts.update(one.counted or Counter(fault.key for fault in one.faults))
        error.counted = counts
    error.more = len(errors) > most or any(one.more for one in errors)
    return error
