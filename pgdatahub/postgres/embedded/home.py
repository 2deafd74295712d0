"""Directory of one server: its layout, and checks before its use.

Layout, below the home (``PGDATAHUB_HOME``)::

    server/             owned by the client's user; 0700, or 0711 for root, whose server runs as another account
        admin.lock      clients.lock      server.lock       see locks.py
        password        libpq password file, 0600
        pgdatahub.conf  parameters, written at each start    server.json      socket, port and programs
        keep.json       exists while `db start` keeps the server running
        postgres.log    postgres.log.1
        projects/       a file for each project: its directory and its database, see registry.py
        s/              the socket, 0700
        data/           the cluster, 0700; exists once initdb has finished
    bin/                copies of the programs, if the account cannot reach the originals (root only)
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
# Locks and sockets do not work across hosts that mount these, and two servers on one data directory destroy it. File systems of
# virtual machines (9p, virtiofs) and overlays are absent: one kernel serves them.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "ncpfs"}
    | {f"fuse.{name}" for name in ("sshfs", "glusterfs", "s3fs", "gcsfuse", "rclone", "ceph", "mfs", "juicefs")}
)


class Home:
    """The paths of one server.

    Args:
        requested: The configured directory; None for the user's data directory.
    """

    def __init__(self, requested: Path | None) -> None:
        root = requested.expanduser() if requested is not None else _default()
        # Resolve links, so that one directory has one name.
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
        self.projects = self.server / "projects"
        self.log = self.server / "postgres.log"
        self.binaries = self.root / "bin"

    def prepare(self) -> None:
        """Create missing directories, and check existing ones.

        Raises:
            DatabaseError: A directory cannot be created, is open to other users, or is on a network file system.
        """
        path = str(self.root)
        if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in path):
            raise DatabaseError(
                "the path of the embedded server's home has control characters or is not UTF-8", hint=_ANOTHER
            )
        try:
            for directory in (self.root, self.server):
                _make_directory(directory)
        except OSError as error:
            raise DatabaseError(
                f"cannot create a directory for the embedded server: {error.strerror}",
                where=str(error.filename or self.server),
                hint=_ANOTHER,
            ) from error
        self.check()

    def exists(self) -> bool:
        """Return whether the server's directory exists."""
        return os.path.lexists(self.server)

    def check(self) -> None:
        """Check that the directory is private, belongs to this user, and is on a local disk.

        Raises:
            DatabaseError: One of these does not hold.
        """
        try:
            facts = self.server.lstat()
        except OSError as error:
            raise DatabaseError(
                f"cannot read the embedded server's directory: {error.strerror}",
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
        """Return the major version of the data; None without data.

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
                hint="restore it, or move it away to start with an empty database",
            ) from error

    def data_owner(self) -> int | None:
        """Return the user id of the data's owner; None without data."""
        try:
            return self.data.lstat().st_uid
        except FileNotFoundError:
            return None

    def socket_directory(self, account: Account, recorded: Path | None) -> Path:
        """Return the directory for the socket; create it if it is missing, with mode 0700, owned by the account.

        The directory lies below the home if the path is short enough for a socket and libpq can name it; otherwise it is a
        temporary directory with a random name.

        Args:
            account: The server's account.
            recorded: The directory of the last start.
        """
        directory = self.server / "s"
        name = os.fsencode(directory)
        # libpq ends a host at a comma; the server needs the other characters escaped twice.
        if len(name) <= _SOCKET_DIRECTORY_BYTES and not set(b",'\"\\@") & set(name):
            if not os.path.lexists(directory):
                directory.mkdir(mode=0o700)
                os.chown(directory, account.uid, account.gid)
            if not _is_private(directory, account.uid):
                raise DatabaseError(
                    "the directory for the embedded server's socket is not private",
                    where=str(directory),
                    hint="remove it; pgdatahub creates it again",
                )
            return directory
        if recorded is not None and recorded != directory and _is_private(recorded, account.uid):
            return recorded
        # mkdtemp: mode 0700, and an unpredictable name.
        shortest = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108 (only as mkdtemp's parent)
        directory = Path(tempfile.mkdtemp(prefix="pgdatahub-", dir=shortest))
        os.chown(directory, account.uid, account.gid)
        return directory

    def remove_unfinished(self) -> None:
        """Remove the remains of a killed initdb."""
        for path in self.server.glob("init-*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def require_passage(account: Account, directory: Path) -> None:
    """Check that the account can enter a directory.

    Raises:
        DatabaseError: The account cannot enter one of its parents.
    """
    if not is_root():
        return
    try:
        run_program(Path("/bin/sh"), ["-c", 'cd -- "$0"', directory], account=account)
    except DatabaseError as error:
        raise DatabaseError(
            f"the account {account.name!r}, which runs the embedded server, cannot enter the server's directory",
            where=str(directory),
            hint="set PGDATAHUB_HOME to a directory whose parents all users can enter (chmod o+x)",
        ) from error


def _default() -> Path:
    if is_root():
        # Not below root's home directory, which the server's account usually cannot enter.
        return Path("/var/lib/pgdatahub")
    from platformdirs import user_data_path

    return user_data_path("pgdatahub", appauthor=False)


def _make_directory(directory: Path) -> None:
    """Create a directory that only its owner can list, and its missing parents; leave an existing one unchanged."""
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
        # Regardless of the umask, the server's account must be able to enter.
        directory.chmod(0o711)


def _is_private(directory: Path, owner: int) -> bool:
    try:
        facts = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == owner and stat.S_IMODE(facts.st_mode) == 0o700


def _file_system(path: Path) -> str | None:
    """Return the type of a directory's file system; None if the kernel does not list mounts."""
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
