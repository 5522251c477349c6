"""Receipts of a batch leave the very rows that they leave one after another, whatever is among them."""

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import members
from regulars.loyalty.batches import commit_all
from regulars.loyalty.codes import make_codes
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.members import NoMember, points_of
from regulars.loyalty.models import Alert, Sale
from regulars.loyalty.partners import add_partner, bind_till
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Item, Order, Paid, commit, quote
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Receipt
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, sell

pytestmark = pytest.mark.django_db

CUPS = {"id": "cups", "on": {"categories": ["Cups"]}, "gives": {"kind": "nth_free", "n": 3, "counter": "cups"}}
FIRST = {"id": "first", "when": {"is": "purchase_number", "every": 2}, "gives": {"kind": "percent_off", "percent": 7}}
CODED = {
    "id": "coded",
    "when": {"is": "promo_code", "any_of": ["spring"]},
    "gives": {"kind": "points_gift", "points": 5},
}
GOLD = {"id": "gold", "when": {"is": "tier", "any_of": ["gold"]}, "gives": {"kind": "percent_off", "percent": 20}}
TIERS = {"period": "days:365", "levels": [{"id": "gold", "from": 20_000}]}
MEMBER_LIMIT = {"limits": [{"of": "member", "per": "day", "receipts": 3, "refuse": True}]}
TILL_LIMIT = {"limits": [{"of": "till", "per": "day", "receipts": 12, "refuse": True}]}
KINDS: list[dict[str, Any]] = [
    {},
    {"rules": [*RULES["rules"], CUPS, FIRST]},
    {"rules": [*RULES["rules"], GOLD], "tiers": TIERS},
    {"rules": [*RULES["rules"], CODED], "watch": MEMBER_LIMIT},
    {"watch": TILL_LIMIT},
]
NAMES = ("Anna", "Boris", "Clara", "Dmitri", "Elena", "Fyodor")

# every table that receipts write into, by what its rows are known by in the world: ids, moments of writing and chains
# of digests are others each time
ROWS = {
    "sales": """SELECT s.till, s.number, s.digest, c.name, s.programme_id, st.name, s.partner_id, s.cashier,
        s.purchased_at, s.price, s.discount, s.by_points, s.points_spent, s.points_earned, s.points_as, s.balance,
        (SELECT jsonb_agg(one - 3) FROM jsonb_array_elements(s.stamps) one), s.why, r.number, t.number
        FROM loyalty_sale s JOIN purchases_receipt r ON r.id = s.receipt_id
        LEFT JOIN purchases_store st ON st.id = s.store_id LEFT JOIN customers_customer c ON c.id = s.customer_id
        LEFT JOIN loyalty_transaction t ON t.id = s.transaction_id""",
    "stamped": """SELECT s.number, u.title, t.number, t.kind FROM loyalty_sale s, jsonb_array_elements(s.stamps) one
        JOIN loyalty_transaction t ON t.id = (one ->> 3)::bigint JOIN loyalty_unit u ON u.id = t.unit_id""",
    "sale lines": """SELECT s.number, to_jsonb(l) - 'id' - 'sale_id' FROM loyalty_saleline l
        JOIN loyalty_sale s ON s.id = l.sale_id""",
    "receipts": """SELECT r.number, c.name, st.name, who.name, r.channel, r.amount, r.key, r.imported_by_id,
        CASE WHEN s.id IS NULL THEN NULL ELSE r.purchased_at END FROM purchases_receipt r
        LEFT JOIN loyalty_sale s ON s.receipt_id = r.id LEFT JOIN customers_customer c ON c.id = r.customer_id
        LEFT JOIN purchases_store st ON st.id = r.store_id LEFT JOIN purchases_seller who ON who.id = r.seller_id""",
    "lines": """SELECT r.number, p.code, to_jsonb(l) - 'receipt_id' - 'product_id' FROM purchases_line l
        JOIN purchases_receipt r ON r.id = l.receipt_id JOIN purchases_product p ON p.id = l.product_id""",
    "transactions": """SELECT u.slug, t.kind, t.source, t.number, t.actor, t.reason, b.number, t.settles
        FROM loyalty_transaction t JOIN loyalty_unit u ON u.id = t.unit_id
        LEFT JOIN loyalty_transaction b ON b.id = t.reverses_id""",
    "postings": """SELECT t.kind, t.number, u.slug, p.book, p.amount, p.seq, c.name, born.number FROM loyalty_posting p
        JOIN loyalty_transaction t ON t.id = p.transaction_id JOIN loyalty_unit u ON u.id = t.unit_id
        LEFT JOIN loyalty_account a ON a.id = p.account_id LEFT JOIN customers_customer c ON c.id = a.customer_id
        LEFT JOIN loyalty_lot l ON l.id = p.lot_id LEFT JOIN loyalty_transaction born ON born.id = l.born_in_id""",
    "lots": """SELECT t.number, t.kind, c.name, l.granted, l.remaining, l.held, l.expires_at,
        CASE WHEN l.expires_at IS NOT NULL THEN l.available_at END
        FROM loyalty_lot l JOIN loyalty_transaction t ON t.id = l.born_in_id
        JOIN loyalty_account a ON a.id = l.account_id JOIN customers_customer c ON c.id = a.customer_id
        WHERE t.kind <> 'unsale'""",
    "accounts": """SELECT c.name, u.slug, a.seq, a.debt, a.debt_limit FROM loyalty_account a
        JOIN customers_customer c ON c.id = a.customer_id JOIN loyalty_unit u ON u.id = a.unit_id""",
    "returns": """SELECT b.till, b.number, s.number, b.refund, b.points_back, b.points_taken, b.lines
        FROM loyalty_salereturn b JOIN loyalty_sale s ON s.id = b.sale_id""",
    "waiting": "SELECT till, number, sale_number, wanted -> 'refused' FROM loyalty_waitingreturn",
    "tiers": """SELECT c.name, t.tier, t.turnover FROM loyalty_tierchange t
        JOIN customers_customer c ON c.id = t.customer_id""",
    "codes": """SELECT p.used, s.number, p.code FROM loyalty_promocode p LEFT JOIN loyalty_codeuse u ON u.code_id = p.id
        LEFT JOIN loyalty_sale s ON s.id = u.sale_id""",
    "alerts": "SELECT key, kind, figures FROM loyalty_alert",
    "told": """SELECT h.event, h.content - 'sale' - 'id', s.number, c.name FROM foundation_happening h
        LEFT JOIN loyalty_sale s ON s.id = (h.content ->> 'sale')::bigint
        LEFT JOIN customers_customer c ON c.id = (h.content ->> 'id')::bigint""",
    "touched": "SELECT DISTINCT month FROM purchases_touched",
    "goods": "SELECT code, name, category, cost FROM purchases_product",
    "stores": "SELECT name FROM purchases_store",
    "sellers": "SELECT name FROM purchases_seller",
}  # fmt: skip


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is judged by every constraint, and then taken back."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        transaction.set_rollback(True)


def rows() -> dict[str, list[str]]:
    """The contents of all tables, in an order of their own."""
    found = {}
    with connection.cursor() as cursor:
        for name, query in ROWS.items():
            cursor.execute(query)
            found[name] = sorted(
                repr(tuple(bytes(one) if isinstance(one, memoryview) else one for one in row))
                for row in cursor.fetchall()
            )
    return found


def answered(answers: list[Any]) -> list[Any]:
    """What a till is told of each."""
    return [
        (type(one).__name__, str(one)) if isinstance(one, Exception)
        else (one.number, one.to_pay, one.points_spent, one.points_earned, one.balance, one.why)
        for one in answers
    ]  # fmt: skip


def one_by_one(paid: list[Paid]) -> list[Any]:
    found: list[Any] = []
    for one in paid:
        try:
            found.append(commit(one.order, one.number, to_pay=one.to_pay, segments=no_segments))
        except InputError as error:
            found.append(error)
    return found


def open_world(changes: dict[str, Any]) -> list[str]:
    """Six members with points, cards and phones, a return that waits, and promo codes, which are answered."""
    open_shop(**changes)
    for n, name in enumerate(NAMES):
        customer = enrolled(f"100000{n}", name)
        add_contact(customer, kind="phone", written=f"+7916123456{n}", by=None)
        write_one(
            Document(members.points_unit(), Kind.GIFT, "test", name, "test", (grant(customer.pk, 60),)),
            at=timezone.now() - dt.timedelta(days=2),
        )
    bring_back(Coming("till:1", "back", "till:1", "4"))
    return [code for code, _owner in make_codes("spring", count=1, uses=2)]


def drawn(lot: random.Random, n: int, codes: list[str], begin: dt.datetime) -> Order:
    """Any receipt of this shop; sometimes one that nobody can write."""
    goods = lot.choices(["tea", "cup", "new 1", "new 2"], [6, 6, 1, 1], k=lot.randint(1, 3))
    quantities = [Decimal(lot.choice(["1", "2", "0.5"])) for _one in goods]
    items = tuple(
        Item(code, many, lot.randrange(1, 200) * 100, category=lot.choice(["", "Cups"]))
        for code, many in zip(goods, quantities, strict=True)
    )
    who: dict[str, Any] = lot.choices(
        [{"card": f"100000{lot.randrange(6)}"}, {"phone": f"+7916123456{lot.randrange(6)}"}, {}, {"card": "nobody"},
         {"phone": "12"}], [8, 3, 2, 0.3, 0.2],
    )[0]  # fmt: skip
    at = begin + dt.timedelta(minutes=n) if lot.random() > 0.03 else begin - dt.timedelta(days=60)
    return Order(
        till="till:1", store=lot.choices(["Arbat", "New"], [12, 1])[0], items=items, purchased_at=at,
        cashier=lot.choices(["", "Irina", "Pavel"], [6, 1, 1])[0], channel="shop",
        points=lot.choice([0, 0, 20, 500]) if who else 0,
        promo_codes=frozenset(codes if lot.random() < 0.1 else ()), **who,
    )  # fmt: skip


def told(lot: random.Random, codes: list[str]) -> list[Paid]:
    """A batch as a till would tell it, with sums as they were when each was told; some are repeated or wrong."""
    begin, found = timezone.now() - dt.timedelta(days=1), list[Paid]()
    for n in range(24):
        if found and lot.random() < 0.08:
            again = lot.choice(found)
            found.append(again if lot.random() < 0.5 else replace(again, to_pay=again.to_pay + 1))
            continue
        asked = drawn(lot, n, codes, begin)
        try:
            price = quote(asked, segments=no_segments).judged.to_pay + (lot.random() < 0.05)
        except InputError:
            price = 0
        found.append(Paid(asked, str(n), price))
        one_by_one(found[-1:])
    return found


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_leaves_what_its_receipts_leave_one_by_one(kind: int, seed: int) -> None:
    codes = open_world(KINDS[kind])
    with undone():
        paid = told(random.Random(seed), codes)
    with undone():
        expected = answered(one_by_one(paid)), rows()
    with undone():
        found = answered(commit_all(paid, segments=no_segments)), rows()
        assert not faults()
    assert sum(len(one) > 2 for one in found[0]) > 8
    assert found[0] == expected[0]
    for name, wanted in expected[1].items():
        assert found[1][name] == wanted, name


def receipts(count: int) -> list[Paid]:
    """Of as many members, each with his own card."""
    for n in range(count):
        enrolled(f"20000{n}", f"Member {n}")
    return [Paid(order(("tea", 1, 10_000), card=f"20000{n}"), str(n), 9_500) for n in range(count)]


def test_many_receipts_take_few_statements() -> None:
    open_shop()
    paid = receipts(20)
    quote(paid[0].order, segments=no_segments)  # reads the rules, as a process does once
    with CaptureQueriesContext(connection) as seen:
        answers = commit_all(paid, segments=no_segments)
    assert [one.points_earned for one in answers if isinstance(one, Sale)] == [9] * 20
    said = [one["sql"].split("(")[0].split('"')[0].strip() for one in seen.captured_queries]
    assert said == ["SAVEPOINT", "SELECT loyalty_facts", "SELECT loyalty_record", "RELEASE SAVEPOINT"]


def test_a_batch_told_again_writes_nothing() -> None:
    open_shop()
    paid = receipts(5)
    first = commit_all(paid, segments=no_segments)
    again = commit_all(paid, segments=no_segments)
    assert answered(again) == answered(first)
    assert Receipt.objects.count() == Sale.objects.count() == 5


def test_one_that_cannot_be_written_leaves_the_others_of_its_run() -> None:
    open_shop()
    paid = receipts(4)
    # the number is taken, and only the ledger knows
    customer = Customer.objects.get(name="Member 2")
    write_one(
        Document(members.points_unit(), Kind.SALE, "till:1", "2", "test", (grant(customer.pk, 1),)), at=timezone.now()
    )
    answers = commit_all(paid, segments=no_segments)
    assert [type(one).__name__ for one in answers] == ["Sale", "Sale", "Refused", "Sale"]
    assert set(Sale.objects.values_list("number", flat=True)) == {"0", "1", "3"}
    assert not faults()


def test_a_limit_that_refuses_in_a_batch_is_told_once() -> None:
    open_shop(watch=MEMBER_LIMIT)
    paid = receipts(3)
    for n in range(3):
        sell(order(("tea", 1, 10_000), card="200001"), f"before {n}")
    answers = commit_all(paid, segments=no_segments)
    assert [isinstance(one, Sale) for one in answers] == [True, False, True]
    assert Alert.objects.get().figures["times"] == 1


def test_unknown_cards_in_a_batch_are_refused_as_ever() -> None:
    open_shop()
    paid = receipts(2)
    wrong = replace(paid[0], order=replace(paid[0].order, card="999"), number="wrong")
    answers = commit_all([paid[0], wrong, paid[1]], segments=no_segments)
    assert isinstance(answers[1], NoMember)
    assert [type(one).__name__ for one in answers] == ["Sale", "NoMember", "Sale"]


def test_tills_of_a_partner_tell_batches_too() -> None:
    open_shop()
    bind_till(add_partner("bakery", "Bakery", by=None), "till:1")
    paid = [replace(one, order=replace(one.order, store="Their own", card="")) for one in receipts(2)]
    assert [isinstance(one, Sale) for one in commit_all(paid, segments=no_segments)] == [False, False]
    assert Sale.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_members_at_one_moment_meet_in_no_circle() -> None:
    open_shop()
    paid = receipts(12)
    there = [replace(one, number=f"there {one.number}") for one in reversed(paid)]

    def tell(place: int) -> list[Any]:
        return commit_all([paid, there][place], segments=no_segments)

    answers = together(2, tell)
    assert all(isinstance(one, Sale) for some in answers for one in some)
    assert {points_of(one).available for one in Customer.objects.all()} == {18}
    assert not faults()


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_told_twice_at_one_moment_is_written_once() -> None:
    open_shop()
    paid = receipts(10)
    first, second = together(2, lambda _place: commit_all(paid, segments=no_segments))
    assert answered(first) == answered(second)
    assert Sale.objects.count() == 10
    assert not faults()
