"""The server is made and answers for any home, user and environment."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.embedded.binaries import find_binaries

if TYPE_CHECKING:
    from tests.integration.embedded.conftest import StartClient

_ROOT = os.geteuid() == 0
_SYSTEM_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _connects(server: EmbeddedServer) -> bool:
    with psycopg.connect(server.url()) as by_url, psycopg.connect(server.url(password=True)) as by_password:
        return by_url.execute("SELECT 1").fetchone() == by_password.execute("SELECT 1").fetchone() == (1,)


def _stranger() -> int:
    """Return the user id of an unprivileged account that is not the server's."""
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        pytest.skip("there is no account nobody")


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "100%25 of 'it' \"all\", $HOME `id` \\ & ; #é 数据",
        "long-" + "x" * 120,
        "comma,",
    ],
    ids=["space", "everything", "long", "comma"],
)
def test_any_name_of_the_home_works(movable_home: Path, place: Path, name: str) -> None:
    home = place / name
    movable_home.rename(home)
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert _connects(server)
        sockets = server.status().socket_directory
        assert sockets is not None
        facts = sockets.lstat()
        assert facts.st_mode & 0o777 == 0o700
        assert facts.st_uid == (home / "server/data").lstat().st_uid
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert server.status().socket_directory == sockets, "a start must not leave a new directory each time"
    if home not in sockets.parents:
        shutil.rmtree(sockets)


def test_a_new_server_is_made_in_a_home_of_any_name(place: Path) -> None:
    home = place / "sous répertoire" / '100% $HOME\'s "data"'
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert _connects(server)
        sockets = server.status().socket_directory
    assert sockets is not None
    if home not in sockets.parents:
        shutil.rmtree(sockets)


def test_socket_directory_of_another_user_is_not_used(movable_home: Path, place: Path) -> None:
    home = place / "comma,"
    movable_home.rename(home)
    server = EmbeddedServer(EmbeddedSettings(home=home))
    with server:
        first = server.status().socket_directory
    assert first is not None
    first.chmod(0o755)
    with server:
        second = server.status().socket_directory
    assert second is not None
    assert second != first
    shutil.rmtree(first)
    shutil.rmtree(second)


def test_a_home_behind_a_link_is_the_same_home(home: Path, place: Path) -> None:
    (place / "link").symlink_to(home)
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert EmbeddedServer(EmbeddedSettings(home=place / "link")).url() == server.url()


def test_locale_and_variables_of_other_servers_change_nothing(place: Path, start_client: StartClient) -> None:
    environment = {
        "LC_ALL": "de_DE.UTF-8",
        "LANG": "xx_YY.UTF-8",
        "LANGUAGE": "de",
        "PGPORT": "6000",
        "PGDATA": "/nonexistent",
        "PGHOST": "db.example.com",
        "PGHOSTADDR": "192.0.2.1",
        "PGUSER": "someone",
        "PGPASSWORD": "another server's",
        "PGDATABASE": "elsewhere",
        "PGPASSFILE": "/nonexistent",
        "PGSSLMODE": "verify-full",
        "PGCHANNELBINDING": "require",
        "PGREQUIREPEER": "someone",
        "PGTARGETSESSIONATTRS": "standby",
    }
    misled = start_client(place / "home", environment=environment)
    url = misled.attached()
    plain = start_client(place / "home")
    assert plain.attached() == url
    misled.release()
    plain.release()


def test_the_server_process_does_not_get_the_clients_secrets(home: Path, start_client: StartClient) -> None:
    client = start_client(home, environment={"DATABASE_URL": "postgresql://u:hunter2@db/x", "PGPASSWORD": "hunter2"})
    client.attached()
    postmaster = (home / "server/data/postmaster.pid").read_text(encoding="utf-8").split()[0]
    environment = Path(f"/proc/{postmaster}/environ").read_bytes()
    assert b"LC_ALL=C" in environment
    assert b"hunter2" not in environment
    client.release()


def test_a_home_that_is_open_to_others_is_refused(home: Path) -> None:
    (home / "server").chmod(0o777)
    try:
        with pytest.raises(DatabaseError, match="open to other users") as refused:
            EmbeddedServer(EmbeddedSettings(home=home)).attach()
    finally:
        (home / "server").chmod(0o711 if _ROOT else 0o700)
    assert refused.value.hint is not None
    assert "chmod" in refused.value.hint


def test_a_password_file_that_is_open_to_others_is_refused(home: Path) -> None:
    (home / "server/password").chmod(0o644)
    try:
        with pytest.raises(DatabaseError, match="password file is open to other users"):
            EmbeddedServer(EmbeddedSettings(home=home)).attach()
    finally:
        (home / "server/password").chmod(0o600)


def test_a_home_that_is_a_file_is_refused(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(DatabaseError, match="cannot create a directory"):
        EmbeddedServer(EmbeddedSettings(home=place / "file")).attach()


@pytest.mark.skipif(not _SYSTEM_PROGRAMS, reason="no PostgreSQL of the system's own")
def test_named_programs_are_used_and_data_keeps_its_version(place: Path) -> None:
    bindir = _SYSTEM_PROGRAMS[-1]
    home = place / "home"
    with EmbeddedServer(EmbeddedSettings(home=home, bindir=bindir)) as server:
        assert _connects(server)
        version = server.status().version
    assert version is not None
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert server.status().version == version
    wheel = find_binaries(None, data_major=None, recorded=None)
    if wheel.major != int(version.split(".")[0]):
        with pytest.raises(DatabaseError, match="data needs PostgreSQL"):
            EmbeddedServer(EmbeddedSettings(home=home, bindir=wheel.directory)).attach()


def test_an_ordinary_user_has_a_server_of_their_own(place: Path, start_client: StartClient) -> None:
    if not _ROOT:
        pytest.skip("the other tests run as an ordinary user already")
    user = _stranger()
    theirs = place / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, user, user)
    client = start_client(theirs, user=user)
    client.attached()
    assert (theirs / "server/data").lstat().st_uid == user
    postmaster = (theirs / "server/data/postmaster.pid").read_text(encoding="utf-8").split()[0]
    assert Path(f"/proc/{postmaster}").lstat().st_uid == user
    assert client.release().count("\n") == 1, "only where the data is; no account, no copy"
    assert not (theirs / "server/data/postmaster.pid").exists()


def test_another_local_user_reaches_neither_socket_nor_password(
    home: Path, start_client: StartClient, python_of: Callable[[int], str]
) -> None:
    if not _ROOT:
        pytest.skip("only root can be another user")
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        code = "import psycopg, sys; psycopg.connect(sys.argv[1])"
        done = subprocess.run(
            [python_of(_stranger()), "-c", code, server.url(password=True)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            user=_stranger(),
            group=_stranger(),
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode != 0
        assert "Permission denied" in done.stderr
        client = start_client(home, user=_stranger())
        _, errors = client.process.communicate()
        assert "belongs to another user" in errors


def test_root_never_runs_the_server_itself_nor_as_postgres(home: Path) -> None:
    if not _ROOT:
        pytest.skip("not root")
    with EmbeddedServer(EmbeddedSettings(home=home)):
        postmaster = (home / "server/data/postmaster.pid").read_text(encoding="utf-8").split()[0]
        assert pwd.getpwuid(Path(f"/proc/{postmaster}").lstat().st_uid).pw_name == "pgdatahub"
        groups = re.search(
            r"^Groups:(.*)$", Path(f"/proc/{postmaster}/status").read_text(encoding="utf-8"), re.MULTILINE
        )
        assert groups is not None
        assert groups[1].split() == [], "root's groups must not come along"


def test_server_of_root_runs_if_account_cannot_reach_programs(place: Path, start_client: StartClient) -> None:
    if not _ROOT:
        pytest.skip("not root")
    wheel = find_binaries(None, data_major=None, recorded=None)
    if not wheel.wheel:
        pytest.skip("the wheel is not installed")
    package = wheel.directory.parent.parent
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for original in (package, package.with_name(f"{package.name}.libs")):
        if original.exists():
            (closed / original.name).symlink_to(original)
    home = place / "home"
    environment = {"PYTHONPATH": str(closed)}
    clients = [start_client(home, environment=environment), start_client(home, environment=environment)]
    for client in clients:
        client.attached()
    postmaster = (home / "server/data/postmaster.pid").read_text(encoding="utf-8").split()[0]
    program = Path(f"/proc/{postmaster}/exe").readlink()
    assert program.is_relative_to(home / "bin")
    assert "".join(client.release() for client in clients).count("copying PostgreSQL") == 1
    again = start_client(home, environment=environment)
    again.attached()
    assert again.release() == "", "the copy is used again"
    for path in (home / "bin").rglob("*"):
        assert path.lstat().st_uid == 0
        assert path.is_symlink() or path.lstat().st_mode & 0o022 == 0, f"{path} could be changed by others"


def test_root_is_told_of_a_home_that_the_account_cannot_reach(place: Path) -> None:
    if not _ROOT:
        pytest.skip("not root")
    (place / "closed").mkdir(mode=0o700)
    with pytest.raises(DatabaseError, match="cannot enter the server's directory") as refused:
        EmbeddedServer(EmbeddedSettings(home=place / "closed" / "home")).attach()
    assert refused.value.hint is not None
    assert "PGDATAHUB_HOME" in refused.value.hint
    assert (place / "closed").lstat().st_mode & 0o777 == 0o700, "a directory that is there is never opened"


def test_an_account_that_does_not_exist_is_named(place: Path) -> None:
    if not _ROOT:
        pytest.skip("not root")
    with pytest.raises(DatabaseError, match="account 'no-such-account' not found"):
        EmbeddedServer(EmbeddedSettings(home=place / "home", os_user="no-such-account")).attach()
    with pytest.raises(DatabaseError, match="cannot run as root"):
        EmbeddedServer(EmbeddedSettings(home=place / "home", os_user="root")).attach()


def test_data_of_another_account_is_not_taken_over(home: Path) -> None:
    if not _ROOT:
        pytest.skip("not root")
    with pytest.raises(DatabaseError, match="belongs to the account 'pgdatahub', not to the account 'nobody'"):
        EmbeddedServer(EmbeddedSettings(home=home, os_user="nobody")).attach()


def test_a_url_is_percent_encoded(movable_home: Path, place: Path) -> None:
    home = place / "a b%c"
    movable_home.rename(home)
    with EmbeddedServer(EmbeddedSettings(home=home)) as server:
        assert quote(str(home / "server/password"), safe="") in server.url()
        assert " " not in server.url()
