"""One loaded database for all tests of reports: files of every outcome, a keyed table, quarantine, hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest

from pgdatahub import run
from pgdatahub.config import Config, load_config
from pgdatahub.testing.workbooks import PlainValue, make_workbook
from tests.stored_tables import database_of_module

Row: TypeAlias = "list[PlainValue]"
SCRIPT = "<script>alert('x')</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"
MARKS = "a|b`c*d_e_[f](http://g.example)"
SECRET = 987_654
SETTINGS = """\
customers:
  key: [Id]
  on_bad: quarantine
  description: "Customers <i>of the shop</i>"
  columns:
    Country: {values: [DE, FR], description: "Country of the <b>invoice</b> | not of the parcel"}
people:
  samples: false
failing:
  columns: {Pay: {type: integer}}
  sheets/: {sheet: Q3}
  secret/: {samples: false}
"""


def write_files(root: Path) -> None:
    """Write the workbooks below a data root."""
    header: Row = ["Order", "Day", "Product", "Quantity", "Gift"]
    first: list[Row] = [
        [number, date(2025, 1, 1 + number % 20), f"secret text {number % 4}", 1 + number % 5, number % 3 == 0]
        for number in range(200)
    ]
    second = [[number, date(2025, 2, 3), None, None if number % 2 else 7, False, "Ines"] for number in range(200, 300)]
    second[4][3] = "n/a"
    staff: list[Row] = [[f"Anna {number}", SECRET + number] for number in range(60)]
    make_workbook(root / "orders/01.xlsx", {"Sheet1": [header, *first]})
    make_workbook(root / "orders/02.xlsx", {"Sheet1": [[*header, "Sales rep."], *second]})
    (root / "orders/03 copy.xlsx").write_bytes((root / "orders/01.xlsx").read_bytes())
    make_workbook(root / "customers/w1.xlsx", {"Sheet1": [["Id", "Country"], [1, "DE"], [2, "FR"], [3, "XX"]]})
    make_workbook(root / "customers/w2.xlsx", {"Sheet1": [["Id", "Country"], [2, "DE"], [3, "FR"]]})
    make_workbook(root / "people/staff.xlsx", {"Sheet1": [["Name", "Pay"], *staff]})
    make_workbook(root / "failing/cells.xlsx", {"Sheet1": [["Pay"], ["much money"]]})
    make_workbook(root / "failing/secret/cells.xlsx", {"Sheet1": [["Pay"], ["hidden money"]]})
    make_workbook(root / "failing/sheets/q.xlsx", {"Q2": [["Pay"], [1]]})
    odd = root / "odd" / f"{IMAGE.replace('/', '')}.xlsx"
    make_workbook(odd, {"<b>sheet": [[SCRIPT, IMAGE, MARKS], [SCRIPT, 1, "=1+1"], ["x\u202ey", 2, "</main>"]]})
    (root / "odd/broken <i>.xlsx").write_bytes(b"PK\x03\x04 cut off")


@pytest.fixture(scope="module")
def loaded(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The settings of a directory whose files are loaded."""
    directory = tmp_path_factory.mktemp("reports")
    write_files(directory / "data")
    (directory / "config").mkdir()
    (directory / "config/etl_config.yaml").write_text(SETTINGS, encoding="utf-8")
    with database_of_module(server_url, "reports") as url:
        config = load_config(directory=directory, overrides={"database_url": url, "workers": 1})
        run(config)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield config


def connected(config: Config) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to the database of the settings."""
    assert config.database_url is not None
    return psycopg.connect(config.database_url.get_secret_value(), autocommit=True)
