"""Behaviour of other ways from workbooks to PostgreSQL in the situations of docs/explanation/comparison.md.

    python -m tests.benchmarks.facts URL

It needs pandas, openpyxl, SQLAlchemy, psycopg, XlsxWriter, DuckDB with the wheels of its extensions excel and postgres, and
dlt[postgres]; URL names an empty database. Each tool does what its documentation shows for this job, with its defaults. The answers are
printed as they come; the page has them with the versions.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter

from tests.benchmarks.peers import duckdb_extension

Rows = Sequence[Sequence[Any]]

FIRST: Rows = [["code", "amount", "day"], ["00501", 1.5, "2024-02-03"], ["00502", 2, None]]
SITUATIONS: dict[str, tuple[Rows, ...]] = {
    "the same file twice": (FIRST, FIRST),
    "n/a in a column of numbers, in the second file": (FIRST, [["code", "amount", "day"], ["00503", "n/a", None]]),
    "n/a in a column of numbers, in the first file": (
        [["code", "amount", "day"], ["00503", "n/a", None], ["00501", 1.5, None]],
        FIRST,
    ),
    "a new column in the second file": (FIRST, [["code", "amount", "day", "note"], ["00503", 3, None, "new"]]),
    "a column fewer in the second file": (FIRST, [["code", "amount"], ["00503", 3]]),
    "columns in another order": (FIRST, [["amount", "code", "day"], [3, "00503", None]]),
    "an error cell": ([["code", "amount"], ["00501", 1.5], ["00502", "#N/A"]],),
    "an empty first cell, then a text": ([["code", "note"], [1, None], [2, "text"]],),
    "an integer beyond 2^53 as text, in the second file": (
        [["id"], [1], [2]],
        [["id"], ["9007199254740993"]],
    ),
}


def write(path: Path, rows: Rows) -> None:
    """Write a workbook; ``#N/A`` is an error cell."""
    workbook = xlsxwriter.Workbook(path, {"in_memory": True})
    sheet = workbook.add_worksheet()
    for number, row in enumerate(rows):
        for position, value in enumerate(row):
            if value == "#N/A":
                sheet.write_formula(number, position, "=NA()", None, "#N/A")
            elif value is not None:
                sheet.write(number, position, value)
    workbook.close()


def with_pandas(path: Path, url: str) -> None:
    """``read_excel`` and ``to_sql``."""
    import pandas as pd
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        pd.read_excel(path).to_sql("sales", connection, if_exists="append", index=False)
    engine.dispose()


def with_duckdb(path: Path, url: str) -> None:
    """``read_xlsx`` and an attached database."""
    import duckdb

    connection = duckdb.connect()
    for extension in ("excel", "postgres_scanner"):
        connection.execute(f"LOAD '{duckdb_extension(extension)}'")
    connection.execute(f"ATTACH '{url}' AS target (TYPE postgres)")
    found = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'sales'").fetchone()
    rows = f"FROM read_xlsx('{path}')"
    if found and found[0]:
        connection.execute(f"INSERT INTO target.public.sales BY NAME {rows}")
    else:
        connection.execute(f"CREATE TABLE target.public.sales AS {rows}")
    connection.close()


def with_dlt(path: Path, url: str) -> None:
    """A pipeline over ``read_excel``, as dlt's guide for Excel files shows it."""
    import dlt
    import pandas as pd

    pipeline = dlt.pipeline(
        pipeline_name="facts",
        destination=dlt.destinations.postgres(url),
        dataset_name="public",
        pipelines_dir=str(path.parent / "dlt"),
    )
    pipeline.run(pd.read_excel(path).to_dict(orient="records"), table_name="sales", write_disposition="append")


def with_pgdatahub(path: Path, url: str) -> None:
    """``pgdatahub run``; each file is in the folder of the table."""
    folder = path.parent / "data" / "sales"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).write_bytes(path.read_bytes())
    ran = subprocess.run(
        [sys.executable, "-m", "pgdatahub", "run", "--quiet"],
        cwd=path.parent,
        env={"DATABASE_URL": url, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)


TOOLS: dict[str, Callable[[Path, str], None]] = {
    "pandas": with_pandas,
    "duckdb": with_duckdb,
    "dlt": with_dlt,
    "pgdatahub": with_pgdatahub,
}


def answer(tool: Callable[[Path, str], None], files: Sequence[Rows], url: str) -> str:
    """Return the table after loading files, or the error of the first one that fails."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        failed = ""
        with tempfile.TemporaryDirectory() as folder:
            for number, rows in enumerate(files, start=1):
                path = Path(folder) / f"{number}.xlsx"
                write(path, rows)
                try:
                    tool(path, url)
                except Exception as error:  # noqa: BLE001 - whichever error the tool raises is the answer
                    lines = str(error).split("\n")
                    failed = f"file {number} FAILED {type(error).__name__}: {' '.join(lines)[:160]}; "
                    break
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'sales'"
            " AND column_name NOT IN ('_dlt_load_id', '_dlt_id', 'source_file', 'load_timestamp') ORDER BY ordinal_position"
        ).fetchall()
        if not columns:
            return f"{failed}no table"
        names = ", ".join(f'"{name}"' for name, _ in columns)
        rows_now = connection.execute(f"SELECT {names} FROM sales".encode()).fetchall()
        return f"{failed}{dict(columns)} {rows_now}"


def main() -> None:
    """Print the answers."""
    url = sys.argv[1]
    print({name: version(name) for name in ("pandas", "openpyxl", "duckdb", "dlt")})
    for situation, files in SITUATIONS.items():
        print(f"\n## {situation}")
        for name, tool in TOOLS.items():
            print(f"{name:<10} {answer(tool, files, url)}")


if __name__ == "__main__":
    main()
