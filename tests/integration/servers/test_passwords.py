"""No output shows a password, whatever is in it and whatever goes wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import conninfo, sql

from pgdatahub.cli.app import _run

_HEAD, _TAIL = "Qx7v", "Zk9w"
_CHARACTERS = "%@:/?#[] "
_PLACES = {"first": "{}Qx7vZk9w", "middle": "Qx7v{}Zk9w", "last": "Qx7vZk9w{}"}
_REASONS = {"host": "u:{}@nohost.invalid/d", "password": "{{user}}:{}@{{address}}/{{name}}", "port": "u:{}@h:5x/d"}


@pytest.fixture(scope="module")
def address(server_url: str) -> Iterator[dict[str, str]]:
    """A server's address and a role whose password is another one."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        info = connection.info
        place = info.host if not info.host.startswith("/") else quote(info.host, safe="")
        role = sql.Identifier(f"stranger_{secrets.token_hex(4)}")  # roles belong to the server, which all workers share
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'another'").format(role))
        yield {"user": role.as_string(None).strip('"'), "address": f"{place}:{info.port}", "name": info.dbname}
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("reason", _REASONS)
@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("character", _CHARACTERS)
def test_password_is_in_no_output(
    character: str,
    place: str,
    reason: str,
    debug: str,
    address: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = "postgresql://" + _REASONS[reason].format(_PLACES[place].format(character)).format(**address)
    (tmp_path / ".env").write_text(f"\nDATABASE_URL='{url}'\n")
    (tmp_path / "data/a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBUG", debug)
    code = _run(["run", *(("--format", "json", "--log-format", "json") if debug else ())])
    out, err = capfd.readouterr()
    log = (tmp_path / "etl.log").read_text() if (tmp_path / "etl.log").exists() else ""
    shown = out + err + log
    assert code in (2, 3)
    assert _HEAD not in shown
    assert _TAIL not in shown
    error = err.splitlines()[-1]
    assert f"%{ord(character):02X}" in error
    assert ".env:2" in error


@pytest.mark.parametrize("debug", ["", "1"])
def test_keyword_password_is_in_no_output(
    debug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBUG", debug)
    monkeypatch.setenv("PGPASSWORD", f"{_TAIL}{_HEAD}")
    for text in (
        f"host=h password={_HEAD} {_TAIL}",
        f"host=h password='{_HEAD}",
        f"host=nohost.invalid password={_HEAD}",
    ):
        monkeypatch.setenv("DATABASE_URL", text)
        assert _run(["run"]) in (2, 3)
        assert _run(["config"]) in (0, 2)
    shown = "".join(capfd.readouterr())
    assert _HEAD not in shown
    assert _TAIL not in shown


def test_password_is_masked_in_a_bug_of_a_plugin(tmp_path: Path) -> None:
    from pgdatahub.config.url_masking import secrets_of
    from pgdatahub.load.results import unexpected
    from pgdatahub.testing import make_workbook, source_file

    path = tmp_path / "a.xlsx"
    make_workbook(path, {"Data": [["Id"], [1]]})
    source = source_file(path)
    try:
        raise ValueError(f"cannot reach postgresql://u:{_HEAD}%40{_TAIL}@h/d as {_HEAD}@{_TAIL}")
    except ValueError as error:
        failure = unexpected(source, error, secrets=secrets_of(f"postgresql://u:{_HEAD}%40{_TAIL}@h/d")).failure
    assert failure is not None
    assert _HEAD not in f"{failure.message}{failure.traceback}"


def test_right_password_of_special_characters_connects(server_url: str) -> None:
    from pgdatahub.config.urls import conninfo as checked
    from pgdatahub.postgres.server.connect import open_connection

    parts = conninfo.conninfo_to_dict(server_url)
    with psycopg.connect(server_url, autocommit=True) as connection:
        host, port = connection.info.host, connection.info.port
        connection.execute("CREATE ROLE special LOGIN PASSWORD 'a%@:/?#[]&= b'")
    try:
        place = quote(host, safe="") if host.startswith("/") else host
        url = f"postgresql://special:{quote('a%@:/?#[]&= b', safe='')}@{place}:{port}/{parts['dbname']}"
        open_connection(checked(url)).close()
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute("DROP ROLE special")
