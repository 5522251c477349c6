"""Settings come from the environment or a file, and each wrong value is named with its cure."""

from pathlib import Path

import pytest

from regulars.core.errors import InputError
from regulars.server.config import load, options, write_secret


def test_without_anything_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    config = load({"REGULARS_HOME": str(tmp_path)})
    assert config.url == "http://127.0.0.1:8000"
    assert config.uses_own_database
    assert not config.development


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    assert load({"REGULARS_HOME": str(tmp_path), "REGULARS_CONFIG": "", "DATABASE_URL": ""}).uses_own_database


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "regulars.toml").write_text('web_processes = 3\naddress = "127.0.0.1:9000"\n')
    config = load({"REGULARS_HOME": str(tmp_path), "REGULARS_WEB_PROCESSES": "5"})
    assert (config.web_processes, config.address) == (5, "127.0.0.1:9000")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("REGULARS_ADDRESS", "8000", "127.0.0.1:8000"),
        ("REGULARS_ADDRESS", "127.0.0.1:99999", "127.0.0.1:99999"),
        ("DATABASE_URL", "sqlite:///x.db", "postgresql://"),
        ("DATABASE_URL", "postgresql://shop:p@ss@db/shop", "%40"),
        ("DATABASE_URL", "postgresql://shop:pa/ss@db/shop", "%2F"),
        ("REGULARS_PUBLIC_URL", "crm.example.com", "https://crm.example.com"),
        ("REGULARS_PUBLIC_URL", "https://example.com/crm", "without a path"),
        ("REGULARS_SECRET_KEY", "short", "40"),
        ("REGULARS_WEB_PROCESSES", "many", "many"),
        ("REGULARS_WEB_PROCESSES", "0", "at least 1"),
        ("REGULARS_MEMORY_LIMIT", "lots", "4GB"),
        ("REGULARS_MAIL_URL", "http://mail", "smtp://"),
        ("REGULARS_DEVELOPMENT", "perhaps", "perhaps"),
    ],
)
def test_a_wrong_value_is_named_with_its_cure(tmp_path: Path, name: str, value: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        load({"REGULARS_HOME": str(tmp_path), name: value})


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "regulars.toml").write_text("web_proceses = 3\n")
    with pytest.raises(InputError, match="web_proceses"):
        load({"REGULARS_HOME": str(tmp_path)})


def test_errors_are_never_shown_where_strangers_come(tmp_path: Path) -> None:
    given = {"REGULARS_DEVELOPMENT": "1", "REGULARS_PUBLIC_URL": "https://crm.example.com"}
    with pytest.raises(InputError, match="development"):
        load({"REGULARS_HOME": str(tmp_path), **given})


def test_there_is_no_default_secret(tmp_path: Path) -> None:
    config = load({"REGULARS_HOME": str(tmp_path)})
    with pytest.raises(InputError, match="regulars init"):
        config.secret()
    write_secret(config)
    first = config.secret()
    write_secret(config)
    assert config.secret() == first
    assert len(first) >= 40
    assert config.secret_file.stat().st_mode & 0o077 == 0


def test_every_setting_says_what_it_is_for() -> None:
    assert all(option.metadata.get("help") for option in options())
