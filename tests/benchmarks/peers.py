"""The whole job as others do it: workbooks into a table, each peer as a process of its own.

    python -m tests.benchmarks.peers NAME DATABASE_URL TABLE new|append FILE...

The first file makes the table if that is to be new; all others are appended. For ``\\copy`` the file is CSV.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

OPENPYXL = "pandas + openpyxl + to_sql"
CALAMINE = "pandas + calamine + to_sql"
POLARS = "polars + fastexcel + ADBC"
DUCKDB = "DuckDB excel + postgres"
FLOOR = "psql \\copy (the floor)"


def pandas_openpyxl(files: Sequence[str], url: str, table: str, *, append: bool) -> None:
    """The program that most people write first."""
    _pandas(files, url, table, append=append, engine="openpyxl")


def pandas_calamine(files: Sequence[str], url: str, table: str, *, append: bool) -> None:
    """The same with the faster reader."""
    _pandas(files, url, table, append=append, engine="calamine")


def _pandas(files: Sequence[str], url: str, table: str, *, append: bool, engine: str) -> None:
    import pandas as pd
    import sqlalchemy

    target = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    for number, file in enumerate(files):
        frame = pd.read_excel(file, engine=engine)
        mode = "append" if append or number else "replace"
        frame.to_sql(table, target, index=False, if_exists=mode, method="multi", chunksize=1000)


def polars_adbc(files: Sequence[str], url: str, table: str, *, append: bool) -> None:
    """The fastest thing that can be put together from packages: Arrow from file to COPY."""
    import polars as pl

    for number, file in enumerate(files):
        frame = pl.read_excel(file, engine="calamine")
        frame.write_database(table, url, engine="adbc", if_table_exists="append" if append or number else "replace")


def duckdb_postgres(files: Sequence[str], url: str, table: str, *, append: bool) -> None:
    """DuckDB with its excel and postgres extensions; all columns as text, or a text far below fails the file."""
    import duckdb

    connection = duckdb.connect()
    for extension in ("excel", "postgres_scanner"):
        connection.execute(f"LOAD '{duckdb_extension(extension)}'")
    connection.execute(f"ATTACH '{url}' AS target (TYPE postgres)")
    for number, file in enumerate(files):
        rows = f"SELECT * FROM read_xlsx('{file}', all_varchar = true)"
        if append or number:
            connection.execute(f"INSERT INTO target.{table} {rows}")
        else:
            connection.execute(f"CREATE TABLE target.{table} AS {rows}")


def duckdb_extension(name: str) -> Path:
    """Return the file of an extension that a wheel brought: DuckDB's own INSTALL needs its server."""
    from importlib import import_module

    package = Path(str(import_module(f"duckdb_extension_{name}").__file__)).parent
    return next(package.rglob(f"{name}.duckdb_extension"))


def copy_floor(files: Sequence[str], url: str, table: str, *, append: bool) -> None:
    r"""The database's own share: ``\copy`` of the same rows from CSV into a typed table."""
    import subprocess

    commands = [] if append else [f"TRUNCATE {table}"]
    commands += [rf"\copy {table} FROM '{file}' WITH (FORMAT csv)" for file in files]
    subprocess.run(
        ["psql", url, "-q", "-v", "ON_ERROR_STOP=1", *(part for command in commands for part in ("-c", command))],
        check=True,
    )


PEERS: dict[str, Callable[..., None]] = {
    OPENPYXL: pandas_openpyxl,
    CALAMINE: pandas_calamine,
    POLARS: polars_adbc,
    DUCKDB: duckdb_postgres,
    FLOOR: copy_floor,
}


def main() -> None:
    """Do the job once."""
    name, url, table, mode, *files = sys.argv[1:]
    PEERS[name]([str(Path(file).absolute()) for file in files], url, table, append=mode == "append")


if __name__ == "__main__":
    main()
