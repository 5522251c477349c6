"""Points that were spent before anybody looked: owed up to a limit, and given back in any parts."""

import random

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, Refused, Written, give_back, grant, spend, write, write_one
from regulars.loyalty.models import Account, Transaction
from regulars.loyalty.verifying import faults
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import enrolled, open_shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> Customer:
    open_shop()
    found = enrolled()
    found.accounts.update(debt_limit=25)
    return found


def document(kind: Transaction.Kind, number: str, *moves: dict[str, object], reverses: int | None = None) -> Document:
    return Document(members.points_unit(), kind, "till:1", number, "till:1", moves, reverses=reverses)


def has(customer: Customer) -> tuple[int, int]:
    found = members.points_of(customer)
    return found.available, found.debt


def test_what_he_has_goes_first_and_the_rest_is_owed(anna: Customer) -> None:
    write_one(document(Kind.GIFT, "1", grant(anna.pk, 15)), at=timezone.now())
    done = write_one(document(Kind.SALE, "2", spend(anna.pk, 40, owe=True)), at=timezone.now())
    assert (done.points, has(anna)) == ({"spent": 40, "owed_for": 25}, (0, 25))
    with pytest.raises(Refused, match="There are 0 points"):
        write_one(document(Kind.SALE, "3", spend(anna.pk, 1, owe=True)), at=timezone.now())
    with pytest.raises(Refused, match="There are 0 points"):
        write_one(document(Kind.SALE, "4", spend(anna.pk, 1)), at=timezone.now())
    assert faults() == []


def test_many_tills_at_one_moment_do_not_pass_the_limit(anna: Customer) -> None:
    def take(place: int) -> Written | Refused:
        return write([document(Kind.SALE, str(place), spend(anna.pk, 10, owe=True))], at=timezone.now())[0]

    done = together(6, take)
    assert sum(isinstance(one, Written) for one in done) == 2
    assert (has(anna), faults()) == ((0, 20), [])


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_parts_it_comes_back_he_has_what_he_had(anna: Customer, seed: int) -> None:
    lot = random.Random(seed)
    own = lot.randint(15, 30)
    write_one(document(Kind.GIFT, "gift", grant(anna.pk, own)), at=timezone.now())
    sale = write_one(document(Kind.SALE, "sale", spend(anna.pk, 40, owe=True)), at=timezone.now())
    later, left, number = 0, 40, 0
    while left:
        number += 1
        if lot.random() < 0.4:
            more = lot.randint(1, 20)
            write_one(document(Kind.GIFT, f"gift {number}", grant(anna.pk, more)), at=timezone.now())
            later += more
        part = lot.randint(1, left)
        write_one(document(Kind.RETURN, str(number), give_back(part), reverses=sale.transaction), at=timezone.now())
        left -= part
        points, debt = has(anna)
        assert points - debt == own + later - left
    assert has(anna) == (own + later, 0)
    with pytest.raises(Refused, match="0 points are left to give back"):
        write_one(document(Kind.RETURN, "more", give_back(1), reverses=sale.transaction), at=timezone.now())
    assert faults() == [] and Account.objects.get(customer=anna).debt == 0
