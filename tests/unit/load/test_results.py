"""Result of a file whose reading raised an error that is not one of pgdatahub."""

from __future__ import annotations

import pytest

from pgdatahub.cli import app
from pgdatahub.config import FolderOptions
from pgdatahub.config.secrets import Secrets
from pgdatahub.load.results import unexpected
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName

SOURCE = SourceFile(
    location="/data/a/b.xlsx",
    identity="a/b.xlsx",
    table=TableName(schema="public", name="a"),
    options=FolderOptions(),
    size=1,
)


def test_a_lack_of_memory_is_not_called_a_bug() -> None:
    failure = unexpected(SOURCE, MemoryError(), secrets=Secrets()).failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("OutOfMemoryError", "there is not enough memory for this file")
    assert failure.hint is not None
    assert "--workers 1" in failure.hint


def test_a_bug_is_called_one() -> None:
    failure = unexpected(SOURCE, KeyError("x"), secrets=Secrets()).failure
    assert failure is not None
    assert "made a mistake: KeyError" in failure.message


def test_a_command_without_memory_does_not_report_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def short(**_: object) -> object:
        raise MemoryError

    monkeypatch.setattr(app, "create_app", short)
    assert app._run(["status"]) == 1
    assert capsys.readouterr().err == "error: there is not enough memory\n"
