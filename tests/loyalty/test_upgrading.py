"""An installation of before: rows of every kind, made step by step, come into this version, and the shop goes on."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.members import points_of, points_unit
from regulars.loyalty.models import (
    SaleReturn,
    Settlement,
)
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Line, Product, Receipt, Store
from regulars.server.setup import pending_migrations
from tests.loyalty.selling_cases import CARD, RULES, open_store, order, sell
from tests.web.people import make_user

THEN = timezone.now() - dt.timedelta(days=20)


@pytest.fixture
def old(django_db_setup: None, django_db_blocker: Any) -> Iterator[Apps]:
    """The models of a database of its own, as the steps left it that are folded into one since."""
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
        _run("CREATE DATABASE upgraded")
        connection.close()
        connection.settings_dict["NAME"] = "upgraded"
        try:
            yield _migrated()
        finally:
            connection.close()
            connection.settings_dict["NAME"] = name
            _run("DROP DATABASE upgraded")


def _migrated() -> Apps:
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes()
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def _run(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


class Before:
    """A shop with two partners, written by the functions and into the tables of then."""

    def __init__(self, apps: Apps) -> None:
        self.apps, self.count = apps, 0
        open_store()
        self.owner = make_user("owner").pk
        self.anna, self.boris = (Customer.objects.create(name=name).pk for name in ("Anna", "Boris"))
        self.card = add_contact(Customer.objects.get(pk=self.anna), kind="card", written=CARD, by=None)
        self.unit = self.made("Unit", slug="points", title="Points").pk
        self.programme = self.made("Programme", rules=RULES, note="", valid_from=THEN, published_at=THEN).pk
        for key in (self.anna, self.boris):
            self.made("Account", customer_id=key, unit_id=self.unit, opened_at=THEN, debt_limit=1_000)

    def made(self, name: str, /, **values: Any) -> Any:
        return self.apps.get_model("loyalty", name)._default_manager.create(**values)

    def write(self, days: int, kind: str, *moves: dict[str, Any], source: str = "till:1", of: int | None = None) -> Any:
        """A document of so many days after the first one; its transaction."""
        self.count += 1
        at = (THEN + dt.timedelta(days=days)).isoformat()
        document = {"unit": self.unit, "kind": kind, "source": source, "number": str(self.count), "actor": source,
                    "reason": "", "movements": moves, "happened_at": at, "reverses": of}  # fmt: skip
        ((told,),) = _run("SELECT loyalty_write(%s, %s)", json.dumps([document]), at)
        (answer,) = json.loads(told)
        assert "refused" not in answer, answer
        return answer["transaction"]

    def give(self, customer: int, amount: int) -> dict[str, Any]:
        return {"do": "grant", "customer": customer, "amount": amount}

    def fill(self) -> None:
        self._trade()
        self._sell()
        self._reward()
        self._rest()
        self._certificates_and_cards()
        self._beside()

    def _trade(self) -> None:
        """Of Coffee's points 70 are spent at Books and owed; points of Toys paid 50 of them."""
        begins_on = THEN.date() + dt.timedelta(days=1)
        for slug, till in (("coffee", "till:2"), ("books", "till:3"), ("toys", "till:4")):
            one = self.made("Partner", slug=slug, name=slug.title(), about_ru="", about_en="", addresses="")
            self.made("PartnerTill", partner=one, till=till)
            self.made(
                "Contract", partner=one, begins_on=begins_on, agreed_at=THEN, currency="RUB", issue_price=100_000,
                redeem_price=80_000, most_issued_a_day=10_000,
            )  # fmt: skip
            store = self.apps.get_model("purchases", "Store")._default_manager.create(name=slug)
            self.made("PartnerStore", partner=one, store=store)
        sold = self.write(2, "sale", self.give(self.boris, 100), source="till:2")
        self.write(3, "sale", {"do": "spend", "customer": self.boris, "amount": 70}, source="till:3")
        _run("SELECT loyalty_close_day(%s, %s)", begins_on + dt.timedelta(days=3), THEN + dt.timedelta(days=9))
        self.write(10, "return", {"do": "take_back", "amount": 100}, source="till:2", of=sold)
        self.write(11, "sale", self.give(self.boris, 50), source="till:4")
        lines = json.loads(_run("SELECT loyalty_statement_lines(%s, %s, %s)", 1, begins_on,
                                begins_on + dt.timedelta(days=3))[0][0])  # fmt: skip
        self.made(
            "Statement", partner_id=1, number=1, first=begins_on, last=begins_on + dt.timedelta(days=3),
            made_at=THEN + dt.timedelta(days=9), lines=lines, amount=sum(line[5] for line in lines),
        )  # fmt: skip

    def _receipt(self, amount: int, days: int) -> int:
        self.count += 1
        return Receipt.objects.create(
            key=str(self.count).encode(), number=str(self.count), customer_id=self.anna,
            store=Store.objects.get(name="Arbat"), purchased_at=THEN + dt.timedelta(days=days), amount=amount,
        ).pk  # fmt: skip

    def _sell(self) -> None:
        """Anna bought two teas for 100 points and brought one back; she spends, holds, and lets some expire."""
        moment = THEN + dt.timedelta(days=2)
        self.sold = self.write(2, "sale", self.give(self.anna, 100))
        receipt = self._receipt(20_000, 2)
        self.sale = self.made(
            "Sale", till="till:1", number="old", digest=b"d", purchased_at=moment, recorded_at=moment, price=20_000,
            discount=0, by_points=0, points_spent=0, points_earned=100, points_as="discount", balance=100,
            customer_id=self.anna, programme_id=self.programme, receipt_id=receipt, transaction_id=self.sold,
            store_id=Store.objects.get(name="Arbat").pk, cashier="Irina",
        )  # fmt: skip
        self.made(
            "SaleLine", sale=self.sale, position=1, product="tea", category="Drinks", quantity=2, price=20_000,
            cost=12_000, discount=0, by_points=0, lowered=0, earned=100, returned=1,
        )  # fmt: skip
        tea = Product.objects.get(code="tea")
        Line.objects.create(
            receipt_id=receipt, position=1, product=tea, quantity=2, amount=20_000, discount=0, cost=12_000
        )
        back = self.write(3, "return", {"do": "take_back", "amount": 50}, of=self.sold)
        self.made(
            "SaleReturn", till="till:1", number="back", digest=b"d", returned_at=moment, recorded_at=moment,
            refund=10_000, lines=[[1, "1"]], points_back=0, points_taken=50, sale=self.sale, transaction_id=back,
            receipt_id=self._receipt(-10_000, 3),
        )  # fmt: skip
        self.made("WaitingReturn", till="till:1", number="waits", digest=b"d", sale_till="till:1", sale_number="never",
                  wanted={"lines": [], "returned_at": moment.isoformat(), "cashier": "", "is_void": False},
                  came_at=moment)  # fmt: skip
        until = (THEN + dt.timedelta(days=4)).isoformat()
        self.write(3, "sale", self.give(self.anna, 7) | {"expires_at": until})
        self.write(5, "expiry", {"do": "expire", "customer": self.anna}, source="job:expiry")
        for key in ("open", "spent"):
            _run("SELECT loyalty_hold_points(%s, %s, 5, %s, %s, %s)", self.anna, self.unit, key,
                 THEN + dt.timedelta(days=6), timezone.now() + dt.timedelta(days=1))  # fmt: skip
        self.write(7, "capture", {"do": "capture", "hold": "spent"})

    def _reward(self) -> None:
        """Three gifts of ten points: handed out, cancelled, and one that waits."""
        gift = self.made("Gift", name="Mug", product="mug", stock=4, points=10, cost=3_000)
        self.made("Taste", gift=gift, value="Drinks", buyers=3, likers=2)
        moment = THEN + dt.timedelta(days=8)
        for number, more in {
            "handed": {"handed_at": moment, "handed_by": "till:1 Irina Petrova"},
            "cancelled": {"cancelled_at": moment, "cancelled_by": "Owner"},
            "waits": {},
        }.items():
            taken = self.write(8, "sale", {"do": "spend", "customer": self.anna, "amount": 10})
            if number == "cancelled":
                more |= {"cancellation_id": self.write(8, "void", {"do": "give_back", "amount": 10}, of=taken)}
            self.made(
                "Reward", till="till:1", number=number, digest=b"d", points=10, cost=3_000, taken_at=moment, gift=gift,
                customer_id=self.anna, transaction_id=taken, **more,
            )  # fmt: skip

    def _rest(self) -> None:
        day = THEN + dt.timedelta(days=5)
        self.made("TierEnding", customer_id=self.anna, ends_on=day.date(), told_at=day)
        self.made("TierChange", customer_id=self.anna, tier="gold", since=day, turnover=10_000)
        self.made("Privilege", customer_id=self.anna, name="Staff", proof="Pass 7", given_at=day)
        batch = self.made("CodeBatch", name="Spring", key="spring", made_at=day)
        code = self.made("PromoCode", batch=batch, code="SPRING", most_uses=1, used=1)
        self.made("CodeUse", code=code, sale=self.sale)
        cards = self.made(
            "CardBatch", name="Plastic", scheme="luhn", prefix="10", digits=8, is_random=False, made_at=day
        )
        self.plastic = self.made("Card", number=CARD, batch=cards, reason="")
        self.made("CatalogueMeasure", made_at=day, figures={})
        told = {"kind": "limit", "of": "till", "per": "day", "begins_at": day, "found_at": day, "subject": "till:1"}
        self.made("Alert", key="open", decision="", **told)
        self.made("Alert", key="decided", decision="wrong", decided_at=day, **told)
        self.made("Correction", key="c", customer_id=self.anna, points=5, reason="Sorry", needs_two=True, asked_at=day,
                  asked_by_id=self.owner)  # fmt: skip
        self.made("Look", looked_at=day)
        self.made("CustomerPage", customer_id=self.anna, name="n" * 20, made_at=day)

    def _certificates_and_cards(self) -> None:
        day = THEN + dt.timedelta(days=5)
        batch = self.made("CertificateBatch", name="Of 100", amount=10_000, currency="RUB", made_at=day)
        deal = self.made("CertificateDeal", till="till:1", number="sold", digest=b"d", amount=10_000, made_at=day)
        self.made(
            "CertificateMovement", certificate=self.made("Certificate", batch=batch, number="1" * 16), kind="sold",
            amount=10_000, balance=0, moved_at=day, deal=deal,
        )  # fmt: skip
        self.made(
            "CardSale", till="till:1", number="paid", digest=b"d", batch=self.plastic.batch, card=self.plastic,
            customer_id=self.anna, price=5_000, until=timezone.now().date(), sold_at=day,
        )  # fmt: skip
        holder = self.made("CardHolder", card=self.plastic, name="Anna's son")
        self.made("HolderSale", sale=self.sale, holder=holder)

    def _beside(self) -> None:
        day = THEN + dt.timedelta(days=5)
        facts = self.made("SnapshotFacts", digest="d", packed=b"{}")
        self.made(
            "TillSnapshot", name="s", till="till:1", store_id=Store.objects.get(name="Arbat").pk, zone="UTC",
            facts=facts, made_at=day, valid_until=day + dt.timedelta(days=1),
        )  # fmt: skip
        self.made(
            "OfflineDocument", till="till:1", kind="sale", number="offline", digest=b"d", body={}, happened_at=day,
            stored_at=day, due_at=day, problem="unreadable",
        )  # fmt: skip
        self.made("Expense", key="e", spent_on=day.date(), kind="work", amount=1_000, typed_at=day)
        self.made(
            "SpentShare", unit_id=self.unit, lasts=False, estimated_on=day.date(), share="0.9", low="0.8", high="1",
            members=200, points=9_000,
        )  # fmt: skip
        self.made("ProgrammeDraft", text="{", version=1, saved_at=day)


def _rows(apps: Apps) -> dict[str, list[dict[str, Any]]]:
    """Everything that is there, by the columns of then."""
    return {
        one.__name__: list(one._default_manager.order_by("pk").values())
        for one in apps.get_app_config("loyalty").get_models()
    }


def test_rows_of_before_come_through_and_the_shop_goes_on(old: Apps) -> None:
    with transaction.atomic():
        Before(old).fill()
    before = _rows(old)
    assert [name for name, rows in before.items() if not rows] == []
    _run("DELETE FROM django_migrations WHERE name = '0001_tables'")
    assert pending_migrations() == []
    _migrated()
    assert _rows(old) == before
    assert faults() == []
    _nothing_is_unguarded()
    _the_shop_goes_on()


def _nothing_is_unguarded() -> None:
    """All triggers are on, and old rows are kept as new ones are."""
    assert _run("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O'") == []
    assert _run("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
    for way in (
        "UPDATE loyalty_reward SET points = 1", "UPDATE loyalty_alert SET of = 'x' WHERE decision <> ''",
        "UPDATE loyalty_posting SET amount = 1", "DELETE FROM loyalty_debtpart", "UPDATE loyalty_sale SET price = 1",
        "TRUNCATE loyalty_statement", "UPDATE loyalty_settlement SET amount = 0 WHERE day_id IS NOT NULL",
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            _run(way)


def _the_shop_goes_on() -> None:
    """What was bought before comes back, and what is bought now earns; whoever owed pays with it."""
    anna, boris = Customer.objects.order_by("pk")
    had = points_of(anna).available
    back = bring_back(Coming("till:1", "rest", "till:1", "old"))
    assert isinstance(back, SaleReturn)
    assert (back.refund, back.points_taken) == (10_000, 50)
    assert sell(order(("tea", 1, 10_000)), "new").points_earned == 9
    told = points_of(anna)
    assert told.available - told.debt == had - 50 + 9
    assert points_of(boris).debt == 20
    write_one(Document(points_unit(), Kind.SALE, "till:4", "last", "till:4", (grant(boris.pk, 30),)), at=timezone.now())
    assert (points_of(boris).debt, points_of(boris).available) == (0, 10)
    assert Settlement.objects.filter(kind="owed").count() == 2
    assert faults() == []
