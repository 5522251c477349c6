"""A business, and files as people have them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from regulars.accounts.models import User
from regulars.accounts.services import create_owner, make_preset_roles
from regulars.foundation.models import Business

HEADINGS = "Дата;Номер чека;Карта;Артикул;Товар;Количество;Сумма;Магазин;Кассир"


@pytest.fixture
def business(db: None, tmp_path: Path, settings: object) -> Business:
    settings.MEDIA_ROOT = tmp_path / "files"  # type: ignore[attr-defined]
    return Business.objects.create(
        name="Corner shop", currency="RUB", time_zone="Europe/Moscow", language="en", region="RU"
    )


@pytest.fixture
def owner(business: Business) -> User:
    make_preset_roles()
    return create_owner(email="owner@example.com", name="Anna", language="en", password="correct horse battery")


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, rows: Iterable[str], headings: str = HEADINGS) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
        return path

    return written
