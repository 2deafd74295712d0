"""The API takes a Config, or single settings over those of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

import pgdatahub
from pgdatahub.config.loading import config_of
from pgdatahub.errors import ConfigError
from pgdatahub.model.results import Outcome


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sales").mkdir(parents=True)
    with xlsxwriter.Workbook(tmp_path / "in" / "sales" / "a.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["head", 1])
    return tmp_path / "in"


def test_run_takes_single_settings(root: Path) -> None:
    report = pgdatahub.run(data_root=root, skip_db=True)
    assert [(result.source.identity, result.outcome) for result in report.results] == [("sales/a.xlsx", Outcome.READ)]
    assert [table.table for table in pgdatahub.plan(data_root=str(root), skip_db=True).tables] == ["sales"]


def test_single_settings_override_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETL_SCHEMA", "there")
    monkeypatch.setenv("ETL_CHUNK_SIZE", "7")
    config = config_of(None, {"schema_name": "here", "database_url": "postgresql://u:s3cret@h/d"})
    assert (config.schema_name, config.chunk_size) == ("here", 7)
    assert config.database_url is not None
    assert config.database_url.get_secret_value() == "postgresql://u:s3cret@h/d"
    assert "s3cret" not in repr(config)


def test_a_config_with_single_settings_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="a Config is given, and data_root, skip_db too"):
        pgdatahub.run(pgdatahub.load_config(), data_root=root, skip_db=True)


def test_an_unknown_setting_is_named_with_the_nearest(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'dataroot' \(did you mean data_root\?\)"):
        pgdatahub.run(dataroot=root)


def test_a_notebook_shows_the_totals_of_a_report(root: Path) -> None:
    report = pgdatahub.run(data_root=root, skip_db=True)
    assert repr(report) == f"RunReport(read=1, rows=1, exit_code=0, destination={report.destination!r})"
    plan = pgdatahub.plan(data_root=root, skip_db=True)
    assert repr(plan) == f"RunPlan(load=1, changes_schema=True, destination={plan.destination!r})"


def test_a_folder_in_place_of_a_config_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"a Config is expected, not '.*' \(name single settings: data_root="):
        pgdatahub.run(str(root))  # type: ignore[arg-type]
