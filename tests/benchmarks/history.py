"""History tables of many imports: the commands of a user on them, and the slow statements with their plans.

    python -m tests.benchmarks.history DIRECTORY [IMPORTS] [TABLES]

The directory gets the workbooks and a private server. Real imports of real files are copied with ``generate_series`` until
there are so many; the statements are those of the program, logged by the server with their plans where they take 20 ms or more.
Ten million imports take some 15 GB of disk and ten minutes.

The latest 100,000 imports are loaded and the others superseded, as where files are sent again each day. None of their files exists,
as where loaded files are moved to an archive.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import xlsxwriter
from psycopg import sql

FILES = 10
LOGGED = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "20ms",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}
COPIED = {
    "table_name": "'t' || g %% {tables}",
    "source_file": "'/data/t' || g %% {tables} || '/' || g || '.xlsx'",
    "identity": "'t' || g %% {tables} || '/' || g || '.xlsx'",
    "file_sha256": "encode(sha256(g::text::bytea), 'hex')",
    "content_sha256": "encode(sha256(('c' || g)::bytea), 'hex')",
    "imported_at": "timestamp '2020-01-01' + g * interval '17 seconds'",
    "run_id": "'run' || g / 1000",
    "status": "CASE WHEN g > {imports} - 100000 THEN 'loaded' ELSE 'superseded' END",
    "bytes": "8000 + g * 7919 %% 2000000",
}
"""Column → its value in the copy number ``g``; all others are those of a real import."""


def write(path: Path, number: int) -> None:
    """Write a workbook of ten rows and ten columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = xlsxwriter.Workbook(path, {"in_memory": True})
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, [f"Column {column}" for column in range(10)])
    for row in range(1, 11):
        sheet.write_row(row, 0, [number * 1000 + row * column for column in range(10)])
    workbook.close()


def fill(connection: psycopg.Connection, imports: int, tables: int) -> None:
    """Copy the real imports until there are ``imports``; the indexes are made afterwards, which is faster."""
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'etl_imports' AND indexname <> 'etl_imports_pkey'"
    ).fetchall()
    constraints = {name for (name,) in connection.execute("SELECT conname FROM pg_constraint")}
    made = [(name, definition) for name, definition in indexes if name not in constraints]
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'etl_imports'::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attname <> 'id' ORDER BY attnum"
        )
    ]
    values = ", ".join(COPIED.get(name, f"i.{name}").format(tables=tables, imports=imports) for name in columns)
    for name, _ in made:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    query = (
        f"INSERT INTO etl_imports ({', '.join(columns)}) SELECT {values}"
        " FROM (SELECT * FROM etl_imports ORDER BY id LIMIT 1) i, generate_series(%s::bigint, %s::bigint) g"
    )
    for start in range(1, imports + 1, 500_000):
        connection.execute(query.encode(), (start, min(imports, start + 499_999)))
    for _, definition in made:
        connection.execute(definition.encode())
    connection.execute("VACUUM (ANALYZE) etl_imports")


def main() -> None:
    """Fill and measure, and print."""
    directory = Path(sys.argv[1])
    imports, tables = (int(argument) for argument in [*sys.argv[2:], *("1000000", "1000")[len(sys.argv) - 2 :]])
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)
    environment = os.environ | {"PGDATAHUB_HOME": str(directory / "home"), "ETL_WORKERS": "1"}
    for name in ("DATABASE_URL", "PGHOST", "PGSERVICE"):
        environment.pop(name, None)

    def command(*arguments: str, code: int = 0) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "pgdatahub", *arguments],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != code:
            raise RuntimeError(f"{arguments}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    for number in range(FILES):
        write(directory / "data" / f"t{number}" / f"real {number}.xlsx", number)
    command("db", "start")
    command("run", "--quiet")
    url = command("db", "url").strip()
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT count(*) FROM etl_imports").fetchone()
        if known is not None and known[0] < imports:
            began = time.perf_counter()
            fill(connection, imports, tables)
            print(f"filled in {time.perf_counter() - began:.0f} s")
        for name, value in LOGGED.items():
            connection.execute(sql.SQL("ALTER ROLE CURRENT_USER SET {} = {}").format(sql.SQL(name), sql.Literal(value)))
        size = connection.execute(
            "SELECT pg_size_pretty(pg_table_size('etl_imports')), pg_size_pretty(pg_indexes_size('etl_imports'))"
        ).fetchone()
        print(f"{imports:,} imports of {tables:,} tables; table and indexes: {size}")
    log = directory / "home" / "server" / "postgres.log"
    write(directory / "data" / "t1" / "new.xlsx", int(time.time()))
    for name, arguments in (
        ("run, nothing new but one file", ["run"]),
        ("run, nothing new", ["run"]),
        ("plan", ["plan"]),
        ("status", ["status"]),
        ("status --table t1", ["status", "--table", "t1"]),
        ("history --limit 20", ["history", "--limit", "20"]),
        ("history --table t1 --limit 20", ["history", "--table", "t1", "--limit", "20"]),
        ("history --file new.xlsx", ["history", "--file", "data/t1/new.xlsx"]),
        ("verify --table t1", ["verify", "--table", "t1"]),
        ("revert new.xlsx", ["revert", "data/t1/new.xlsx", "--with-schema", "--yes"]),
    ):
        start = log.stat().st_size
        began = time.perf_counter()
        try:
            command(*arguments)
        except RuntimeError as error:
            print(f"{name}: {str(error)[:300]}")
        seconds = time.perf_counter() - began
        with log.open("rb") as file:
            file.seek(start)
            logged = file.read().decode()
        plans = re.findall(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)", logged)
        print(f"{name:<32}{seconds:8.2f} s, {len(plans)} statements of 20 ms and more")
        for duration, plan in plans:
            print(f"    {duration} ms: {' '.join(plan.split())[:1500]}")


if __name__ == "__main__":
    main()
