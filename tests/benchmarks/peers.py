"""The whole job as others do it: one workbook into a new table, each peer as a process of its own.

python peers.py NAME WORKBOOK DATABASE_URL TABLE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def pandas_openpyxl(workbook: str, url: str, table: str) -> None:
    """What most people write first."""
    _pandas(workbook, url, table, engine="openpyxl")


def pandas_calamine(workbook: str, url: str, table: str) -> None:
    """The same with the faster reader."""
    _pandas(workbook, url, table, engine="calamine")


def _pandas(workbook: str, url: str, table: str, *, engine: str) -> None:
    import pandas as pd
    import sqlalchemy

    frame = pd.read_excel(workbook, engine=engine)
    target = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    frame.to_sql(table, target, index=False, if_exists="replace", method="multi", chunksize=1000)


def polars_adbc(workbook: str, url: str, table: str) -> None:
    """The fastest thing that can be put together from packages: Arrow from file to COPY."""
    import polars as pl

    frame = pl.read_excel(workbook, engine="calamine")
    frame.write_database(table, url, engine="adbc", if_table_exists="replace")


def duckdb_postgres(workbook: str, url: str, table: str) -> None:
    """DuckDB's excel and postgres extensions, where they can be had; all columns as text, or late text fails it."""
    import duckdb

    connection = duckdb.connect()
    for extension in ("excel", "postgres"):
        connection.execute(f"INSTALL {extension}; LOAD {extension}")
    connection.execute(f"ATTACH '{url}' AS target (TYPE postgres)")
    connection.execute(f"DROP TABLE IF EXISTS target.{table}")
    connection.execute(f"CREATE TABLE target.{table} AS SELECT * FROM read_xlsx('{workbook}', all_varchar = true)")


def copy_floor(rows: str, url: str, table: str) -> None:
    r"""The database's own share: ``\copy`` of the same rows from a CSV file into a typed table."""
    import subprocess

    statement = rf"\copy {table} FROM '{rows}' WITH (FORMAT csv)"
    truncate = f"TRUNCATE {table}"
    subprocess.run(["psql", url, "-q", "-v", "ON_ERROR_STOP=1", "-c", truncate, "-c", statement], check=True)


PEERS: dict[str, Callable[[str, str, str], None]] = {
    "pandas + openpyxl + to_sql": pandas_openpyxl,
    "pandas + calamine + to_sql": pandas_calamine,
    "polars + fastexcel + ADBC": polars_adbc,
    "DuckDB excel + postgres": duckdb_postgres,
    "psql \\copy (the floor)": copy_floor,
}


def main() -> None:
    """Do the job once."""
    name, workbook, url, table = sys.argv[1:]
    PEERS[name](str(Path(workbook).absolute()), url, table)


if __name__ == "__main__":
    main()
