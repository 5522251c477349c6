"""Privileges that a till records, with what was shown and until when it holds."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.api.models import Scope
from regulars.customers.models import Customer
from regulars.foundation.models import Change
from regulars.loyalty.models import Privilege
from tests.api.test_till import Till
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, enrolled, open_shop
from tests.loyalty.test_privileges import RULE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> Customer:
    open_shop(rules=[RULE])
    return enrolled()


@pytest.fixture
def till(anna: Customer) -> Till:
    return Till(Scope.TILL, Scope.PRIVILEGES)


def proof(**more: Any) -> dict[str, Any]:
    until = timezone.now().date() + dt.timedelta(days=300)
    return {"card": CARD, "name": "pensioner", "proof": "certificate 7", "until": until.isoformat()} | more


def test_what_was_proven_counts_from_the_next_basket_on(till: Till, anna: Customer) -> None:
    assert till.quote()[1]["to_pay"] == 10_000
    status, made = till("till/privileges", proof(cashier="Irina"))
    assert (status, made) == (200, {"name": "pensioner", "until": proof()["until"]})
    assert till.quote()[1]["to_pay"] == 9_000
    assert till("till/privileges", proof(cashier="Olga")) == (200, made)
    found = Privilege.objects.get()
    assert (found.customer, found.proof, found.given_by) == (anna, "certificate 7", None)
    assert Change.objects.filter(table_name="loyalty_privilege").get().source.endswith(" Irina")
    assert till("till/privileges", proof(proof="certificate 8", until=None))[1]["until"] is None
    assert Privilege.objects.get(ended_at=None).proof == "certificate 8"


def test_a_key_of_a_till_alone_gives_none(till: Till) -> None:
    assert Till()("till/privileges", proof())[0] == 403
    assert Till(Scope.PRIVILEGES).quote()[0] == 403
    assert not Privilege.objects.exists()


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"name": "pensionar"}, 400, "They know: pensioner."),
        ({"proof": "  "}, 400, "by what he has proven it"),
        ({"until": "2020-01-01"}, 400, "run out already"),
        ({"card": "1000000025"}, 404, "No member"),
        ({"proof": ""}, 422, ""), ({"proof": None}, 422, ""), ({"until": "soon"}, 422, ""), ({"discount": 9}, 422, ""),
        ({"phone": "+79161234567"}, 400, "either the card"),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(till: Till, more: dict[str, Any], status: int, words: str) -> None:
    answer = till("till/privileges", proof(**more))
    assert (answer[0], words in str(answer[1])) == (status, True), answer
    without = proof()
    del without["until"]
    assert till("till/privileges", without)[0] == 422, "for good is said, not forgotten"
    assert not Privilege.objects.exists()


def test_the_same_proof_told_at_once_is_one_privilege(till: Till) -> None:
    assert together(5, lambda _place: till("till/privileges", proof())[0]) == [200] * 5
    assert Privilege.objects.count() == 1
