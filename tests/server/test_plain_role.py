"""An operator's own PostgreSQL gives a role that owns its database and nothing more: everything works with it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pytest

from regulars.server.config import Config
from regulars.server.database import database
from tests.server.installation import Installation

HEADINGS = "Дата;Номер чека;Карта;Артикул;Товар;Количество;Сумма;Магазин;Кассир"
ROWS = [f"03.03.2026 10:{n % 60:02};{n};C-{n % 50};A{n % 7};Молоко;2;180,00;Центр;Иванова" for n in range(500)]
PEOPLE = ["Анна Смирнова;89161234567", "Борис;89161234568"]


@pytest.fixture
def plain() -> Iterator[Installation]:
    with TemporaryDirectory(prefix="regulars-test-") as folder, database(Config(home=Path(folder) / "pg")) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            connection.execute("CREATE DATABASE shop OWNER plain")
        installation = Installation(Path(folder) / "home")
        installation.environment["DATABASE_URL"] = f"postgresql://plain@/shop?{urlsplit(url).query}"
        yield installation


_UNDO = """
import json, sys
import django
django.setup()
from regulars.purchases.importing.runs import undo
from regulars.purchases.models import Import
print(json.dumps([undo(one.pk, user_id=None).result["undo"] for one in Import.objects.order_by("-id")]))
"""


def test_imports_and_their_undo_need_no_more_than_owning_the_database(plain: Installation, tmp_path: Path) -> None:
    plain.command("init", "--name", "Shop", "--currency", "RUB", "--time-zone", "Europe/Moscow")
    march, people = tmp_path / "march.csv", tmp_path / "people.csv"
    march.write_text("\n".join([HEADINGS, *ROWS]), encoding="utf-8")
    people.write_text("\n".join(["ФИО;Телефон", *PEOPLE]), encoding="utf-8")
    plain.command("import", str(march), str(people))
    plain.command("import", str(march))
    with psycopg.connect(plain.environment["DATABASE_URL"]) as connection:

        def count(table: str) -> int:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            connection.rollback()
            assert row is not None
            return int(row[0])

        assert connection.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')").fetchone() == (
            False,
        )
        assert [count(f"purchases_{one}") for one in ("receipt", "line", "product")] == [500, 500, 7]
        assert count("customers_customer") == 52
        assert count("purchases_touched") > 0
        done = subprocess.run(
            [sys.executable, "-c", _UNDO], check=True, capture_output=True, text=True, timeout=120,
            env=plain.environment | {"DJANGO_SETTINGS_MODULE": "regulars.server.settings"},
        )  # fmt: skip
        first = json.loads(done.stdout)[-1]
        assert (first["removed_receipts"], first["removed_customers"], first["removed_products"]) == (500, 50, 7)
        for table in ("purchases_receipt", "purchases_line", "purchases_product", "customers_customer"):
            assert count(table) == 0, table
