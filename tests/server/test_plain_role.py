"""An operator's own PostgreSQL gives a role that owns its database and nothing more: everything works with it."""

import json
import shutil
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


def on(url: str, name: str, home: Path) -> Installation:
    """An installation for which the role comes to the database of this name."""
    installation = Installation(home)
    installation.environment["DATABASE_URL"] = f"postgresql://plain@/{name}?{urlsplit(url).query}"
    return installation


@pytest.fixture(scope="module")
def begun() -> Iterator[tuple[str, Path]]:
    """The address of a server on which the role has begun an installation in its database, and its folder."""
    with TemporaryDirectory(prefix="regulars-test-") as folder, database(Config(home=Path(folder) / "pg")) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            connection.execute("CREATE DATABASE begun OWNER plain")
        home = Path(folder) / "begun"
        words = ("--name", "Shop", "--currency", "RUB", "--time-zone", "Europe/Moscow")
        on(url, "begun", home).command("init", *words)
        yield url, home


@pytest.fixture
def plain(begun: tuple[str, Path], tmp_path: Path) -> Iterator[Installation]:
    """A copy of it."""
    url, home = begun
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop OWNER plain TEMPLATE begun")
        yield on(url, "shop", shutil.copytree(home, tmp_path / "home"))
        connection.execute("DROP DATABASE shop WITH (FORCE)")


_UNDO = """
import json, sys
import django
django.setup()
from regulars.purchases.importing.runs import undo
from regulars.purchases.models import Import
print(json.dumps([undo(one.pk, user_id=None).result["undo"] for one in Import.objects.order_by("-id")]))
"""


def test_imports_and_their_undo_need_no_more_than_owning_the_database(plain: Installation, tmp_path: Path) -> None:
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


_SELL = """
import json
from decimal import Decimal
import django
django.setup()
from django.utils import timezone
from regulars.accounts.models import User
from regulars.accounts.services import create_owner
from regulars.customers.services.erasing import ask_erasure, erase
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Sale, Transaction
from regulars.loyalty.programmes import beginning, publish
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Item, Order, commit
from regulars.loyalty.verifying import faults
number = str(Sale.objects.count())
if number == "0":
    publish(beginning("RUB"), by=None)
    create_owner(email="anna@example.com", name="Owner", language="en", password="correct horse battery")
vera, now = members.welcome(card="100000" + number, name="Vera Sokolova", source="till:1"), timezone.now()
moves = (grant(vera.pk, 50),)
gift = Document(members.points_unit(), Kind.GIFT, "desk", number, "user:1", moves, reason="to Vera Sokolova")
write_one(gift, at=now)
order = Order("till:1", "Arbat", (Item("tea", Decimal(2), 100_00),), card="100000" + number, points=10)
commit(order, number, to_pay=90_00, segments=lambda _who, _which: frozenset())
bring_back(Coming("till:1", "b" + number, "till:1", number, ((1, Decimal(1)),)))
owner = User.objects.get()
erase(ask_erasure(vera, asked_on=now.date(), due_on=None, asked_by="letter", by=owner), by=owner)
print(json.dumps([faults(), list(Transaction.objects.exclude(reason="").values_list("reason", flat=True))]))
"""

_FORBIDDEN = {
    "loyalty_posting": ("DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET amount = 0"),
    "loyalty_transaction": ("DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET number = 'x'"),
    "loyalty_sale": ("DELETE FROM {}", "TRUNCATE {} CASCADE"),
    "loyalty_account": ("DELETE FROM {}", "TRUNCATE {} CASCADE"),
}


def _sold(plain: Installation) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SELL], check=False, capture_output=True, text=True, timeout=120,
        env=plain.environment | {"DJANGO_SETTINGS_MODULE": "regulars.server.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, reasons = json.loads(done.stdout)
    assert found == []
    assert reasons
    assert not any("Sokolova" in one for one in reasons), "an erasure still writes a reason anew"


def _refused(plain: Installation) -> None:
    with psycopg.connect(plain.environment["DATABASE_URL"], autocommit=True) as connection:
        for table, statements in _FORBIDDEN.items():
            # not even with the triggers out of the way, where the owner of a table may put them
            for how in ("ENABLE", "DISABLE"):
                connection.execute(f"ALTER TABLE {table} {how} TRIGGER USER")
                for statement in statements:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(statement.format(table))
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        # whoever refers to a row locks it, which needs the right to change a column: the trigger refuses the change
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute("UPDATE loyalty_posting SET id = id + 1000")


def test_what_is_kept_the_role_may_not_delete_and_neither_after_a_restore(plain: Installation, tmp_path: Path) -> None:
    _sold(plain)
    _refused(plain)
    plain.command("backup", str(tmp_path / "all.tar"))
    plain.command("restore", str(tmp_path / "all.tar"), "--replace")
    _refused(plain)
    _sold(plain)
