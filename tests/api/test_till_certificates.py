"""Gift certificates at a till, and programs that look for somebody else's money."""

from typing import Any

import pytest

from regulars.loyalty.certificates import make_certificates
from regulars.loyalty.models import Certificate, CertificateMovement, Sale
from regulars.loyalty.partners import bind_till
from tests.api.test_till import Till, basket
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import billed_partner
from tests.loyalty.selling_cases import enrolled, open_shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def till() -> Till:
    open_shop()
    enrolled()
    return Till()


@pytest.fixture
def numbers(till: Till) -> list[str]:
    batch = make_certificates("Spring", count=3, amount=5_000, days=365, by=None)
    return list(batch.certificates.order_by("pk").values_list("number", flat=True))


def sold(till: Till, *numbers: str, number: str = "C-1", **more: Any) -> tuple[int, Any]:
    body = {"number": number, "certificates": list(numbers), "paid": 5_000 * len(numbers), "cashier": "Irina"}
    return till("till/certificates/sell", body | more)


def test_a_certificate_is_sold_pays_and_has_its_money_back(till: Till, numbers: list[str]) -> None:
    one = numbers[0]
    written = f"{one[:4]} {one[4:8]}-{one[8:]}"
    find = {"certificate": written}
    printed = {"state": "printed", "amount": 5_000, "balance": 0, "valid_through": None}
    assert till("till/certificates/find", find) == (200, printed)
    status, deal = sold(till, written)
    assert (status, deal["amount"], deal["certificates"][0]["state"]) == (200, 5_000, "valid")
    assert sold(till, written) == (200, deal)
    status, quote = till.quote(certificates=[one])
    pays = [{"certificate": one, "pays": 5_000, "left": 0}]
    assert (status, quote["to_pay"], quote["by_certificates"], quote["in_money"]) == (200, 9_500, 5_000, 4_500)
    assert quote["certificates"] == pays
    status, sale = till.sell(certificates=[one], in_money=4_500)
    assert (status, sale["to_pay"], sale["by_certificates"], sale["in_money"]) == (200, 9_500, 5_000, 4_500)
    assert till.sell(certificates=[one], in_money=4_500) == (200, sale)
    assert till("till/certificates/find", find)[1] | {"valid_through": None} == printed | {"state": "used"}
    back = till("till/returns", {"number": "18", "receipt": "17"})[1]
    assert (back["refund"], back["to_certificates"]) == (4_500, 5_000)
    assert till("till/certificates/find", find)[1]["balance"] == 5_000


def test_a_basket_without_certificates_is_answered_as_ever(till: Till) -> None:
    quote = till.quote()[1]
    assert (quote["by_certificates"], quote["in_money"], quote["certificates"]) == (0, 9_500, [])
    sale = till.sell()[1]
    assert (sale["by_certificates"], sale["in_money"]) == (0, 9_500)


def test_another_part_by_now_is_told_with_the_new_quote(till: Till, numbers: list[str]) -> None:
    sold(till, numbers[0])
    for in_money in (None, 0, 9_500):
        status, answer = till.sell(certificates=[numbers[0]], in_money=in_money)
        assert (status, answer["quote"]["in_money"]) == (409, 4_500)
    assert not Sale.objects.exists()


def test_unused_ones_are_taken_back_where_they_were_sold_or_at_another_till(till: Till, numbers: list[str]) -> None:
    name = sold(till, *numbers[:2])[1]["till"]
    other = Till()
    body = {"number": "C-2", "sold": "C-1", "certificates": [numbers[0]]}
    assert other("till/certificates/return", body)[0] == 404, "its own numbers unless it says whose"
    status, back = other("till/certificates/return", body | {"sold_till": name})
    assert (status, back["amount"], back["certificates"][0]["state"]) == (200, 5_000, "cancelled")
    assert other("till/certificates/return", body | {"sold_till": name}) == (200, back)
    status, rest = till("till/certificates/return", {"number": "C-3", "sold": "C-1"})
    assert (status, "was used" in rest["detail"]) == (409, True)


def test_what_does_not_go_says_why_and_changes_nothing(till: Till, numbers: list[str]) -> None:
    one = numbers[0]
    sell, back = "till/certificates/sell", "till/certificates/return"
    deal = {"number": "C-1", "certificates": [one], "paid": 5_000}
    for path, body, status, words in (
        (sell, deal | {"paid": 4_999}, 409, "cost 5000 minor units, not 4999"),
        (sell, deal | {"paid": 0}, 422, ""),
        (sell, deal | {"paid": 10**30}, 422, ""),
        (sell, deal | {"certificates": []}, 422, ""),
        (sell, deal | {"certificates": [one] * 21}, 422, ""),
        (sell, deal | {"certificates": [one, one], "paid": 10_000}, 400, "named twice"),
        (sell, deal | {"certificates": ["+1"]}, 404, "read its 16 digits"),
        (sell, deal | {"amount": 1}, 422, ""),
        (sell, deal | {"number": ""}, 422, ""),
        (back, {"number": "C-2", "sold": "C-1"}, 404, "No certificates were sold"),
        ("till/quote", basket(certificates=[one]), 409, "not sold yet"),
        ("till/quote", basket(certificates=["9900000000000000"]), 404, "read its 16 digits"),
        ("till/quote", basket(certificates="x"), 422, ""),
        ("till/quote", basket(certificates=[one] * 21), 422, ""),
    ):
        found, answer = till(path, body)
        assert found == status, (body, answer)
        assert words in str(answer["detail"])
    assert not CertificateMovement.objects.exists()


def test_a_number_used_for_other_certificates_is_refused(till: Till, numbers: list[str]) -> None:
    deal = {"number": "C-1", "certificates": [numbers[0]], "paid": 5_000}
    first = till("till/certificates/sell", deal)
    status, answer = till("till/certificates/sell", deal | {"certificates": [numbers[1]]})
    assert (status, "another receipt with the number 'C-1'" in answer["detail"]) == (422, True)
    assert till("till/certificates/sell", deal) == first


@pytest.mark.parametrize("path", ["find", "sell", "quote"])
def test_who_tries_numbers_has_to_wait(till: Till, numbers: list[str], path: str) -> None:
    bodies = {
        "find": lambda one: ("till/certificates/find", {"certificate": one}),
        "sell": lambda one: (
            "till/certificates/sell",
            {"number": one, "certificates": [one], "paid": 1},
        ),
        "quote": lambda one: ("till/quote", basket(certificates=[one])),
    }
    answers = [till(*bodies[path](str(9_900_000_000_000_000 + n)))[0] for n in range(20)]
    assert (answers[0], answers[-1]) == (404, 429)


def test_a_partners_till_is_refused(till: Till, numbers: list[str]) -> None:
    theirs = Till()
    from regulars.api.models import ApiKey

    bind_till(billed_partner(), f"till:{ApiKey.objects.latest('pk').pk}")
    sold(till, numbers[0])
    for path, body in (
        ("till/certificates/find", {"certificate": numbers[0]}),
        ("till/certificates/sell", {"number": "1", "certificates": [numbers[1]], "paid": 5_000}),
        ("till/certificates/return", {"number": "1", "sold": "C-1", "sold_till": "till:1"}),
        ("till/quote", basket(certificates=[numbers[0]], store="Books", card="")),
    ):
        status, answer = theirs(path, body)
        assert (status, "partners neither sell nor take" in answer["detail"]) == (409, True), path


def test_two_tills_pay_with_the_last_of_one_and_one_wins(till: Till, numbers: list[str]) -> None:
    sold(till, numbers[0])
    tills = [Till() for _one in range(3)]
    answers = together(
        3, lambda place: tills[place].sell(card="", to_pay=10_000, in_money=5_000, certificates=[numbers[0]])[0]
    )
    assert sorted(answers) == [200, 409, 409]
    assert Certificate.objects.get(number=numbers[0]).balance == 0
