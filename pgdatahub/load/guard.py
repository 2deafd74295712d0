"""Errors of one file: a result, unless the error ends the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, PgDataHubError, PrivilegeError, SpoolError
from pgdatahub.load.results import failed, unexpected
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult
from pgdatahub.plugins.manager import Stages

Answer = TypeVar("Answer")


class RolledBackError(Exception):
    """Failure of a file whose transaction is to be rolled back completely."""

    def __init__(self, result: FileResult) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Conversion of a file's errors to its result.

    Attributes:
        stages: The plugins.
        config: The settings.
    """

    stages: Stages
    config: Config

    def __call__(self, source: SourceFile, action: Callable[[], Answer]) -> Answer | FileResult:
        """Return the result of ``action``, or the file's failure.

        Raises:
            DatabaseError: The run cannot go on.
            SpoolError: Likewise.
            RolledBackError: The file failed, and the settings stop the run at a failure.
        """
        try:
            return action()
        except PrivilegeError as error:
            # The run began with the privileges that it needs for itself; the missing privilege concerns this table.
            result = failed(source, error, secrets=self.config.secrets)
        except (DatabaseError, SpoolError):
            raise
        except PgDataHubError as error:
            result = failed(source, error, secrets=self.config.secrets)
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one bad file must not end a run
            result = unexpected(source, error, secrets=self.config.secrets, plugin=self.stages.responsible(error))
        if self.config.on_error == "stop":
            raise RolledBackError(result)
        return result
