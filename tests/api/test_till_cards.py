"""Paid cards at a till."""

import pytest

from regulars.loyalty.cards import Paid, make_cards, numbers_of
from regulars.loyalty.members import welcome
from regulars.loyalty.models import CardSale
from tests.api.test_till import Till
from tests.loyalty.selling_cases import open_shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def card() -> str:
    open_shop()
    number = next(numbers_of(make_cards("Club", count=1, paid=Paid(99_000, "club", 365))))
    welcome(card=number, name="Vera", source="test")
    return number


def test_a_card_is_offered_sold_once_prolonged_and_taken_back(card: str) -> None:
    till = Till()
    status, offer = till("till/cards/find", {"card": card})
    assert (status, offer["privilege"], offer["price"], offer["valid_through"]) == (200, "club", 99_000, None)
    body = {"number": "K-1", "card": card, "paid": 99_000, "cashier": "Irina"}
    status, sold = till("till/cards/sell", body)
    assert (status, sold["state"], sold["valid_through"]) == (200, "sold", offer["then_through"])
    assert till("till/cards/sell", body) == (200, sold)
    assert till("till/cards/sell", body | {"paid": 1})[0] == 422
    longer = till("till/cards/sell", body | {"number": "K-2"})[1]
    assert longer["valid_through"] > sold["valid_through"]
    for _time in range(2):
        assert till("till/cards/cancel", {"number": "K-2"}) == (200, longer | {"state": "cancelled"})
    assert till("till/cards/find", {"card": card})[1]["valid_through"] == sold["valid_through"]
    assert Till()("till/cards/cancel", {"number": "K-1"})[0] == 409


def test_what_does_not_go_says_why(card: str) -> None:
    till = Till()
    body = {"number": "K-1", "card": card, "paid": 99_000}
    for more, status in (({"paid": 1}, 409), ({"paid": 0}, 422), ({"card": "9999999999"}, 404), ({"price": 1}, 422)):
        assert till("till/cards/sell", body | more)[0] == status, more
    assert not CardSale.objects.exists()
    answers = [till("till/cards/find", {"card": str(10**9 + n)})[0] for n in range(20)]
    assert (answers[0], answers[-1]) == (404, 429)
