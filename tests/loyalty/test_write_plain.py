"""Documents of receipts are written by one statement for each kind of row, and leave what they leave one by one."""

import datetime as dt
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection

from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty.ledger import Document, Kind, grant, open_account, release, spend, take_back, write, write_one
from regulars.loyalty.ledger import hold as set_aside
from regulars.loyalty.models import Account, Posting, Transaction, Unit
from regulars.loyalty.verifying import faults
from tests.loyalty.test_batches import ROWS, undone

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
# of the ledger's tables everything; digests and chains follow from these and from ids
LEDGER = {name: ROWS[name] for name in ("transactions", "postings", "lots", "accounts")} | {
    "in order": """SELECT t.number, row_number() OVER (PARTITION BY t.id ORDER BY p.id), p.book, p.amount, p.seq
        FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id""",
    "moments": """SELECT t.number, t.recorded_at, t.happened_at, l.available_at, l.expires_at, l.origin_id
        FROM loyalty_transaction t LEFT JOIN loyalty_lot l ON l.born_in_id = t.id""",
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> Unit:
    return Unit.objects.create(slug="points", title="Points")


@pytest.fixture
def people(unit: Unit) -> list[int]:
    """Six members, each with points in lots of several ages, one of which has expired."""
    found = []
    for n in range(6):
        key = Customer.objects.create(name=f"Member {n}").pk
        open_account(key, unit, at=NOW, debt_limit=1000)
        lots = [(7 + n, NOW + DAY), (20, NOW + 3 * DAY), (20, None), (9, NOW - DAY), (30, NOW + 2 * DAY)]
        moves = tuple(grant(key, many, available_at=NOW - 9 * DAY, expires_at=until) for many, until in lots)
        write_one(Document(unit, Kind.GIFT, "test", str(n), "test", moves), at=NOW - 9 * DAY)
        found.append(key)
    return found


def receipt(unit: Unit, number: object, *moves: dict[str, Any], **more: Any) -> Document:
    return Document(unit, Kind.SALE, "till:1", str(number), "till:1", moves, **more)


def plainly(documents: Sequence[Document]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_write_plain(%s, %s)", [json.dumps([one.as_json() for one in documents]), NOW])
        found = cursor.fetchone()[0]
    return None if found is None else json.loads(found)


def by_one(documents: Sequence[Document]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_write(%s, %s)", [json.dumps([one.as_json() for one in documents]), NOW])
        return json.loads(cursor.fetchone()[0])


def left() -> dict[str, list[str]]:
    found = {}
    with connection.cursor() as cursor:
        for name, query in LEDGER.items():
            cursor.execute(query)
            found[name] = sorted(map(repr, cursor.fetchall()))
    return found


def without_ids(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "transaction"} for one in answers]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_written_is_the_same_whichever_function_writes_it(unit: Unit, people: list[int], seed: int) -> None:
    lot = random.Random(seed)
    documents = []
    for n, key in enumerate(lot.sample(people, lot.randint(1, 6))):
        spent = [spend(key, lot.randint(1, 60))] if lot.random() < 0.7 else []
        until = lot.choice([None, NOW + 30 * DAY])
        usable = lot.choice([None, NOW - DAY, NOW + DAY])
        granted = [grant(key, lot.randint(1, 500), available_at=usable, expires_at=until)]
        moves = [*spent, *(granted if not spent or lot.random() < 0.7 else [])]
        documents.append(receipt(unit, n, *moves, happened_at=lot.choice([None, NOW - DAY]), reason=f"reason {n}"))
    with undone():
        told, rows = by_one(documents), left()
    with undone():
        answers = plainly(documents)
        assert answers is not None
        assert (without_ids(answers), left()) == (without_ids(told), rows)
        assert faults() == []
        last = Transaction.objects.order_by("-pk")[: len(documents)]
        assert [one["transaction"] for one in answers] == sorted(one.pk for one in last)


def test_what_is_held_is_not_spent(unit: Unit, people: list[int]) -> None:
    set_aside(people[0], unit, 70, key="held", at=NOW, until=NOW + DAY)
    assert plainly([receipt(unit, 1, spend(people[0], 8))]) is None
    assert plainly([receipt(unit, 1, spend(people[0], 7))]) is not None
    release("held", at=NOW)
    assert faults() == []


def unusual(unit: Unit, people: list[int]) -> dict[str, list[Document]]:
    anna, boris = people[:2]
    other = Customer.objects.create(name="Nobody").pk
    return {
        "more than he has": [receipt(unit, 1, spend(anna, 78))],
        "he may owe it": [receipt(unit, 1, spend(anna, 5, owe=True))],
        "one of them only": [receipt(unit, 1, grant(boris, 5)), receipt(unit, 2, spend(anna, 78))],
        "the same member twice": [receipt(unit, 1, spend(anna, 40)), receipt(unit, 2, spend(anna, 40))],
        "granted before it is spent": [receipt(unit, 1, grant(anna, 5), spend(anna, 5))],
        "spent twice": [receipt(unit, 1, spend(anna, 5), spend(anna, 5))],
        "granted twice": [receipt(unit, 1, grant(anna, 5), grant(anna, 5))],
        "more than two": [receipt(unit, 1, spend(anna, 5), spend(anna, 5), grant(anna, 5))],
        "of one for another": [receipt(unit, 1, spend(anna, 5), grant(boris, 5))],
        "no member": [receipt(unit, 1, grant(other, 5))],
        "nothing": [receipt(unit, 1)],
        "less than nothing": [receipt(unit, 1, grant(anna, -5))],
        "no points": [receipt(unit, 1, spend(anna, 0))],
        "over before it begins": [receipt(unit, 1, grant(anna, 5, expires_at=NOW - DAY))],
        "written before": [receipt(unit, "before", grant(anna, 5))],
        "a return": [receipt(unit, 1, take_back(5), reverses=Transaction.objects.get(number="before").pk)],
    }


@pytest.mark.parametrize("case", [
    "more than he has", "he may owe it", "one of them only", "the same member twice", "granted before it is spent",
    "spent twice", "granted twice", "more than two", "of one for another", "no member", "nothing", "less than nothing",
    "no points", "over before it begins", "written before", "a return",
])  # fmt: skip
def test_what_is_not_plain_is_left_to_the_other_function(unit: Unit, people: list[int], case: str) -> None:
    write([receipt(unit, "before", grant(people[2], 5))], at=NOW)
    before = left()
    assert plainly(unusual(unit, people)[case]) is None
    assert left() == before


def test_new_points_of_a_debtor_pay_his_debt(unit: Unit, people: list[int]) -> None:
    write([receipt(unit, 1, spend(people[0], 100, owe=True))], at=NOW)
    assert plainly([receipt(unit, 2, grant(people[0], 5))]) is None


def test_somebody_with_two_accounts_is_left_to_the_other_function(unit: Unit, people: list[int]) -> None:
    merge(kept=Customer.objects.get(pk=people[0]), gone=Customer.objects.get(pk=people[1]), by=None)
    assert Account.objects.filter(customer=people[0]).count() == 2
    assert plainly([receipt(unit, 1, spend(people[0], 5))]) is None


def test_the_judges_look_at_what_is_written_at_once(unit: Unit, people: list[int]) -> None:
    assert plainly([receipt(unit, 1, spend(people[0], 30), grant(people[0], 12))])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    chained = list(Posting.objects.filter(account__customer=people[0]).order_by("seq").values_list("seq", flat=True))
    assert chained == list(range(1, len(chained) + 1))
    assert faults() == []
