"""Where offline receipts, partners, holders of a company's cards and gifts meet."""

import datetime as dt
import json

import pytest
from django.db.models import Sum
from django.utils import timezone

from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import gifts, members, offline
from regulars.loyalty.holders import set_holder
from regulars.loyalty.ledger import Document, Kind, give_back, grant, spend, take_back, write_one
from regulars.loyalty.members import Shown
from regulars.loyalty.models import Gift, HolderSale, OfflineDocument, Partner, Sale, Settlement, Transaction
from regulars.loyalty.offline import store_sale, write_waiting
from regulars.loyalty.offline_sale import Told
from regulars.loyalty.selling import commit
from regulars.loyalty.snapshots import snapshot_for
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import CARD, RULES, enrolled, no_segments, open_shop, order
from tests.web.people import make_user

pytestmark = pytest.mark.django_db

OFFLINE = RULES["spending"] | {"offline": {"most_points": 30, "most_receipts": 3}}


def document(till: str, kind: Transaction.Kind, number: str, move: dict[str, object], of: int | None = None) -> int:
    made = Document(members.points_unit(), kind, till, number, till, (move,), reverses=of)
    return write_one(made, at=timezone.now()).transaction


def owed_to(who: Partner) -> int:
    return Settlement.objects.filter(partner=who).aggregate(sum=Sum("amount"))["sum"] or 0


def test_a_loan_that_is_undone_pays_nobody_elses_debt() -> None:
    open_shop()
    anna, books = enrolled(), partner("books", "till:9")
    given = document("till:9", Kind.SALE, "1", grant(anna.pk, 50))
    document("till:1", Kind.SALE, "2", spend(anna.pk, 50))
    document("till:9", Kind.RETURN, "3", take_back(50), given)
    before = (owed_to(books), members.points_of(anna).debt)
    lent = document("till:1", Kind.SALE, "4", spend(anna.pk, 40, owe=True))
    document("till:1", Kind.RETURN, "5", give_back(40), lent)
    assert (owed_to(books), members.points_of(anna).debt) == before
    assert faults() == []


def test_a_partner_does_not_learn_the_cost_of_what_it_names() -> None:
    open_shop()
    partner("books", "till:9")
    commit(order(("tea", 1, 1), till="till:9", store="Yard", card=""), "1", to_pay=1, segments=no_segments)
    (version,) = json.loads(snapshot_for("till:9", "Yard", now=timezone.now()).text)["versions"]
    assert version["least"] == {}


@pytest.fixture
def company() -> Customer:
    open_shop(spending=OFFLINE)
    found = Customer.objects.create(name="Works", kind="company")
    add_contact(found, kind="card", written=CARD, by=None)
    members.enrol(found, at=timezone.now(), most_debt=1000)
    document("till:1", Kind.GIFT, "gift", grant(found.pk, 500))
    contact = Contact.objects.get(value=CARD)
    set_holder(contact, name="Ivan", most_turnover=None, most_points=20, by=make_user("owner"))
    return found


def tell(number: str, card: str = CARD) -> None:
    name = snapshot_for("till:1", "Arbat", now=timezone.now()).name
    asked = order(("tea", 1, 20_000), points=30, purchased_at=timezone.now(), card=card)
    store_sale(Told(asked, number, name, 16_000, True), more=False)


def write_all() -> None:
    write_waiting(timezone.now() + dt.timedelta(minutes=5), segments=no_segments)


def test_a_holder_spends_no_more_without_a_line_than_he_may(company: Customer) -> None:
    for number in ("1", "2"):
        tell(number)
    write_all()
    assert list(Sale.objects.order_by("number").values_list("points_spent", flat=True)) == [20, 0]
    assert HolderSale.objects.count() == 2


def test_a_card_with_a_limit_of_points_takes_no_gifts(company: Customer) -> None:
    mug = Gift.objects.create(name="Mug", points=10, stock=5, cost=0)
    wish = gifts.Wish("till:1", "1", mug.pk, 10, shown=CARD, store="Arbat", is_handed_out=True)
    with pytest.raises(NotNow, match="takes no gifts"):
        gifts.take(company, wish, Shown(CARD))
    with pytest.raises(NotNow, match="ask for the card"):
        gifts.take(company, wish)
    assert members.points_of(company).available == 500


def test_a_till_that_tries_cards_is_stopped(company: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "MOST_STUCK", 2)
    for number in ("1", "2"):
        tell(number, card=f"100000008{number}")
    write_all()
    assert OfflineDocument.objects.exclude(problem="").count() == 2
    with pytest.raises(NotNow, match="Review"):
        tell("3")
    OfflineDocument.objects.first().delete()  # type: ignore[union-attr]
    tell("3")
