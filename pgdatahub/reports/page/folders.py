"""The settings of the folders whose files a table has: whether values may be shown, and descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pgdatahub.config import Config
from pgdatahub.config.column_descriptions import Columns, options_of_table
from pgdatahub.config.options import FolderOptions
from pgdatahub.model.schema import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The options of the folders of files.

    Attributes:
        config: The settings.
    """

    config: Config
    _known: dict[tuple[str, ...], FolderOptions] = field(default_factory=dict)

    def _options(self, identity: str) -> FolderOptions:
        parts = tuple(identity.split("/")[:-1])
        if parts not in self._known:
            self._known[parts] = self.config.folders.options_for(parts)
        return self._known[parts]

    def _of(self, identities: Iterable[str]) -> Iterator[FolderOptions]:
        """Yield the options of the folders of files, each once."""
        folders = {identity.rpartition("/")[0]: identity for identity in identities}
        for identity in folders.values():
            yield self._options(identity)

    def show_values(self, identities: Iterable[str]) -> bool:
        """Return whether no folder of these files keeps values to itself, nor a table on their sheets."""
        return all(options.shows_values for options in self._of(identities))

    def _for(self, table: TableName, identities: Iterable[str]) -> Iterator[FolderOptions]:
        """Yield the options of the folders of files for a table."""
        for options in self._of(identities):
            yield from options_of_table(options, table.name)

    def columns(self, table: TableName, identities: Iterable[str]) -> list[Columns]:
        """Return the entries below ``columns:`` of the folders of these files, for a table."""
        return [options.columns for options in self._for(table, identities)]

    def description(self, table: TableName, identities: Iterable[str]) -> str | None:
        """Return the description of a table in the settings."""
        return next((one.description for one in self._for(table, identities) if one.description), None)
