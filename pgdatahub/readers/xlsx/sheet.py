"""A worksheet that is open for reading: lanes, blocks, batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pgdatahub.errors import FileError
from pgdatahub.model.flow import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.package import PartStream
from pgdatahub.readers.xlsx.blocks import batches
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.lanes import Lanes
from pgdatahub.readers.xlsx.lessons import Lessons
from pgdatahub.readers.xlsx.matching_pool import MatchingPool
from pgdatahub.readers.xlsx.merged_areas import fill_merged_areas, read_merged_areas


class XlsxSheet:
    """A worksheet, as :class:`pgdatahub.model.flow.Sheet` asks for.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        open_part: Opens the sheet's part; called again where something at its end must be known first.
        limits: How much it may ask.
        lessons: What is known of the rows of such sheets.
        converter: Makes columns of texts.
        piece_bytes: How much is inflated at a time.
        fill_merged: A merged area's value stands in all its cells; the part is then read twice.
        pool: Processes that help with a large sheet.
    """

    def __init__(
        self,
        *,
        name: str,
        where: str,
        open_part: Callable[[], PartStream],
        limits: Limits,
        lessons: Lessons,
        converter: Converter,
        piece_bytes: int,
        fill_merged: bool,
        pool: MatchingPool | None = None,
    ) -> None:
        self._name = name
        self._where = where
        self._converter = converter
        self._areas = read_merged_areas(open_part(), limits) if fill_merged else []
        self._part = open_part()
        self._lanes = Lanes(self._part, limits, lessons, converter, piece_bytes=piece_bytes, pool=pool)

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self._name

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return frozenset(self._lanes.parser.hidden_columns)

    @property
    def share(self) -> float:
        """How much of the sheet has been read, from 0 to 1."""
        return self._part.share

    @property
    def lanes(self) -> Mapping[str, int]:
        """How many rows with values went which way."""
        return {"fast": self._lanes.fast_rows, "safe": self._lanes.parser.row_count}

    @property
    def cleaned(self) -> Mapping[str, int]:
        """Address of the first cell from which characters were removed → how many such cells; empty if there is none."""
        cleaning = self._converter.cleaning
        return {cleaning.first: cleaning.count} if cleaning.count else {}

    @property
    def notices(self) -> Sequence[str]:
        """What a person should know about how the sheet was read; complete after the last batch."""
        return [
            f"{count:,} {'cell' if count == 1 else 'cells'} held characters that PostgreSQL cannot store "
            f"(NUL or half a surrogate pair), which were removed; the first is {self.name} › {first}"
            for first, count in self.cleaned.items()
        ]

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
            CellError: A number is beyond what any column holds.
        """
        try:
            found = batches(self._lanes.blocks(), max_rows)
            yield from fill_merged_areas(found, self._areas) if self._areas else found
        except FileError as error:
            raise error.located(self._where) from error
