"""Views in the way of a change of type: refused by default, or dropped and made again in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgdatahub import plan
from pgdatahub.config import Config, load_config
from pgdatahub.errors import UndoError
from pgdatahub.model.results import FileResult
from pgdatahub.runs.plans.result import FilePlan
from pgdatahub.runs.run import Selection, run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert, revert_schema
from tests.integration.runs.conftest import write_workbook
from tests.integration.servers.test_settings import load

STATE = """
    SELECT c.relname, pg_get_viewdef(c.oid), c.reloptions, pg_get_userbyid(c.relowner),
           (SELECT array_agg(x::text ORDER BY x::text)
              FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x),
           obj_description(c.oid, 'pg_class'),
           (SELECT array_agg((a.attname, a.attacl::text, col_description(c.oid, a.attnum))::text ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = c.oid),
           (SELECT array_agg((tgname, tgenabled, pg_get_triggerdef(t.oid))::text ORDER BY tgname)
              FROM pg_trigger t WHERE tgrelid = c.oid),
           (SELECT array_agg((rulename, ev_enabled, pg_get_ruledef(r.oid))::text ORDER BY rulename)
              FROM pg_rewrite r WHERE ev_class = c.oid),
           (SELECT array_agg(pg_get_expr(adbin, adrelid)) FROM pg_attrdef WHERE adrelid = c.oid)
      FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
VIEWS = """
    GRANT SELECT ON t TO {reader};
    CREATE VIEW plain AS SELECT id, amount, amount AS "as it is" FROM t;
    CREATE VIEW barred WITH (security_barrier = true, check_option = local) AS SELECT * FROM t WHERE id > 0;
    CREATE VIEW upon AS SELECT p.id, b.amount FROM plain p JOIN barred b USING (id);
    CREATE VIEW upon_both AS SELECT u.amount, p."as it is" FROM upon u, plain p;
    CREATE VIEW elsewhere AS SELECT id FROM t;
    COMMENT ON VIEW plain IS 'it''s plain {0} %s';
    COMMENT ON COLUMN plain."as it is" IS 'a column';
    ALTER VIEW plain ALTER COLUMN id SET DEFAULT 7;
    CREATE RULE instead AS ON INSERT TO upon DO INSTEAD NOTHING;
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER no_delete INSTEAD OF DELETE ON upon FOR EACH ROW EXECUTE FUNCTION nothing();
    COMMENT ON TRIGGER no_delete ON upon IS 'none go';
    GRANT SELECT ON plain TO PUBLIC;
    GRANT SELECT, UPDATE ON upon TO {reader} WITH GRANT OPTION;
    GRANT SELECT (amount) ON barred TO {reader};
    REVOKE ALL ON upon_both FROM CURRENT_USER;
    ALTER VIEW barred OWNER TO {reader};
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader};
"""


@pytest.fixture
def reader(database_url: str) -> Iterator[str]:
    """A role that may read."""
    with temporary_role(database_url, "reader") as role:
        execute(database_url, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
        yield role


@contextmanager
def temporary_role(url: str, name: str) -> Iterator[str]:
    """Make a role whose name begins with this one, and drop it with all that it owns."""
    role = f"{name}_{secrets.token_hex(4)}"
    execute(url, f"CREATE ROLE {role}")
    yield role
    execute(url, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(text.encode()).fetchall()


def config_of(url: str, directory: Path) -> Config:
    return load_config(overrides={"database_url": url, "workers": 1}, directory=directory)


def prepare(url: str, directory: Path, *, policy: str = "recreate") -> None:
    (directory / "config").mkdir(exist_ok=True)
    (directory / "config/etl_config.yaml").write_text(f"t:\n  views: {policy}\n")
    write_workbook(directory / "data/t/a.xlsx", [["id", "amount"], [1, 5]])
    assert load(url, directory).exit_code == 0


def widen(url: str, directory: Path) -> FileResult:
    write_workbook(directory / "data/t/b.xlsx", [["id", "amount"], [2, "n/a"]])
    return next(result for result in load(url, directory).results if result.source.identity == "t/b.xlsx")


def plan_of_b(url: str, directory: Path) -> FilePlan:
    return next(file for file in plan(config_of(url, directory)).files if file.file == "t/b.xlsx")


def type_of_amount(url: str) -> str:
    return str(query(url, "SELECT pg_typeof(amount)::text FROM t LIMIT 1")[0][0])


def test_views_are_made_again_as_they_were(database_url: str, reader: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, VIEWS.replace("{reader}", reader))
    before = query(database_url, STATE)
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "amount"], [2, "n/a"]])
    planned = plan_of_b(database_url, tmp_path)
    result = widen(database_url, tmp_path)
    assert result.failure is None
    for notices, verb in ((planned.notices, "recreates "), (result.notices, "recreated ")):
        (told,) = (notice for notice in notices if notice.startswith("recreate"))
        assert told.startswith(verb)
        assert "whether" not in told or notices is planned.notices
        assert all(name in told for name in ("plain", "barred", "upon", "upon_both"))
        assert "elsewhere" not in told
    assert type_of_amount(database_url) == "text"
    assert query(database_url, STATE) == before
    assert query(database_url, "SELECT id, amount FROM upon ORDER BY 1") == [(1, "5"), (2, "n/a")]


def test_revert_with_schema_recreates_views(database_url: str, reader: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, VIEWS.replace("{reader}", reader))
    before = query(database_url, STATE)
    assert widen(database_url, tmp_path).failure is None
    done = revert(config_of(database_url, tmp_path), UndoRequest(source_file="t/b.xlsx", schema=True))
    (told,) = (note for note in done.plan.notes if "recreate" in note)
    assert told.startswith("recreated view plain, ")
    assert "whether" not in told
    assert type_of_amount(database_url) == "integer"
    assert query(database_url, STATE) == before


def test_revert_schema_recreates_views(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, "CREATE VIEW plain AS SELECT amount FROM t; CREATE VIEW upon AS SELECT amount FROM plain")
    before = query(database_url, STATE)
    assert widen(database_url, tmp_path).failure is None
    revert(config_of(database_url, tmp_path), UndoRequest(source_file="t/b.xlsx"))
    assert type_of_amount(database_url) == "text"
    config = config_of(database_url, tmp_path)
    undone = revert_schema(config, table="t", source_file="t/b.xlsx", dry_run=True)
    assert "recreates view plain, view upon" in undone.plan.notes
    done = revert_schema(config, table="t", source_file="t/b.xlsx")
    assert "recreated view plain, view upon" in done.plan.notes
    assert type_of_amount(database_url) == "integer"
    assert query(database_url, STATE) == before


def test_reload_recreates_views(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, "CREATE VIEW plain AS SELECT amount FROM t; CREATE VIEW upon AS SELECT amount FROM plain")
    before = query(database_url, STATE)
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  views: recreate\n  columns: {amount: {type: text}}\n")
    reload = Selection(reload=(tmp_path / "data/t/a.xlsx",))
    (result,) = run(config_of(database_url, tmp_path), selection=reload).results
    assert result.failure is None
    assert "recreated view plain, view upon" in result.notices
    assert type_of_amount(database_url) == "text"
    assert query(database_url, STATE) == before
    assert query(database_url, "SELECT amount FROM upon") == [("5",)]


def test_replaced_file_recreates_views(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  views: recreate\n  on_changed: replace\n")
    execute(database_url, "CREATE VIEW plain AS SELECT amount FROM t")
    before = query(database_url, STATE)
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "amount"], [1, "none"]])
    (result,) = load(database_url, tmp_path).results
    assert "recreated view plain" in result.notices
    assert query(database_url, STATE) == before
    assert query(database_url, "SELECT amount FROM plain") == [("none",)]


def test_views_stop_the_file_by_default(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path, policy="fail")
    execute(database_url, "CREATE VIEW plain AS SELECT amount FROM t; CREATE VIEW upon AS SELECT * FROM plain")
    failure = widen(database_url, tmp_path).failure
    assert failure is not None
    assert "view plain (uses amount)" in failure.message
    assert "view upon upon it" in failure.message
    assert "views: recreate" in str(failure.hint)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ("CREATE MATERIALIZED VIEW m AS SELECT amount FROM plain", "materialized view m"),
        ("CREATE FUNCTION f(plain) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function f(plain)"),
        ("CREATE TABLE u (p plain)", "column p of table u"),
        ("CREATE VIEW sums AS SELECT sum(amount) FROM t", "view sums cannot be made again: function sum(text)"),
        ("CREATE VIEW sums AS SELECT sum(amount) FROM plain", "view sums cannot be made again: function sum(text)"),
        ("CREATE VIEW u AS SELECT amount FROM t UNION SELECT 1", "view u cannot be made again: UNION types text"),
        ("CREATE SCHEMA s; CREATE VIEW s.big AS SELECT amount > 5 FROM t", "view s.big cannot be made again: operator"),
    ],
)
def test_what_cannot_be_recreated_fails_the_file_untouched(
    statements: str, reason: str, database_url: str, tmp_path: Path
) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, f"CREATE VIEW plain AS SELECT amount FROM t; {statements}")
    before = query(database_url, STATE)
    failure = widen(database_url, tmp_path).failure
    planned = plan_of_b(database_url, tmp_path)
    assert planned.action == "fail"
    for told in (failure, planned.failure):
        assert told is not None
        assert told.message.count(reason) == 1
        assert told.where == "table t"
    assert type_of_amount(database_url) == "integer"
    assert query(database_url, STATE) == before


UNPROVED = {
    "row type": "CREATE FUNCTION shown(t) RETURNS text LANGUAGE sql AS $$ SELECT 'x'::text $$; CREATE VIEW v AS SELECT amount, shown(t) FROM t",
    "lock": "CREATE VIEW v AS SELECT amount FROM t FOR UPDATE",
    "system column": "CREATE VIEW v AS SELECT amount, ctid AS place FROM t",
    "key": "ALTER TABLE t ADD PRIMARY KEY (id); CREATE VIEW v AS SELECT amount, id FROM t GROUP BY id",
    "two names": "CREATE SCHEMA s; CREATE VIEW s.t AS SELECT amount FROM t; CREATE VIEW v AS SELECT * FROM s.t",
    "own expression": "CREATE VIEW v AS WITH t AS (SELECT amount FROM public.t) TABLE t",
    "rule": "CREATE VIEW v AS SELECT amount FROM t; CREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("statements", UNPROVED.values(), ids=UNPROVED)
def test_plan_tells_views_that_only_the_load_can_prove(statements: str, database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(database_url, statements)
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "amount"], [2, "n/a"]])
    planned = plan_of_b(database_url, tmp_path)
    assert planned.failure is None, planned.failure.message
    (told,) = (notice for notice in planned.notices if notice.startswith("recreates"))
    assert "only the change itself shows whether" in told
    assert "view v" in told.partition("whether")[2]
    assert widen(database_url, tmp_path).failure is None


def test_view_that_breaks_in_the_load_is_named_once(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    execute(
        database_url,
        "CREATE VIEW v AS SELECT amount FROM t; CREATE RULE r AS ON INSERT TO v DO INSTEAD UPDATE t SET amount = 1"
        " WHERE amount = new.amount + 1",
    )
    failure = widen(database_url, tmp_path).failure
    assert failure is not None
    assert f"{failure.where}: {failure.message}".count("view v") == 1
    assert type_of_amount(database_url) == "integer"


def test_undo_refuses_views_that_the_old_type_breaks(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    assert widen(database_url, tmp_path).failure is None
    execute(database_url, "CREATE VIEW long AS SELECT amount || '!' AS x, length(amount) FROM t")
    request = UndoRequest(source_file="t/b.xlsx", schema=True)
    undo = revert(config_of(database_url, tmp_path), request, dry_run=True)
    (refusal,) = undo.plan.refusals
    assert "view long cannot be made again: function length(integer)" in refusal.reason
    with pytest.raises(UndoError, match="view long"):
        revert(config_of(database_url, tmp_path), request)
    assert type_of_amount(database_url) == "text"
    assert query(database_url, "SELECT count(*) FROM t") == [(2,)]


def test_undo_without_the_option_refuses(database_url: str, tmp_path: Path) -> None:
    prepare(database_url, tmp_path)
    assert widen(database_url, tmp_path).failure is None
    execute(database_url, "CREATE VIEW plain AS SELECT amount FROM t")
    (tmp_path / "config/etl_config.yaml").unlink()
    with pytest.raises(UndoError, match="view plain"):
        revert(config_of(database_url, tmp_path), UndoRequest(source_file="t/b.xlsx", schema=True))


@pytest.fixture
def reader_url(database_url: str, reader: str) -> str:
    """The database's URL for the reader, who may also create schemas."""
    execute(database_url, f"ALTER ROLE {reader} LOGIN PASSWORD 'reader'")
    info = psycopg.conninfo.conninfo_to_dict(database_url)
    with psycopg.connect(database_url) as connection:
        host, port = connection.info.host, connection.info.port
    execute(database_url, f"GRANT CREATE ON DATABASE {info['dbname']} TO {reader}")
    return f"host={host} port={port} dbname={info['dbname']} user={reader} password=reader"


@pytest.fixture
def other(database_url: str) -> Iterator[str]:
    """Another role, with no rights."""
    with temporary_role(database_url, "other") as role:
        yield role


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (
            "GRANT SELECT ON s.v TO {other} WITH GRANT OPTION; SET ROLE {other}; GRANT SELECT ON s.v TO pg_monitor",
            "has grants by the role",
        ),
        ("GRANT {other} TO {reader}; GRANT SELECT ON t TO {other}; ALTER VIEW s.v OWNER TO {other}", "it lacks CREATE"),
        (
            "ALTER SCHEMA s OWNER TO {other}; GRANT USAGE ON SCHEMA s TO {reader}",
            "this role lacks CREATE on the schema s",
        ),
    ],
    ids=["grantor", "owner", "schema"],
)
def test_rights_to_recreate_a_view_are_foreseen(
    statements: str, reason: str, reader_url: str, reader: str, other: str, database_url: str, tmp_path: Path
) -> None:
    prepare(reader_url, tmp_path)
    execute(reader_url, "CREATE SCHEMA s; CREATE VIEW s.v AS SELECT amount FROM t")
    execute(database_url, "GRANT USAGE ON SCHEMA s TO PUBLIC;" + statements.format(reader=reader, other=other))
    before = query(database_url, STATE)
    failure = widen(reader_url, tmp_path).failure
    planned = plan_of_b(reader_url, tmp_path)
    assert planned.action == "fail"
    for told in (failure, planned.failure):
        assert told is not None
        assert reason in told.message
    assert query(database_url, STATE) == before


def test_view_of_another_role_fails_the_file(database_url: str, reader_url: str, tmp_path: Path) -> None:
    url = reader_url
    prepare(url, tmp_path)
    execute(database_url, "CREATE VIEW theirs AS SELECT amount FROM t")
    failure = widen(url, tmp_path).failure
    assert failure is not None
    assert "view theirs belongs to the role" in failure.message
