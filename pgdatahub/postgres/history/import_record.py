"""The row of ``etl_imports`` for a new import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgdatahub.model.imports import LEFT_OUT, ImportRecord, Status
from pgdatahub.postgres.history.import_columns import duplicate_to_json, tables_to_json
from pgdatahub.postgres.history.observed_json import observed_to_json
from pgdatahub.postgres.server.server_encoding import fitted
from pgdatahub.values.rank_key import rank_key

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def import_values(connection: Connection, record: ImportRecord) -> dict[str, Any]:
    """Return column → value of the row, with texts that the database's encoding can hold."""
    source = record.source
    row = {
        "table_schema": source.table.schema,
        "table_name": source.table.name,
        "source_file": source.location,
        "identity": source.identity,
        "file_sha256": record.file_sha256,
        "content_sha256": record.content_sha256,
        "settings": record.settings_fingerprint,
        "sheets": fitted(connection, list(record.sheets)),
        "run_id": record.run_id,
        "bytes": source.size,
        "seconds": record.seconds,
        "row_count": record.rows,
        "imported_at": record.imported_at,
        "counts": fitted(
            connection,
            {**record.counts, **({LEFT_OUT: list(record.sheets_left_out)} if record.sheets_left_out else {})},
        ),
        "status": Status.LOADED.value,
        "observed": fitted(connection, observed_to_json(record.observed)),
        "duplicates": [duplicate_to_json(one) for one in record.duplicates],
        "reading": record.reading,
        "routing": record.routing,
        "path_key": source.path_key,
        "tables": tables_to_json(record.tables),
        "rank_key": rank_key(source.identity),
        "modified_at": source.modified_at,
        "xid": record.xid,
    }
    if record.layout is not None:
        layout = fitted(connection, dict(record.layout))
        row |= {"quarantined": record.quarantined, "layout": layout}
    return row
