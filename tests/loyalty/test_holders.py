"""Corporate cards: one account, several hands, each with its own limits."""

import datetime as dt
import html
from typing import Any

import pytest
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import members
from regulars.loyalty.cards import cards_of, replace
from regulars.loyalty.holders import set_holder, statement
from regulars.loyalty.models import CardHolder, HolderSale, Sale
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.telling import NotNow
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
SECOND = "1000000022"


@pytest.fixture
def company(db: None) -> Customer:
    open_shop()
    make_user("owner")
    made = Customer.objects.create(name="Builders", kind="company")
    for card in (CARD, SECOND):
        add_contact(made, kind="card", written=card, by=None)
    members.enrol(made, at=timezone.now(), most_debt=1000)
    return made


def held(card: str = CARD, name: str = "Ivan", turnover: int | None = 20_000, points: int | None = None) -> CardHolder:
    contact = Contact.objects.get(value=card)
    return set_holder(contact, name=name, most_turnover=turnover, most_points=points, by=User.objects.get())


def buy(number: str, card: str = CARD, price: int = 10_000, **more: Any) -> Sale:
    return sell(order(("tea", 1, price), card=card, **more), number)


def told(company: Customer) -> list[tuple[str, int, int, int]]:
    found = statement(company, at=timezone.now())
    return [(one.holder.name, one.receipts, one.turnover, one.points) for one in found]


def test_points_are_the_companys_and_the_statement_tells_who_bought(company: Customer) -> None:
    held()
    held(SECOND, "Petr", None)
    buy("1")
    buy("2", SECOND, 50_000)
    assert told(company) == [("Ivan", 1, 9_500, 0), ("Petr", 1, 47_500, 0)]
    assert members.points_of(company).available == 56
    bring_back(Coming("till:1", "3", "till:1", "2"))
    assert told(company)[1] == ("Petr", 1, 0, 0)


def test_beyond_his_limit_a_holder_is_refused_and_the_others_are_not(company: Customer) -> None:
    held()
    held(SECOND, "Petr")
    buy("1")
    buy("2")
    with pytest.raises(NotNow, match=r"Ivan may buy for ₽200\.00 in a month, and would have bought for ₽285\.00"):
        buy("3")
    buy("4", SECOND)
    assert Sale.objects.count() == 3
    later = statement(company, at=timezone.now() + dt.timedelta(days=40))
    assert [(one.receipts, one.turnover) for one in later] == [(0, 0), (0, 0)], "another month begins anew"


def test_points_have_a_limit_of_their_own(company: Customer) -> None:
    held(turnover=None, points=30)
    buy("1", SECOND, 100_000)
    buy("2", price=20_000, points=30)
    with pytest.raises(NotNow, match="may spend 30 points in a month, and would have spent 40"):
        buy("3", price=20_000, points=10)
    buy("4")
    assert told(company) == [("Ivan", 2, 25_500, 30)]


def test_who_is_no_company_has_no_holders(company: Customer) -> None:
    held()
    Customer.objects.filter(pk=company.pk).update(kind="person")
    with pytest.raises(InputError, match="Only cards of a company"):
        held()
    buy("1", price=90_000)
    assert not HolderSale.objects.exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [({"name": " "}, "1 to 120 signs"), ({"name": "a\x07"}, "1 to 120 signs"), ({"turnover": -1}, "not between"),
     ({"points": 10**15}, "not between")],
)  # fmt: skip
def test_what_cannot_be_is_told(company: Customer, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        held(**more)
    assert not CardHolder.objects.exists()


def test_a_new_card_stays_in_the_same_hands(company: Customer) -> None:
    held()
    buy("1")
    old = next(one.contact for one in cards_of([company.pk]) if one.contact.value == CARD)
    new = replace(old, "", by=User.objects.get())
    buy("2", new.value)
    with pytest.raises(NotNow, match="Ivan may buy"):
        buy("3", new.value)
    assert told(company) == [("Ivan", 2, 19_000, 0)]


def test_the_card_of_the_company_shows_its_holders(company: Customer) -> None:
    owner = logged_in(User.objects.get())
    contact = Contact.objects.get(value=CARD)
    address = f"/customers/{company.pk}/"
    form = {"holder": "<b>Ivan</b>", "turnover": "1 000,50", "points": ""}
    assert owner.post(f"{address}cards/{contact.pk}/holder/", form).status_code == 302
    holder = CardHolder.objects.get()
    assert (holder.most_turnover, holder.most_points) == (100_050, None)
    buy("1")
    page = owner.get(address).content.decode()
    assert "<b>Ivan" not in page
    assert all(one in html.unescape(page) for one in ("<b>Ivan</b>", "₽95.00", "₽1,000.50"))
    for wrong in ({"points": "-1"}, {"turnover": "x"}, {"holder": ""}):
        assert owner.post(f"{address}cards/{contact.pk}/holder/", form | wrong).status_code == 422
    other = Customer.objects.create(name="Others", kind="company")
    assert owner.post(f"/customers/{other.pk}/cards/{contact.pk}/holder/", form).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_tills_do_not_pass_a_limit_together(company: Customer) -> None:
    held(turnover=10_000)

    def buys(place: int) -> str:
        try:
            sell(order(("tea", 1, 10_000), till=f"till:{place}"), "1", to_pay=9_500)
        except NotNow:
            return "refused"
        return "sold"

    assert sorted(together(3, buys)) == ["refused", "refused", "sold"]
