"""Corporate cards: one account, several hands, each with its own limits."""

import datetime as dt
import html
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import members
from regulars.loyalty.cards import cards_of, replace
from regulars.loyalty.gifts import GiftData, Wish, add_gift, take
from regulars.loyalty.holders import set_holder, statement
from regulars.loyalty.models import Card, CardHolder, HolderSale, Sale
from regulars.loyalty.page_links import open_page
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import quote
from regulars.loyalty.setting_aside import set_aside
from regulars.loyalty.telling import NotNow
from regulars.loyalty.till_codes import make_till_code
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import CARD, no_segments, open_shop, order, sell
from tests.loyalty.test_gifts import give
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


# --- ways round a limit ---


def replaced(company: Customer, card: str = CARD) -> str:
    old = next(one.contact for one in cards_of([company.pk]) if one.contact.value == card)
    return replace(old, "", by=User.objects.get()).value


def test_what_a_till_tells_late_of_a_replaced_card_counts_for_its_holder(company: Customer) -> None:
    held()
    before = timezone.now()
    newest = replaced(company, replaced(company))
    buy("1", purchased_at=before)
    buy("2", newest)
    with pytest.raises(NotNow, match="Ivan may buy"):
        buy("3", newest)
    with pytest.raises(NotNow, match="Ivan may buy"):
        buy("3", purchased_at=before)
    assert told(company) == [("Ivan", 2, 19_000, 0)]


def test_a_card_that_replaces_one_and_has_a_holder_leaves_both_in_their_hands(company: Customer) -> None:
    held()
    held(SECOND, "Petr")
    before, contact = timezone.now(), Contact.objects.get(value=CARD)
    replace(contact, SECOND, by=User.objects.get())
    buy("1", purchased_at=before)
    buy("2", SECOND)
    assert told(company) == [("Ivan", 1, 9_500, 0), ("Petr", 1, 9_500, 0)]


@pytest.mark.parametrize("named", ["phone", "code"])
def test_a_company_whose_cards_have_limits_is_not_named_by_anything_else(company: Customer, named: str) -> None:
    add_contact(company, kind="phone", written="+79161234567", by=None)
    now = timezone.now()
    who = {"phone": "+79161234567"} if named == "phone" else {"code": make_till_code(
        open_page(company, by=None, at=now), at=now
    )}  # fmt: skip
    asked = order(("tea", 1, 10_000), card="", **who)
    holder = held(turnover=None)
    assert quote(asked, segments=no_segments).judged.to_pay == 9_500, "nothing is limited yet"
    CardHolder.objects.filter(pk=holder.pk).update(most_turnover=20_000)
    for ask in (lambda: quote(asked, segments=no_segments), lambda: sell(asked, to_pay=9_500)):
        with pytest.raises(NotNow, match="ask for the card"):
            ask()
    Customer.objects.filter(pk=company.pk).update(kind="person")
    assert sell(asked).to_pay == 9_500


def test_a_company_sets_no_gift_aside_past_its_limits(company: Customer) -> None:
    held(points=10, turnover=None)
    give(company, 100)
    mug, page = add_gift(GiftData("Mug", 50, 0), stock=3, by=None), open_page(company, by=None, at=timezone.now())
    with pytest.raises(NotNow, match="ask for the card"):
        set_aside(company, page, number="a", gift=mug.pk, points=50)
    assert take(company, Wish("user:1", "b", mug.pk, 50)).points == 50, "who works here gives it to whom he knows"


def test_the_database_lets_no_card_replace_itself_or_be_replaced_while_it_works(company: Customer) -> None:
    card = Card.objects.create(number="77")
    for wrong in ({"replaced_by": card}, {"replaced_by": card, "is_replaced": True, "blocked_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Card.objects.filter(pk=card.pk).update(**wrong)
