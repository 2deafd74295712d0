"""Empty databases for tests, used again where nothing of the last test is left.

``CREATE DATABASE`` and ``DROP DATABASE`` together take 0.06 s of the server's processor time, and a drop waits for a
checkpoint. To drop a test's tables and compare the catalogs with those of an empty database takes half of it.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from pgdatahub.postgres.server.temporary import drop_database

MOST_USES = 25
"""Uses of one database: dead rows gather in its catalogs."""
_LIMITS = "-c lock_timeout=2s -c statement_timeout=20s"
_OTHER_SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_CLEAR = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT nspname FROM pg_namespace WHERE nspname NOT IN ('public', 'information_schema') AND nspname !~ '^pg_'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', found.nspname);
    END LOOP;
    FOR found IN
        SELECT oid, relname,
               CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                            WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
          FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
         ORDER BY relkind IN ('S', 'c')  -- the sequence of a column goes with its table
    LOOP
        IF EXISTS (SELECT FROM pg_class WHERE oid = found.oid) THEN
            EXECUTE format('DROP %s public.%I CASCADE', found.kind, found.relname);
        END IF;
    END LOOP;
    FOR found IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    LOOP
        IF EXISTS (SELECT FROM pg_proc WHERE oid = found.oid) THEN
            EXECUTE format('DROP ROUTINE %s CASCADE', found.oid::regprocedure);
        END IF;
    END LOOP;
    FOR found IN SELECT oid, typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    LOOP
        IF EXISTS (SELECT FROM pg_type WHERE oid = found.oid) THEN
            EXECUTE format('DROP TYPE public.%I CASCADE', found.typname);
        END IF;
    END LOOP;
END
$$
"""
_COUNTED = (
    *("am", "amop", "attribute", "cast", "class", "collation", "constraint", "conversion", "default_acl", "depend"),
    *("event_trigger", "extension", "foreign_data_wrapper", "foreign_server", "language", "largeobject_metadata"),
    *("opclass", "operator", "policy", "proc", "publication", "rewrite", "seclabel", "statistic_ext", "transform"),
    *("trigger", "ts_config", "ts_dict", "type"),
)
_STATE = f"""
SELECT (SELECT json_agg(n ORDER BY nspname) FROM pg_namespace n WHERE nspname !~ '^pg_(toast_)?temp_')::text,
       (SELECT concat_ws(' ', datdba, datconnlimit, datallowconn, datacl) FROM pg_database WHERE datname = current_database()),
       (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database()),
       (SELECT count(*) FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid WHERE datname = current_database()),
       (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
       (SELECT count(*) {_OTHER_SESSIONS}),
       (SELECT count(relacl) FROM pg_class),
       (SELECT count(proacl) FROM pg_proc),
       {", ".join(f"(SELECT count(*) FROM pg_{name})" for name in _COUNTED)}
"""


def with_database(url: str, database: str) -> str:
    """Return ``url`` with another database in it."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{database}{query}"


@dataclass(slots=True, kw_only=True)
class DatabasePool:
    """Databases of a test run's worker on one server.

    Attributes:
        server_url: The URL of any database of the server, with a role that may create databases.
    """

    server_url: str
    _uses: dict[str, int] = field(default_factory=dict)
    _idle: list[str] = field(default_factory=list)
    _empty: tuple[object, ...] | None = None

    def take(self) -> str:
        """Return the name of an empty database that is used by nothing else."""
        if self._idle:
            name = self._idle.pop()
        else:
            name = f"test_{secrets.token_hex(6)}"
            with psycopg.connect(self.server_url, autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            self._uses[name] = 0
        if self._empty is None:
            with suppress(psycopg.Error), self._connect(name) as connection:  # the role may not see all
                self._empty = _state(connection)
        self._uses[name] += 1
        return name

    def give_back(self, name: str) -> None:
        """Keep the database for another test if it can be emptied without a trace, else drop it."""
        if self._uses[name] < MOST_USES and self._cleared(name):
            self._idle.append(name)
        else:
            del self._uses[name]
            drop_database(self.server_url, name)

    def close(self) -> None:
        """Drop all databases."""
        for name in self._uses:
            drop_database(self.server_url, name)
        self._uses.clear()
        self._idle.clear()

    def _cleared(self, name: str) -> bool:
        try:
            with self._connect(name) as connection:
                _end_sessions(connection)
                connection.execute(_CLEAR)
                return self._empty is not None and _state(connection) == self._empty
        except (
            psycopg.Error
        ):  # the test took the role's rights, left an event trigger, or the server has another syntax
            return False

    def _connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(with_database(self.server_url, name), autocommit=True, options=_LIMITS)


def _state(connection: psycopg.Connection[tuple[object, ...]]) -> tuple[object, ...] | None:
    return connection.execute(_STATE.encode()).fetchone()


def _end_sessions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    latest = time.monotonic() + 5
    while connection.execute(f"SELECT pg_terminate_backend(pid) {_OTHER_SESSIONS}".encode()).fetchall():
        if time.monotonic() > latest:
            return
        time.sleep(0.005)
