"""Pages are compiled before anybody waits for them."""

from pathlib import Path
from typing import Any

import jinja2
import pytest

from regulars.web.environment import compile_templates, environment


def test_a_page_that_was_compiled_is_not_compiled_again(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COMPILED_ROOT = tmp_path / "templates"
    compile_templates()
    assert (tmp_path / "templates").stat().st_mode & 0o077 == 0, "nobody else writes what runs here"
    with monkeypatch.context() as patched:
        patched.setattr(jinja2.Environment, "compile", None)
        assert environment(autoescape=True).get_template("gifts.html").name == "gifts.html"
    for one in (tmp_path / "templates").iterdir():
        one.write_bytes(b"of another version")
    assert environment(autoescape=True).get_template("gifts.html").name == "gifts.html"
    one.unlink()


def test_without_a_place_for_them_pages_work_as_well(tmp_path: Path, settings: Any) -> None:
    settings.COMPILED_ROOT = tmp_path / "none"
    assert environment(autoescape=True).get_template("gifts.html").name == "gifts.html"
    assert not (tmp_path / "none").exists()
