"""The directory that holds one server, and what must be true of it before anything is done there.

Layout, below the home (``PGDATAHUB_HOME``)::

    server/             owned by the client's user; 0700, or 0711 for root, whose server runs as another account
        admin.lock      clients.lock      server.lock       see locks.py
        password        libpq password file, 0600
        pgdatahub.conf  parameters, written at each start    server.json      where it listens, and its programs
        keep.json       there while `db start` wants the server to stay
        postgres.log    postgres.log.1
        s/              the socket, 0700
        data/           the cluster, 0700: there only if initdb had finished
    bin/                copies of the programs, where the account could not reach them (root only)
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.account import Account, is_root
from pgdatahub.postgres.embedded.programs import run_program

_ANOTHER = "set PGDATAHUB_HOME to another directory"
# A socket's path has at most 107 bytes on Linux and 103 on macOS; "/.s.PGSQL.65535" is 15 of them.
_SOCKET_DIRECTORY_BYTES = 103 - 15
# Locks and sockets of one host mean nothing on the next one that mounts these, and two servers on one data directory
# destroy it. File systems of virtual machines (9p, virtiofs) and overlays are not here: one kernel serves them.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "ncpfs"}
    | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "s3fs", "gcsfuse", "rclone", "ceph", "mfs", "juicefs")}
)


class Home:
    """The paths of one server.

    Args:
        requested: Directory that the settings name; None means the user's data directory.
    """

    def __init__(self, requested: Path | None) -> None:
        root = requested.expanduser() if requested is not None else _default()
        # One directory has one name, also if a link leads to it.
        self.root = Path(os.path.realpath(root))
        self.server = self.root / "server"
        self.data = self.server / "data"
        self.admin_lock = self.server / "admin.lock"
        self.clients_lock = self.server / "clients.lock"
        self.server_lock = self.server / "server.lock"
        self.password = self.server / "password"
        self.configuration = self.server / "pgdatahub.conf"
        self.record = self.server / "server.json"
        self.keep = self.server / "keep.json"
        self.log = self.server / "postgres.log"
        self.binaries = self.root / "bin"

    def prepare(self) -> None:
        """Make the directories that are absent, and check those that are there.

        Raises:
            DatabaseError: They cannot be made, are open to others, or are on a network file system.
        """
        path = str(self.root)
        if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in path):
            raise DatabaseError("the embedded server's home has control characters or is not UTF-8", hint=_ANOTHER)
        try:
            for directory in (self.root, self.server):
                _make_directory(directory)
        except OSError as error:
            raise DatabaseError(
                f"cannot make a directory for the embedded server: {error.strerror}",
                where=str(error.filename or self.server),
                hint=_ANOTHER,
            ) from error
        self.check()

    def exists(self) -> bool:
        """Whether a server has ever been asked for here."""
        return os.path.lexists(self.server)

    def check(self) -> None:
        """Check that the directory is a private one of ours, on a local disk.

        Raises:
            DatabaseError: It is not.
        """
        try:
            facts = self.server.lstat()
        except OSError as error:
            raise DatabaseError(
                f"cannot look at the embedded server's directory: {error.strerror}",
                where=str(self.server),
                hint=_ANOTHER,
            ) from error
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise DatabaseError(
                "the embedded server's directory belongs to another user", where=str(self.server), hint=_ANOTHER
            )
        allowed = 0o711 if is_root() else 0o700
        if stat.S_IMODE(facts.st_mode) & ~allowed:
            raise DatabaseError(
                "the embedded server's directory is open to other users",
                where=str(self.server),
                hint=f"chmod {allowed:o} it, or {_ANOTHER}",
            )
        file_system = _file_system(self.server)
        if file_system in _NETWORK_FILE_SYSTEMS:
            raise DatabaseError(
                f"the embedded server cannot keep its data on a network file system ({file_system})",
                where=str(self.server),
                hint="set PGDATAHUB_HOME to a directory on a local disk",
            )

    def data_major(self) -> int | None:
        """Return the major version of PostgreSQL that made the data; None if there is none yet.

        Raises:
            DatabaseError: The data directory is not a cluster.
        """
        if not os.path.lexists(self.data):
            return None
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii").strip().partition(".")[0])
        except (OSError, ValueError) as error:
            raise DatabaseError(
                "the embedded server's data directory is damaged: it has no readable PG_VERSION",
                where=str(self.data),
                hint="restore it, or move it away to begin with an empty database",
            ) from error

    def data_owner(self) -> int | None:
        """Return the user id that the data belongs to; None if there is none yet."""
        try:
            return self.data.lstat().st_uid
        except FileNotFoundError:
            return None

    def socket_directory(self, account: Account, recorded: Path | None) -> Path:
        """Return the directory for the socket, made if need be: 0700, of the account's own.

        It is below the home if a socket's path may be so long and libpq can name it, else one with a random name in the
        temporary directory.

        Args:
            account: Whom the server runs as.
            recorded: The directory that the last start used.
        """
        directory = self.server / "s"
        name = os.fsencode(directory)
        # libpq takes a comma as the end of one host; the server would need the others escaped twice.
        if len(name) <= _SOCKET_DIRECTORY_BYTES and not set(b",'\"\\@") & set(name):
            if not os.path.lexists(directory):
                directory.mkdir(mode=0o700)
                os.chown(directory, account.uid, account.gid)
            if not _is_private(directory, account.uid):
                raise DatabaseError(
                    "the directory for the embedded server's socket is not private",
                    where=str(directory),
                    hint="remove it, and it will be made anew",
                )
            return directory
        if recorded is not None and recorded != directory and _is_private(recorded, account.uid):
            return recorded
        # mkdtemp: 0700, and a name that nobody could have taken beforehand.
        shortest = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108 (only as mkdtemp's parent)
        directory = Path(tempfile.mkdtemp(prefix="pgdatahub-", dir=shortest))
        os.chown(directory, account.uid, account.gid)
        return directory

    def remove_unfinished(self) -> None:
        """Remove what an initdb that was killed has left behind."""
        for path in self.server.glob("init-*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def require_passage(account: Account, directory: Path) -> None:
    """Check that the account reaches a directory of ours.

    Raises:
        DatabaseError: One of its parents does not let the account pass.
    """
    if not is_root():
        return
    try:
        run_program(Path("/bin/sh"), ["-c", 'cd -- "$0"', directory], account=account)
    except DatabaseError as error:
        raise DatabaseError(
            f"the account {account.name!r}, which the embedded server runs as, cannot reach its directory",
            where=str(directory),
            hint="set PGDATAHUB_HOME to a directory all of whose parents others may pass (chmod o+x)",
        ) from error


def _default() -> Path:
    if is_root():
        # The server's account must be able to pass: not below a root's home directory, which is usually closed.
        return Path("/var/lib/pgdatahub")
    from platformdirs import user_data_path

    return user_data_path("pgdatahub", appauthor=False)


def _make_directory(directory: Path) -> None:
    """Make a directory that only its owner lists, and its missing parents; never touch one that is there."""
    if directory.is_dir():
        return
    for parent in reversed(directory.parents):
        if not parent.exists():
            parent.mkdir(exist_ok=True)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return
    if is_root():
        # Regardless of the umask, the server's account must be able to pass.
        directory.chmod(0o711)


def _is_private(directory: Path, owner: int) -> bool:
    try:
        facts = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == owner and stat.S_IMODE(facts.st_mode) == 0o700


def _file_system(path: Path) -> str | None:
    """Return the type of the file system that a directory is on; None where the kernel has no such table."""
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = None
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            found = after.split()[0]
    return found
