"""URLs of notifications: split, refused and masked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.config import load_config
from pgdatahub.config.loading import known_secrets
from pgdatahub.config.notify_urls import masked_urls, split_urls, token_secrets
from pgdatahub.errors import ConfigError

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#reports"
MAIL = "mailto://ann:hunter2@example.com?to=bob@example.com,eve@example.com"


def test_a_comma_within_a_url_separates_nothing() -> None:
    assert split_urls(f" {SLACK}, {MAIL}\njson://host/a,\n") == (SLACK, MAIL, "json://host/a")


def test_a_masked_url_shows_its_service_alone() -> None:
    assert masked_urls(f"{SLACK},{MAIL}") == "slack://***, mailto://***"


def test_passwords_and_tokens_are_masked_in_texts() -> None:
    secrets = token_secrets(f"{SLACK},{MAIL}")
    text = secrets.mask(f"refused {SLACK} and {MAIL}, TIiajkdnlazkcOXrIdevi7FQ, T1JJ3T3L2, hunter2; reports/a.xlsx")
    for word in ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ", "hunter2"):
        assert word not in text
    assert text.endswith("reports/a.xlsx")


@pytest.mark.parametrize(
    "wrong", ["hunter2", "slack:/T0KEN", "mailto://ann:hunter2@example.com, hunter3", "://hunter2"]
)
def test_an_invalid_url_is_refused_without_showing_it(wrong: str) -> None:
    if wrong.startswith("mailto"):
        # A comma that no scheme follows is part of the URL before it, but white space never is.
        assert len(split_urls(wrong)) == 1
    with pytest.raises(ConfigError) as caught:
        load_config(overrides={"notify": wrong})
    assert "hunter" not in str(caught.value)
    assert "T0KEN" not in str(caught.value)
    assert "notify must be URLs as Apprise takes them" in str(caught.value)


def test_an_unknown_event_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="failures, quarantine, schema and always"):
        load_config(overrides={"notify_on": "failure"})


def test_the_settings_list_no_token_from_any_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("ETL_NOTIFY", "PGDATAHUB_NOTIFY"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.json").write_text(json.dumps({"notify": [SLACK, MAIL], "notify_on": ["schema"]}))
    config = load_config()
    assert config.notify is not None
    assert split_urls(config.notify.get_secret_value()) == (SLACK, MAIL)
    assert config.notify_on == ("schema",)
    for source in ("config.json", ".env", "secret", "environment"):
        if source == ".env":
            (tmp_path / ".env").write_text(f"ETL_NOTIFY='{SLACK} {MAIL}'\nETL_NOTIFY_ON=failures,always\n")
        elif source == "secret":
            (tmp_path / ".env").unlink()
            (tmp_path / "secrets").mkdir()
            (tmp_path / "secrets" / "etl_notify").write_text(f"{SLACK}\n{MAIL}\n")
            monkeypatch.setenv("PGDATAHUB_SECRETS_DIR", str(tmp_path / "secrets"))
        elif source == "environment":
            monkeypatch.setenv("ETL_NOTIFY", f"{SLACK},{MAIL}")
        assert "hunter2" in known_secrets().words
        for arguments in (["config"], ["config", "--format", "json"]):
            shown = CliRunner(env={"COLUMNS": "200"}).invoke(create_app(), arguments)
            assert shown.exit_code == 0, shown.output
            assert "slack://***, mailto://***" in shown.output, source
            for word in ("T1JJ3T3L2", "hunter2", "FQ/#reports"):
                assert word not in shown.output, source


def test_the_repr_of_the_settings_shows_no_token() -> None:
    config = load_config(overrides={"notify": SLACK})
    assert "T1JJ3T3L2" not in repr(config) + str(config) + str(config.model_dump())
