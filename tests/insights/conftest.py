"""A coffee bar whose customers are in the base, and what an audit says of them."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.accounts.models import Role, User
from regulars.accounts.services import make_preset_roles
from regulars.analytics.purchases import History, connect
from regulars.customers.models import Customer
from regulars.demo.shops import generate_shop
from regulars.foundation.models import Business
from regulars.insights.models import AuditRun
from regulars.insights.services import perform

AS_OF = dt.date(2025, 12, 17)


@pytest.fixture(scope="session")
def shop_lines() -> pa.Table:
    """Two years of 200 customers, known by numbers from 1 on."""
    lines = generate_shop("coffee", customers=200, seed=1, language="en").lines
    known = pc.unique(lines["customer_id"].drop_null())
    numbers = pc.index_in(lines["customer_id"], value_set=known)
    ids = pc.add(numbers, 1).cast(pa.string())
    return lines.set_column(lines.schema.get_field_index("customer_id"), "customer_id", ids)


@pytest.fixture(scope="session")
def history(shop_lines: pa.Table) -> Callable[[], History]:
    """What the columnar copy will give."""
    return lambda: History.of_table(connect().create_table("lines", shop_lines), currency="RUB")


@pytest.fixture(scope="session")
def audited(
    django_db_setup: Any,
    django_db_blocker: Any,
    history: Callable[[], History],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of one audit, made once and rolled back from the database."""
    from django.db import transaction

    root = tmp_path_factory.mktemp("audits")
    with django_db_blocker.unblock(), transaction.atomic():
        _settle(root)
        run = AuditRun.objects.create()
        perform(run.pk, history)
        run.refresh_from_db()
        assert run.state == "done", run.error
        (root / "headlines").write_text(json.dumps(run.headlines))
        (root / str(run.pk)).rename(root / "made")
        transaction.set_rollback(True)
    return root


def _settle(root: Path) -> None:
    from django.conf import settings

    settings.AUDITS_ROOT = root
    Business.objects.get_or_create(
        id=1, defaults={"name": "Bean", "currency": "RUB", "time_zone": "Europe/Moscow", "language": "en"}
    )


@pytest.fixture
def people(db: None) -> list[Customer]:
    """The 200 customers of the shop."""
    return Customer.objects.bulk_create([Customer(pk=number, name=f"Customer {number}") for number in range(1, 201)])


@pytest.fixture
def business(db: None, audited: Path) -> Business:
    """Bean, in Moscow."""
    _settle(audited)
    return Business.current()


@pytest.fixture
def run(audited: Path, people: list[Customer], business: Business) -> AuditRun:
    """The audit done, its scores in the base."""
    from regulars.insights.services import replace_scores

    replace_scores(audited / "made" / "customers.parquet")
    return AuditRun.objects.create(
        state="done", as_of=AS_OF, folder="made", headlines=json.loads((audited / "headlines").read_text())
    )


@pytest.fixture
def user(db: None) -> Callable[[str], User]:
    """Somebody with a role."""
    make_preset_roles()

    def make(role: str, **more: Any) -> User:
        email = more.pop("email", f"{role}@example.com")
        return User.objects.create(
            email=email, name=role.title(), language="en", role=Role.objects.get(slug=role), **more
        )

    return make
