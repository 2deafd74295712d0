"""Keys of tables that a user made: the kinds of tables, columns and indexes that can have one, and those that cannot."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from pgdatahub.errors import UndoError
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.rekey import rekey
from pgdatahub.undo.revert import revert
from tests.integration.undo.conftest import Hub

KEYED = "c:\n  key: [no]\n"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root, whose folder c has a key, and an empty database."""
    hub = Hub(database_url, tmp_path)
    hub.configure(KEYED)
    return hub


@pytest.fixture
def clerk(hub: Hub) -> Iterator[str]:
    """The URL of a role that owns nothing; its name is the user."""
    name = f"clerk_{secrets.token_hex(4)}"
    hub.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'clerk'; GRANT CREATE, USAGE ON SCHEMA public TO {name}")
    parts = urlsplit(hub.database_url)
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("passfile="))
    yield parts._replace(netloc=f"{name}:clerk@{parts.netloc.rpartition('@')[2]}", query=query).geturl()
    hub.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


TABLES = {
    "partitioned": (
        "CREATE TABLE {0} (no int PRIMARY KEY, city text) PARTITION BY RANGE (no);"
        "CREATE TABLE {0}_1 PARTITION OF {0} FOR VALUES FROM (1) TO (3); CREATE TABLE {0}_2 PARTITION OF {0} DEFAULT"
    ),
    "constrained": "CREATE TABLE {0} (no int, city text UNIQUE, extra int DEFAULT 7, CONSTRAINT mine UNIQUE (no))",
    "heir": "CREATE TABLE base (no int, city text); CREATE TABLE {0} (UNIQUE (no)) INHERITS (base)",
    "generated": (
        "CREATE TABLE {0} (no numeric(9) PRIMARY KEY, city varchar(9), n int GENERATED ALWAYS AS (length(city)) STORED)"
    ),
    "domain": "CREATE DOMAIN number AS int CHECK (VALUE > 0); CREATE TABLE {0} (no number PRIMARY KEY, city text)",
    "covering": "CREATE TABLE {0} (no int, city text); CREATE UNIQUE INDEX u ON {0} (no DESC NULLS FIRST) INCLUDE (city)",
    "unlogged": "CREATE UNLOGGED TABLE {0} (no smallint PRIMARY KEY, city varchar(5) NOT NULL)",
    "beside": "CREATE TABLE {0} (no int UNIQUE, city text, UNIQUE (no, city) DEFERRABLE)",
    "watched": (
        "CREATE TABLE {0} (no int PRIMARY KEY, city text); CREATE TABLE seen (no int);"
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO seen VALUES (NEW.no); RETURN NEW; END$$;"
        "CREATE TRIGGER see BEFORE UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION see()"
    ),
}


def test_all_kinds_of_tables_of_a_user_take_a_key(hub: Hub) -> None:
    hub.configure("".join(f"{name}:\n  key: [no]\n" for name in TABLES))
    for name, statement in TABLES.items():
        hub.execute(statement.format(name))

    def load(file: str, *rows: tuple[object, ...]) -> None:
        for name in TABLES:
            hub.write(f"{name}/{file}.xlsx", ["no", "city"], rows)
        hub.load()

    def has(*rows: tuple[object, ...]) -> None:
        found = {name: hub.execute(f"SELECT no::int, city FROM {name} ORDER BY 1") for name in TABLES}
        assert found == {name: list(rows) for name in TABLES}

    load("2", (1, "Bern"), (2, "Genf"))
    load("3", (1, "Chur"), (3, "Uri"))
    load("1", (1, "Zug"), (4, "Visp"))
    has((1, "Chur"), (2, "Genf"), (3, "Uri"), (4, "Visp"))
    load("3", (1, "Thun"), (5, "Jura"))
    has((1, "Thun"), (2, "Genf"), (4, "Visp"), (5, "Jura"))
    for one in [one for one in hub.imports() if one.status == "loaded" and one.identity.endswith("/3.xlsx")]:
        hub.revert(import_id=one.id)
    has((1, "Bern"), (2, "Genf"), (4, "Visp"))
    assert [one.differences for one in hub.verify().tables] == [()] * len(TABLES)


def test_an_invalid_index_is_refused(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int, city text); CREATE UNIQUE INDEX mine ON c (no)")
    hub.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mine'::regclass")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    (planned,) = plan(hub.config()).files
    assert planned.failure is not None
    assert "the index mine on (no) is invalid" in planned.failure.message


def test_keys_that_a_collation_holds_equal_are_one(hub: Hub) -> None:
    try:
        hub.execute("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("the server was built without ICU; nox -s servers has it")
    hub.execute("CREATE TABLE c (no text COLLATE nocase PRIMARY KEY, city text)")
    hub.write("c/1.xlsx", ["no", "city"], [["Abc", "Bern"]])
    hub.write("c/2.xlsx", ["no", "city"], [["aBC", "Genf"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM c") == [("aBC", "Genf")]
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT no, city FROM c") == [("Abc", "Bern")]
    hub.write("c/3.xlsx", ["no", "city"], [["x", "Bern"], ["X", "Genf"]])
    (result,) = [one for one in hub.run().results if one.failure is not None]
    assert result.failure is not None
    assert "2 rows have one key (no)" in result.failure.message


def test_elapsed_times_can_be_a_key(hub: Hub) -> None:
    hub.write("c/1.xlsx", ["no", "city"], [[timedelta(hours=30), "Bern"], [timedelta(hours=6), "Genf"]])
    hub.write("c/2.xlsx", ["no", "city"], [[timedelta(hours=30), "Chur"]])
    hub.write("c/3.xlsx", ["no", "city"], [["6:00:00", "Uri"], ["06:00:00", "Zug"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [
        ("06:00:00", "Zug"),
        ("30:00:00", "Chur"),
        ("6:00:00", "Uri"),
    ]
    hub.revert(source_file="3.xlsx", schema=True)
    assert hub.execute("SELECT no::text, city FROM c ORDER BY 1") == [("06:00:00", "Genf"), ("30:00:00", "Chur")]


def test_intervals_of_months_cannot_be_a_key(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no interval PRIMARY KEY, city text); INSERT INTO c VALUES ('1 mon', 'mine')")
    hub.write("c/1.xlsx", ["no", "city"], [[timedelta(hours=30), "Bern"]])
    (result,) = [one.failure for one in hub.run().results if one.failure is not None]
    assert "the column no has intervals with days or months (1 mon)" in result.message


def test_rows_of_a_user_with_an_empty_key_are_left_alone(hub: Hub) -> None:
    hub.execute(
        "CREATE TABLE c (no int UNIQUE, city text); INSERT INTO c VALUES (NULL, 'mine'), (NULL, 'too'), (1, 'old')"
    )
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM c ORDER BY 1, 2") == [(1, "Bern"), (None, "mine"), (None, "too")]
    hub.revert(source_file="1.xlsx", schema=True)
    assert hub.execute("SELECT no, city FROM c ORDER BY 1, 2") == [(1, "old"), (None, "mine"), (None, "too")]


def test_a_value_by_hand_in_the_companion_stops_a_narrowing(hub: Hub) -> None:
    hub.write("c/1.xlsx", ["no", "size"], [[1, 5]])
    hub.write("c/2.xlsx", ["no", "size"], [[1, 6]])
    hub.write("c/3.xlsx", ["no", "size"], [[2, "x"]])
    hub.load()
    hub.execute("UPDATE c_replaced SET size = 'mine'")
    with pytest.raises(UndoError, match=r"would be lost as INTEGER: invalid input syntax for type integer: .mine."):
        hub.revert(source_file="3.xlsx", schema=True)
    hub.execute("UPDATE c_replaced SET size = '5'")
    hub.revert(source_file="3.xlsx", schema=True)
    assert (hub.types("c")["size"], hub.types("c_replaced")["size"]) == ("integer", "integer")


def test_rekey_heals_and_flags_a_table_with_a_primary_key(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, city text); CREATE TABLE child (no int REFERENCES c)")
    for file, rows in (("1", [[1, "Bern"], [2, "Genf"]]), ("2", [[1, "Chur"]]), ("3", [[1, "Uri"], [3, "Zug"]])):
        hub.write(f"c/{file}.xlsx", ["no", "city"], rows)
    hub.load()
    hub.execute("INSERT INTO child VALUES (3); DELETE FROM c WHERE no = 1")
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    rekey(hub.config(), "c")
    assert hub.execute("SELECT no, city, gone FROM c ORDER BY 1") == [
        (1, "Chur", True),
        (2, "Genf", True),
        (3, "Zug", False),
    ]
    assert hub.verify().tables[0].differences != ()  # of the deleted row
    hub.configure(KEYED)
    rekey(hub.config(), "c")
    assert "gone" not in hub.types("c")
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "Bern"), (2, "Genf"), (3, "Zug")]


def test_rekey_names_rows_with_an_empty_key(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [None, "Genf"]])
    hub.load()
    hub.configure(KEYED)
    with pytest.raises(UndoError, match=r"1 row has an empty key \(no\)") as caught:
        rekey(hub.config(), "c")
    assert (caught.value.where or "").endswith("/c/1.xlsx")
    hub.execute("UPDATE c SET no = 2 WHERE no IS NULL; INSERT INTO c (city) VALUES ('mine')")
    with pytest.raises(UndoError) as caught:
        rekey(hub.config(), "c")
    assert (caught.value.where, caught.value.hint) == (
        "c, rows of no file",
        "fill or delete them; or take another key",
    )


def test_a_role_that_does_not_own_the_table_can_load(hub: Hub, clerk: str) -> None:
    role = urlsplit(clerk).username
    hub.execute(
        "CREATE TABLE c (no int PRIMARY KEY, city text, source_file text, load_timestamp timestamp);"
        f"GRANT SELECT, INSERT, DELETE ON c TO {role}"
    )
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Chur"]])

    def failures() -> set[str]:
        planned = [one.failure for one in plan(hub.config(database_url=clerk)).files]
        told = [one.failure for one in run(hub.config(database_url=clerk)).results]
        return {f"{one.message} ({one.hint})" for one in (*planned, *told) if one is not None}

    (lacking,) = failures()
    assert f"the role {role} lacks UPDATE on the table" in lacking
    hub.execute(f"GRANT UPDATE ON c TO {role}")
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    (missing,) = failures()
    assert 'run ALTER TABLE "public"."c" ADD COLUMN "gone" boolean' in missing
    hub.configure(KEYED)
    assert failures() == set()
    assert hub.execute("SELECT no, city FROM c") == [(1, "Chur")]
    revert(hub.config(database_url=clerk), UndoRequest(source_file="2.xlsx"))
    assert hub.execute("SELECT no, city FROM c") == [(1, "Bern")]


def test_a_row_that_cannot_come_back_is_named(hub: Hub) -> None:
    hub.execute("CREATE TABLE towns (id int PRIMARY KEY); INSERT INTO towns VALUES (1), (2)")
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, town int REFERENCES towns)")
    hub.write("c/1.xlsx", ["no", "town"], [[7, 1]])
    hub.write("c/2.xlsx", ["no", "town"], [[7, 2]])
    hub.load()
    hub.execute("DELETE FROM towns WHERE id = 1")
    with pytest.raises(
        UndoError, match=r"c_town_fkey refuses a row of c_replaced .*: Key \(town\)=\(1\) is not present"
    ):
        hub.revert(source_file="2.xlsx")
    hub.execute("INSERT INTO towns VALUES (1); ALTER TABLE c ADD CONSTRAINT large CHECK (town > 1)")
    with pytest.raises(
        UndoError, match=r"large refuses a row of c_replaced that would come back: Failing row contains \(7, 1"
    ):
        hub.revert(source_file="2.xlsx")
    hub.revert(source_file="1.xlsx")
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT * FROM c") == []


def test_a_snapshot_that_foreign_keys_point_to_is_refused(hub: Hub) -> None:
    hub.configure("s:\n  mode: snapshot\n")
    hub.write("s/1.xlsx", ["no"], [[1], [2]])
    hub.load()
    hub.execute("ALTER TABLE s ADD PRIMARY KEY (no); CREATE TABLE child (no int REFERENCES s ON DELETE CASCADE)")
    hub.execute("INSERT INTO child VALUES (1)")
    hub.write("s/2.xlsx", ["no"], [[2], [3]])
    planned = [one.failure.message for one in plan(hub.config()).files if one.failure is not None]
    told = [one.failure.message for one in hub.run().results if one.failure is not None]
    assert planned == told == ["foreign keys of child point to the table, and a snapshot replaces all its rows"]
    assert hub.execute("SELECT no FROM child") == [(1,)]


def test_a_value_that_may_be_there_once_is_named(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, code text CONSTRAINT once UNIQUE)")
    hub.write("c/2.xlsx", ["no", "code"], [[1, "A"], [2, "B"], [3, None], [4, None]])
    hub.load()

    def failure(*rows: list[object]) -> tuple[str, str | None]:
        hub.write("c/3.xlsx", ["no", "code"], rows)
        (found,) = [one.failure for one in hub.run().results if one.failure is not None]
        return found.message, found.where

    message = "another row has the same code, and the table's index once is unique"
    assert failure([7, "C"], [8, "B"]) == (message, "Sheet1 › B3")
    assert failure([7, "C"], [8, "C"]) == (message, "Sheet1 › B3")
    hub.write("c/3.xlsx", ["no", "code"], [[2, "D"], [8, "B"], [9, None]])
    hub.write("c/1.xlsx", ["no", "code"], [[1, "B"]])
    hub.load()  # B is free in time, and the row of 1.xlsx goes beside
    assert hub.execute("SELECT no, code FROM c ORDER BY 1") == [
        (1, "A"),
        (2, "D"),
        (3, None),
        (4, None),
        (8, "B"),
        (9, None),
    ]


@pytest.mark.parametrize("options", ["key: [no]", "mode: snapshot"])
def test_refused_rows_are_told_in_the_tables_names(hub: Hub, options: str) -> None:
    hub.configure(f"c:\n  {options}\n")
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, city text UNIQUE, CONSTRAINT positive CHECK (no > 0))")
    for rows, name in (([[-1, "Bern"]], "positive"), ([[1, "Bern"], [2, "Bern"]], "c_city_key")):
        hub.write("c/1.xlsx", ["no", "city"], rows)
        (result,) = hub.run().results
        assert result.failure is not None
        assert name in result.failure.message
        assert "_hub" not in str(result.failure)


@pytest.mark.parametrize("order", [("c/1.xlsx", "c/2.xlsx"), ("c/2.xlsx", "c/1.xlsx")])
@pytest.mark.parametrize("options", ["key: [no]", "mode: snapshot"])
def test_files_with_and_without_an_identity_load(hub: Hub, options: str, order: tuple[str, str]) -> None:
    hub.configure(f"c:\n  {options}\n")
    hub.execute('CREATE TABLE c ("id" int GENERATED BY DEFAULT AS IDENTITY (START 100), no int UNIQUE, city text)')
    files: dict[str, tuple[list[str], list[list[object]]]] = {
        "c/1.xlsx": (["id", "no", "city"], [[7, 1, "Bern"], [8, 2, "Basel"]]),
        "c/2.xlsx": (["no", "city"], [[2, "Genf"], [3, "Chur"]]),
    }
    for file in order:
        hub.write(file, *files[file])
        hub.load()
    rows = hub.execute("SELECT no, city, id >= 100 FROM c ORDER BY no")
    assert rows[-2:] == [(2, "Genf", True), (3, "Chur", True)]
    assert hub.verify().tables[0].differences == ()
    hub.revert(source_file="c/2.xlsx")
    assert hub.execute("SELECT id, no, city FROM c ORDER BY no") == [(7, 1, "Bern"), (8, 2, "Basel")]


def test_rows_without_an_index_on_the_key_are_refused(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int, city text); INSERT INTO c VALUES (1, 'mine'), (2, 'mine')")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    (planned,) = [file for table in plan(hub.config()).tables for file in table.files]
    (loaded,) = hub.run().results
    assert planned.failure == loaded.failure
    assert loaded.failure is not None
    assert loaded.failure.message == "the table has rows and no unique index on the key (no)"
    assert (
        loaded.failure.hint == "create a unique index on these columns, or delete the rows"
    )  # rekey knows no such table
    hub.execute("CREATE UNIQUE INDEX ON c (no)")
    hub.load()
    assert hub.execute("SELECT no, city FROM c ORDER BY no") == [(1, "Bern"), (2, "mine")]
