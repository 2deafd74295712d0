"""Events of a run: a job for each table, whose inputs are the files and whose output is the table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    processing_engine_run,
    schema_dataset,
)
from psycopg.conninfo import conninfo_to_dict

from pgdatahub import Config, RunReport, __version__
from pgdatahub.model.results import FileResult, Outcome, PartResult
from pgdatahub.model.schema import TableName

PRODUCER: Final = "https://pypi.org/project/pgdatahub-openlineage/0.1.0"


def events_of(report: RunReport, config: Config) -> Iterator[RunEvent]:
    """Yield the events of each table that files were loaded into, or failed for."""
    ended = datetime.now(timezone.utc)
    began = ended - timedelta(seconds=report.seconds)
    tables: dict[TableName, list[tuple[FileResult, PartResult]]] = {}
    for result in report.results:
        for part in result.by_table:
            if part.outcome is Outcome.LOADED or result.failure is not None:
                tables.setdefault(part.table, []).append((result, part))
    for table, loads in tables.items():
        run_id = str(uuid5(NAMESPACE_URL, f"pgdatahub:{report.run_id}:{table.schema}.{table.name}"))
        job = Job(
            namespace=os.environ.get("OPENLINEAGE_NAMESPACE", "pgdatahub"),
            name=f"{table.schema}.{table.name}",
            facets={"jobType": job_type_job.JobTypeJobFacet("BATCH", "PGDATAHUB", jobType="LOAD", producer=PRODUCER)},
        )
        inputs = [_input(result) for result, _ in loads]
        start = Run(runId=run_id, facets={"processing_engine": _engine()})
        yield RunEvent(
            eventType=RunState.START,
            eventTime=began.isoformat(),
            run=start,
            job=job,
            inputs=inputs,
            outputs=[],
            producer=PRODUCER,
        )
        failures = [result for result, _ in loads if result.failure is not None]
        end = Run(runId=run_id, facets={"processing_engine": _engine(), **_error(failures)})
        loaded = [part for _, part in loads if part.outcome is Outcome.LOADED]
        yield RunEvent(
            eventType=RunState.FAIL if failures else RunState.COMPLETE,
            eventTime=ended.isoformat(),
            run=end,
            job=job,
            inputs=inputs,
            outputs=[_output(table, loaded, config)] if loaded else [],
            producer=PRODUCER,
        )


def _engine() -> processing_engine_run.ProcessingEngineRunFacet:
    return processing_engine_run.ProcessingEngineRunFacet(version=__version__, name="pgdatahub", producer=PRODUCER)


def _error(failures: list[FileResult]) -> dict[str, error_message_run.ErrorMessageRunFacet]:
    """Return the kinds and places of failures; no message, since it may quote a cell."""
    lines = [f"{one.source.identity}: {one.failure.kind}" for one in failures if one.failure is not None]
    if not lines:
        return {}
    facet = error_message_run.ErrorMessageRunFacet("\n".join(lines), "EXCEL", producer=PRODUCER)
    return {"errorMessage": facet}


def _input(result: FileResult) -> InputDataset:
    """Return a file, named as OpenLineage names local files and objects of a bucket."""
    location = result.source.location
    if "://" in location:
        parts = urlsplit(location)
        return InputDataset(
            namespace=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", name=parts.path.lstrip("/")
        )
    return InputDataset(namespace="file", name=location)


def _output(table: TableName, loaded: list[PartResult], config: Config) -> OutputDataset:
    columns = {}
    for part in loaded:
        for column in part.observed.columns if part.observed is not None else ():
            columns[column.name] = schema_dataset.SchemaDatasetFacetFields(
                name=column.name, type=column.type.label, description=column.header
            )
    namespace, database = _database(config)
    rows = sum(part.rows for part in loaded)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=rows, fileCount=len(loaded), producer=PRODUCER
    )
    schema = schema_dataset.SchemaDatasetFacet(fields=list(columns.values()), producer=PRODUCER)
    return OutputDataset(
        namespace=namespace,
        name=f"{database}.{table.schema}.{table.name}",
        facets={"schema": schema},
        outputFacets={"outputStatistics": statistics},
    )


def _database(config: Config) -> tuple[str, str]:
    """Return the server and the database; neither has a user or a password."""
    given = conninfo_to_dict(config.destination.conninfo or "") if config.destination.kind == "url" else {}
    host = given.get("host") or os.environ.get("PGHOST") or "localhost"
    port = given.get("port") or os.environ.get("PGPORT") or "5432"
    database = given.get("dbname") or os.environ.get("PGDATABASE") or "pgdatahub"
    # A path is the folder of a socket.
    return f"postgres://{'localhost' if str(host).startswith('/') else host}:{port}", str(database)
