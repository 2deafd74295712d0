"""History tables of many imports: the commands of a user on them, and the slow statements with their plans.

    python -m tests.benchmarks.history DIRECTORY [IMPORTS] [TABLES]

The directory gets the workbooks and a private server. Real imports of real files are copied with ``generate_series`` until
there are so many; the statements are those of the program, logged by the server with their plans where they take 20 ms or more.
Ten million imports take some 15 GB of disk and ten minutes.

The latest 100,000 imports are loaded and the others superseded, as where files are sent again each day. First their files exist, with
their sizes and bytes; then none does, as where loaded files are moved to an archive. One folder replaces changed files.
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

from tests.benchmarks.measuring import measure

FILES = 10
LOADED = 100_000
LOGGED = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "20ms",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}
COPIED = {
    "table_name": "'t' || g %% {tables}",
    "source_file": "'{root}/t' || g %% {tables} || '/' || g || '.xlsx'",
    "identity": "'t' || g %% {tables} || '/' || g || '.xlsx'",
    # Loaded files are zeros of this length, different within a table; the superseded ones had the same sizes and other bytes.
    "bytes": "8000 + g / {tables} %% 100",
    "file_sha256": "CASE WHEN g > {imports} - {loaded} THEN zeros.hashes[1 + g / {tables} %% 100]"
    " ELSE encode(sha256(g::text::bytea), 'hex') END",
    "content_sha256": "encode(sha256(('c' || g)::bytea), 'hex')",
    "imported_at": "timestamp '2020-01-01' + g * interval '17 seconds'",
    "run_id": "'run' || g / 1000",
    "status": "CASE WHEN g > {imports} - {loaded} THEN 'loaded' ELSE 'superseded' END",
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


def fill(connection: psycopg.Connection, root: Path, imports: int, tables: int) -> None:
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
    parts = {"tables": tables, "imports": imports, "root": root, "loaded": LOADED}
    values = ", ".join(COPIED.get(name, f"i.{name}").format(**parts) for name in columns)
    for name, _ in made:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    query = (
        f"INSERT INTO etl_imports ({', '.join(columns)}) SELECT {values}"
        " FROM (SELECT * FROM etl_imports ORDER BY id LIMIT 1) i,"
        " (SELECT array_agg(encode(sha256(decode(repeat('00', 8000 + n), 'hex')), 'hex') ORDER BY n) AS hashes"
        " FROM generate_series(0, 99) n) zeros, generate_series(%s::bigint, %s::bigint) g"
    )
    for start in range(1, imports + 1, 500_000):
        connection.execute(query.encode(), (start, min(imports, start + 499_999)))
    for _, definition in made:
        connection.execute(definition.encode())
    connection.execute("VACUUM (ANALYZE) etl_imports")


def write_loaded(root: Path, imports: int, tables: int) -> None:
    """Write the files of the loaded imports, which take no room on disk."""
    for number in range(max(1, imports - LOADED + 1), imports + 1):
        path = root / f"t{number % tables}" / f"{number}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(8000 + number // tables % 100)


class Commands:
    """The commands of a user in a directory with a private server, and what they take."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "home" / "server" / "postgres.log"
        self._environment = os.environ | {"PGDATAHUB_HOME": str(directory / "home"), "ETL_WORKERS": "1"}
        for name in ("DATABASE_URL", "PGHOST", "PGSERVICE"):
            self._environment.pop(name, None)

    def run(self, *arguments: str) -> str:
        """Run a command and return its output."""
        ran = subprocess.run(
            [sys.executable, "-m", "pgdatahub", *arguments],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{arguments}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def show(self, name: str, *arguments: str) -> None:
        """Run a command; print its processor time and memory, and its slow statements with their plans."""
        start = self._log.stat().st_size
        took = measure([sys.executable, "-m", "pgdatahub", *arguments], self._environment, self._directory)
        with self._log.open("rb") as file:
            file.seek(start)
            logged = file.read().decode()
        plans = re.findall(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)", logged)
        slow = sum(float(duration) for duration, _ in plans) / 1000
        print(
            f"{name:<36} processor {took.cpu:6.2f} s, {took.peak / 1e6:4.0f} MB; {len(plans)} statements of 20 ms and more,"
            f" {slow:.2f} s; {took.wall:.2f} s{'; ' + took.failed if took.failed else ''}",
            flush=True,
        )
        for duration, plan in plans:
            scan = "READS ALL: " if "Seq Scan on etl_imports" in plan else ""
            print(f"    {duration} ms: {scan}{' '.join(plan.split())[:1500]}")


def main() -> None:
    """Fill and measure, and print."""
    directory = Path(sys.argv[1]).absolute()
    imports, tables = (int(argument) for argument in [*sys.argv[2:], *("1000000", "1000")[len(sys.argv) - 2 :]])
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)
    root = directory / "data"
    commands = Commands(directory)
    for number in range(FILES):
        write(root / f"t{number}" / f"real {number}.xlsx", number)
    (directory / "config").mkdir(exist_ok=True)
    (directory / "config" / "etl_config.yaml").write_text("t2: {on_changed: replace}\n")
    commands.run("db", "start")
    with psycopg.connect(commands.run("db", "url").strip(), autocommit=True) as connection:
        for name, value in (("fsync", "off"), ("autovacuum", "off"), ("max_wal_size", "8GB")):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.SQL(name), sql.Literal(value)))
        connection.execute("SELECT pg_reload_conf()")
        commands.run("run", "--quiet")
        known = connection.execute("SELECT count(*) FROM etl_imports").fetchone()
        if known is not None and known[0] < imports:
            began = time.perf_counter()
            fill(connection, root, imports, tables)
            print(f"filled in {time.perf_counter() - began:.0f} s")
        for name, value in LOGGED.items():
            connection.execute(sql.SQL("ALTER ROLE CURRENT_USER SET {} = {}").format(sql.SQL(name), sql.Literal(value)))
        size = connection.execute(
            "SELECT pg_size_pretty(pg_table_size('etl_imports')), pg_size_pretty(pg_indexes_size('etl_imports'))"
        ).fetchone()
        print(f"{imports:,} imports of {tables:,} tables; table and indexes: {size}")
        for name in ("etl_imports_latest", "etl_imports_source", "etl_imports_held"):
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    write_loaded(root, imports, tables)
    commands.show("run that creates three indexes", "run")
    commands.show("run, nothing new", "run")
    write(root / "t1" / "new.xlsx", int(time.time()))
    commands.show("run, one new file", "run")
    commands.show("plan", "plan")
    commands.show("status", "status")
    archive = root.rename(directory / "archive")
    for number in range(FILES):
        (root / f"t{number}").mkdir(parents=True)
        (archive / f"t{number}" / f"real {number}.xlsx").rename(root / f"t{number}" / f"real {number}.xlsx")
    write(root / "t1" / "newer.xlsx", int(time.time()) + 1)
    commands.show("run, one new file; others are gone", "run")
    commands.show("run, nothing new; others are gone", "run")
    for arguments in (
        ("plan",),
        ("status",),
        ("status", "--table", "t1"),
        ("history", "--limit", "20"),
        ("history", "--table", "t1", "--limit", "20"),
        ("history", "--file", "data/t1/newer.xlsx"),
        ("verify", "--table", "t1"),
        ("revert", "data/t1/newer.xlsx", "--with-schema", "--yes"),
    ):
        commands.show(" ".join(arguments), *arguments)
    commands.run("db", "stop")


if __name__ == "__main__":
    main()
