from __future__ import annotations

import os
import re
import stat
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from pgdatahub.config import ColumnOptions, FolderOptions, load_config, options, settings
from pgdatahub.config.starter import environment_template, folders_template, write_starter
from pgdatahub.errors import ConfigError

PROJECT = Path(__file__).parents[3]


def uncommented(template: str) -> str:
    """Return the template with its settings uncommented and its sentences still commented."""
    return re.sub(r"(?m)^( *)#(?! )", r"\1", template)


def test_the_example_in_the_project_is_what_init_writes() -> None:
    assert (PROJECT / ".env.example").read_text(encoding="utf-8") == environment_template()


def test_the_env_template_has_every_setting_at_its_default() -> None:
    written = dotenv_values(stream=StringIO(uncommented(environment_template())))
    for setting in settings().values():
        assert written[setting.explained.variable] == (setting.explained.example or setting.default)
    assert len(written) == len(settings())


def test_as_written_neither_template_sets_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in settings().values():
        monkeypatch.delenv(setting.explained.variable, raising=False)
    write_starter(tmp_path)
    config = load_config(directory=tmp_path)
    assert not config.origins
    assert config.folders.configured_folders() == ()
    assert config.folders.options_for(["sales"]) == FolderOptions()


def test_the_uncommented_folders_template_has_every_option(tmp_path: Path) -> None:
    path = tmp_path / "etl_config.yaml"
    text = uncommented(folders_template())
    path.write_text(text, encoding="utf-8")
    config = load_config(directory=tmp_path, config_file=path)
    assert [folder.parts for folder in config.folders.configured_folders()] == [("sales",), ("sales", "2024")]
    for name in (*options(FolderOptions), *options(ColumnOptions)):
        assert re.search(rf"^ +{name}: ", text, re.MULTILINE), name


def test_values_of_the_folders_template_are_yaml_not_python() -> None:
    values = re.findall(r"(?m)^ *#(?! )[^:]+: (.+)$", folders_template())
    assert "Total" in values
    assert not {"None", "()", "True", "False"} & set(values)


def test_no_line_of_a_template_is_wider_than_an_editor() -> None:
    for template in (environment_template(), folders_template()):
        assert max(map(len, template.splitlines())) <= 106  # 100, and the deepest indentation


def test_a_starter_is_written_to_a_directory_that_need_not_exist(tmp_path: Path) -> None:
    files = write_starter(tmp_path / "new" / "project")
    assert [(file.path, file.outcome) for file in files] == [
        (".env", "written"),
        ("config/etl_config.yaml", "written"),
        ("config/etl_config.schema.json", "written"),
        ("config/config.json.example", "written"),
        ("data/", "written"),
    ]
    assert (tmp_path / "new/project/data").is_dir()


def test_the_example_of_the_settings_file_is_valid(tmp_path: Path) -> None:
    write_starter(tmp_path)
    (tmp_path / "config/config.json.example").rename(tmp_path / "config/config.json")
    config = load_config(directory=tmp_path)
    assert config.database_url is not None
    assert config.origin("chunk_size").startswith("config/config.json:")
    assert config.chunk_size == load_config(directory=tmp_path / "data").chunk_size


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_the_file_that_will_hold_a_password_is_private(tmp_path: Path) -> None:
    write_starter(tmp_path)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_nothing_is_overwritten_unless_forced(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "book.xlsx").write_text("mine")
    files = write_starter(tmp_path)
    assert [file.outcome for file in files] == ["kept", "written", "written", "written", "kept"]
    assert (tmp_path / ".env").read_text() == "mine"
    files = write_starter(tmp_path, force=True)
    assert [file.outcome for file in files] == ["overwritten", "overwritten", "overwritten", "overwritten", "kept"]
    assert (tmp_path / ".env").read_text(encoding="utf-8") == environment_template()
    assert (tmp_path / "data" / "book.xlsx").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed_unless_forced(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    assert write_starter(tmp_path)[0].outcome == "kept"
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write") as caught:
        write_starter(tmp_path / "file")
    assert str(tmp_path / "file") in (caught.value.where or "")
