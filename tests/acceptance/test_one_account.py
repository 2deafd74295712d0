"""README, the tutorial and the guide on undoing work one after the other in one account, as printed, for root and for a user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_documents_run import OF_NEWCOMERS, ROOT, Session, check_document

pytestmark = pytest.mark.integration

DOCUMENTS = (*OF_NEWCOMERS, ROOT / "docs/how-to/undo-a-bad-load.md")
USER = 65_534
"""User id of the system's least privileged account: the embedded server needs an account in /etc/passwd."""


@pytest.fixture(params=["root", "user"])
def account(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A fresh account with a clone of the repository."""
    if (request.param == "root") != (os.geteuid() == 0) and os.geteuid() != 0:
        pytest.skip("only root can be root")
    place = Path(tempfile.mkdtemp(prefix="docs-"))
    place.chmod(0o711)
    session = Session(place, None)
    if request.param == "user" and os.geteuid() == 0:
        _become_user(session)
    yield session
    session.close()
    shutil.rmtree(place)


def _become_user(session: Session) -> None:
    """Have the session's commands run as an ordinary user, with an interpreter and a home that the user can use."""
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    programs = session.place / "bin"
    programs.mkdir()
    script = programs / "pgdatahub"
    script.write_text(f'#!/bin/sh\nexec {python} -m pgdatahub "$@"\n')
    script.chmod(0o755)
    session.environment |= {
        "PATH": f"{programs}{os.pathsep}{os.defpath}",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(session.place),
    }
    del session.environment["PGDATAHUB_HOME"]
    for path in (session.place, *session.place.rglob("*")):
        os.chown(path, USER, USER)
    session.user = USER
    probe = subprocess.run(
        ["pgdatahub", "--version"],
        env=session.environment,
        user=USER,
        group=USER,
        cwd="/",
        capture_output=True,
        check=False,
    )
    if probe.returncode:
        pytest.skip(f"no interpreter that an ordinary user can run: {probe.stderr.decode()[-200:]}")


def test_documents_hold_one_after_the_other(account: Session) -> None:
    for document in DOCUMENTS:
        account.new_terminal()
        check_document(document, account)
