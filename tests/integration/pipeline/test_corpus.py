"""Other people's workbooks load with default settings, but for those in a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from ruamel.yaml import YAML

from pgdatahub.model.results import Outcome
from tests.integration.pipeline.test_cell_for_cell import CORPUS, DIFFERENCES, Loaded, _corpus_files, _load

pytestmark = pytest.mark.corpus

EXCLUDED: Final = frozenset({"empty", "encrypted", "damaged", "no stored result"})
"""Kinds of files that no reader could load, which do not count."""
SHARE: Final = 0.995


@pytest.fixture(scope="module")
def loaded(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    if not CORPUS.is_dir():
        pytest.skip("no corpus of workbooks (PGDATAHUB_CORPUS)")
    directory = tmp_path_factory.mktemp("corpus")
    for number, path in enumerate(_corpus_files()):
        folder = directory / "data" / f"f{number:03d}"
        folder.mkdir(parents=True)
        (folder / path.name).symlink_to(path)
    yield from _load(server_url, directory)


def test_corpus_loads_but_for_files_with_reasons(loaded: Loaded) -> None:
    files = {f"f{number:03d}": path.relative_to(CORPUS).as_posix() for number, path in enumerate(_corpus_files())}
    found = {}
    for result in loaded.report.results:
        if result.outcome is not Outcome.LOADED:
            kind = result.failure.kind if result.failure is not None else result.outcome.value
            found[files[result.source.identity.split("/")[0]]] = kind
    entries = YAML(typ="safe", pure=True).load(DIFFERENCES)["not loaded"]
    assert all(entry["reason"] for entry in entries)
    assert found == {entry["file"]: entry["result"] for entry in entries}
    # Files of other kinds under a workbook's name are refused rightly, and are no workbooks.
    counted = [entry for entry in entries if entry["kind"] not in EXCLUDED | {"not a workbook"}]
    workbooks = len(files) - len(entries) + len(counted)
    assert workbooks > 80
    assert (workbooks - len(counted)) / workbooks >= SHARE
