"""``pgdatahub export dbt``: its YAML, parsed and run by dbt itself on a loaded database."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from ruamel.yaml import YAML
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from tests.integration.pipeline.conftest import Warehouse

pytestmark = pytest.mark.integration

DBT = Path(sys.executable).with_name("dbt")
SETTINGS = """
order:
  key: [Order No]
  columns:
    Order No: {type: integer, required: true, unique: true, description: 'the "number", {{ not_jinja }} and {% this %}'}
    User: {required: true, values: ["it's", "{{ b }}", "no"]}
stock:
  columns:
    Item: {required: column, unique: true}
    Amount: {type: numeric, values: [1, 2.5]}
"""
ORDERS: list[list[object]] = [["Order No", "User", "Größe"], [1, "it's", 1.5], [2, "{{ b }}", 2.5]]
STOCK: list[list[object]] = [["Item", "Amount"], ["tea", 1]]


@pytest.fixture
def warehouse(tmp_path: Path, database_url: str) -> Warehouse:
    """Two tables with contracts, one with a key and the name of a word of SQL."""
    warehouse = Warehouse(directory=tmp_path, url=database_url)
    warehouse.configure(SETTINGS)
    warehouse.write("order/a.xlsx", ORDERS)
    warehouse.write("stock/a.xlsx", STOCK)
    # Unique in each file, not in the table.
    warehouse.write("stock/b.xlsx", [*STOCK, ["rye", 2.5]])
    warehouse.load()
    return warehouse


def exported(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.chdir(warehouse.directory)
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    done = CliRunner().invoke(create_app(), ["export", "dbt", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_sources_have_columns_types_descriptions_and_tests(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = YAML(typ="safe", pure=True).load(exported(warehouse, monkeypatch, "--error-days", "15"))["sources"]
    assert source["config"] == {
        "loaded_at_field": "load_timestamp",
        "freshness": {"warn_after": {"count": 8, "period": "day"}, "error_after": {"count": 15, "period": "day"}},
    }
    tables = {table["name"]: table for table in source["tables"]}
    # The companion of a keyed table holds replaced rows, which no model wants.
    assert set(tables) == {"order", "stock"}
    columns: dict[str, Any] = {column["name"]: column for column in tables["order"]["columns"]}
    assert columns["order_no"]["data_type"] == "integer"
    assert columns["order_no"]["data_tests"] == ["not_null", "unique"]
    assert columns["user"]["quote"] is True
    assert columns["grosse"]["description"] == "Header: Größe"
    assert columns["load_timestamp"]["data_tests"] == ["not_null"]
    (test,) = tables["stock"]["data_tests"]
    assert test["unique"]["arguments"]["column_name"] == '("source_file", "load_timestamp", "item")'
    # required: column asks for the column, not for values.
    assert "data_tests" not in next(one for one in tables["stock"]["columns"] if one["name"] == "item")


def test_export_without_a_loaded_table_is_an_error(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "data").mkdir()
    done = CliRunner().invoke(create_app(), ["export", "dbt"])
    assert "no table was loaded yet" in str(done.exception)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A dbt project whose profile is the database of a test."""

    directory: Path

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(DBT), "--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check", *arguments],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def statuses(self) -> dict[str, str]:
        """Test → result of the last run."""
        results = json.loads((self.directory / "target/run_results.json").read_text())["results"]
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}


@pytest.fixture
def project(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    if not DBT.exists():
        pytest.skip("the dependency group around is not installed")
    directory = tmp_path / "dbt"
    (directory / "models").mkdir(parents=True)
    (directory / "models" / "sources.yml").write_text(exported(warehouse, monkeypatch), encoding="utf-8")
    model = "select o.order_no from {{ source('workbooks', 'order') }} o"
    (directory / "models" / "orders.sql").write_text(model)
    (directory / "dbt_project.yml").write_text("name: shop\nversion: '1.0.0'\nprofile: shop\nconfig-version: 2\n")
    parts = conninfo_to_dict(warehouse.url)
    password = parts.get("password")
    if password is None and "passfile" in parts:
        password = Path(str(parts["passfile"])).read_text().strip().rpartition(":")[2]
    output = {
        "type": "postgres",
        "host": parts["host"],
        "port": int(parts.get("port") or 5432),
        "user": parts["user"],
        "password": password or "",
        "dbname": parts["dbname"],
        "schema": "public",
    }
    profiles = {"shop": {"target": "test", "outputs": {"test": output}}}
    (directory / "profiles.yml").write_text(json.dumps(profiles))
    return Project(directory=directory)


@pytest.mark.around
def test_dbt_parses_and_runs_the_sources(project: Project, warehouse: Warehouse) -> None:
    parsed = project.dbt("--warn-error", "parse", "--show-all-deprecations")
    assert parsed.returncode == 0, parsed.stdout
    manifest = json.loads((project.directory / "target/manifest.json").read_text())
    order = manifest["sources"]["source.shop.workbooks.order"]
    assert order["columns"]["order_no"]["description"] == 'the "number", {{ not_jinja }} and {% this %}'
    built = project.dbt("build")
    assert built.returncode == 0, built.stdout
    statuses = project.statuses()
    assert {name for name, status in statuses.items() if status != "pass"} == {"orders"}
    assert "unique_in_a_file_stock_item" in statuses
    assert len(statuses) == 11
    fresh = project.dbt("source", "freshness")
    assert fresh.returncode == 0, fresh.stdout
    assert "PASS freshness of workbooks.order" in fresh.stdout
    with psycopg.connect(warehouse.url) as connection:
        connection.execute('ALTER TABLE "order" DROP CONSTRAINT IF EXISTS order_key')
        connection.execute("""UPDATE "order" SET "user" = 'eve' WHERE order_no = 1""")
        connection.execute("INSERT INTO stock SELECT * FROM stock WHERE item = 'rye'")
    assert project.dbt("test").returncode == 1
    broken = {name for name, status in project.statuses().items() if status == "fail"}
    assert {name.split("_")[0] for name in broken} == {"source", "unique"}
    assert len(broken) == 2
