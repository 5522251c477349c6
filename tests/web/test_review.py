"""The page of what somebody has to look at, and points by hand on the card."""

import datetime as dt
import html
import random
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry, Role
from regulars.accounts.rights import Right
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, spend, write_one
from regulars.loyalty.models import Alert, Correction, OfflineDocument, Sale, SaleReturn
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.verifying import faults
from regulars.loyalty.watching import look
from regulars.purchases.models import Product
from tests.loyalty.at_once import together
from tests.loyalty.offline_cases import CAPS, OfflineTill
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.loyalty.test_concentration import by_chance, cards_of, record
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


def text_of(client: Client, address: str = "/programme/review/", status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def pressed(client: Client, what: Alert | Correction, decision: str) -> str:
    """What the page says afterwards."""
    kind = "alerts" if isinstance(what, Alert) else "corrections"
    answer = client.post(f"/programme/review/{kind}/{what.pk}/", {"decision": decision}, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def written(client: Client, customer: Customer, **more: Any) -> Any:
    return client.post(f"/customers/{customer.pk}/points/", {"points": "50", "reason": "Sorry", "key": "k", **more})


def two_equal() -> Alert:
    """The same purchase, told under two numbers."""
    anna = enrolled()
    then = timezone.now() - dt.timedelta(days=2)
    for number in ("1", "2"):
        sell(order(("tea", 1, 10_000), purchased_at=then, cashier="Irina"), number)
    look(timezone.now())
    found = Alert.objects.get()
    assert found.customer == anna
    return found


def test_an_empty_page_teaches() -> None:
    page = text_of(logged_in(make_user("owner")))
    assert "Nothing odd at the tills" in page
    assert "nobody agrees with himself" in page


def test_the_later_of_two_equal_receipts_is_cancelled_by_a_person() -> None:
    open_shop()
    alert, owner = two_equal(), make_user("owner")
    page = text_of(logged_in(owner))
    assert all(words in page for words in ("Perhaps rung up twice", "receipt 1", "receipt 2", "Anna", "Irina"))
    assert "The later receipt is cancelled" in pressed(logged_in(owner), alert, "no")
    back = SaleReturn.objects.get()
    assert (back.sale.number, back.is_void, back.points_taken, back.refund) == ("2", True, 9, 9_500)
    assert members.points_of(Customer.objects.get()).available == 9
    alert.refresh_from_db()
    assert (alert.decision, alert.decided_by) == ("wrong", owner)
    assert "Owner has decided this already" in pressed(logged_in(owner), alert, "yes")
    assert LogEntry.objects.get(event="alert_decided").user == owner
    page = text_of(logged_in(owner))
    assert "Nothing odd at the tills" in page
    assert "it was wrong" in page
    assert "Decided of late" in page
    assert faults() == []


def test_goods_discounted_from_a_raised_price_stand_there() -> None:
    open_shop(price_watch_days=14)
    enrolled()
    Product.objects.filter(code="tea").update(name="<b>Tea", price_raised_on=timezone.now().date())
    sell(order(("tea", 1, 10_000)), "17")
    look(timezone.now())
    client = logged_in(make_user("owner"))
    page = text_of(client)
    for words in ("Discount from a raised price", "Discounted on this day", "receipt 17", "<b>Tea"):
        assert words in page, words
    assert b"<b>Tea" not in client.get("/programme/review/").content
    assert "Written down" in pressed(client, Alert.objects.get(), "no")


def test_what_was_right_stays() -> None:
    open_shop()
    alert = two_equal()
    assert "Written down" in pressed(logged_in(make_user("owner")), alert, "yes")
    assert not SaleReturn.objects.exists()


def test_what_came_back_at_the_till_meanwhile_is_told() -> None:
    open_shop()
    alert = two_equal()
    bring_back(Coming("till:1", "v", "till:1", "2", is_void=True))
    page = pressed(logged_in(make_user("owner")), alert, "no")
    assert "Some of this receipt came back already" in page
    alert.refresh_from_db()
    assert alert.decision == ""


def test_a_form_without_its_button_decides_nothing() -> None:
    open_shop()
    alert = two_equal()
    assert "Press one of the buttons" in pressed(logged_in(make_user("owner")), alert, "perhaps")
    alert.refresh_from_db()
    assert alert.decision == ""


@pytest.mark.parametrize(
    ("kind", "figures", "words"),
    [
        ("limit", {"receipts": 11, "earned": 1, "spent": 0, "most": {"receipts": 10, "earned": None, "spent": None}},
         "In a day 11 receipts, 1 point earned; as a rule at most 10 receipts."),
        ("refused", {"times": 1, "most": {"receipts": 2, "earned": 5, "spent": None}},
         "In a day 1 receipt was refused beyond the limit: 2 receipts, 5 points earned."),
    ],
)  # fmt: skip
def test_limits_are_told_in_figures(kind: str, figures: dict[str, Any], words: str) -> None:
    owner, now = logged_in(make_user("owner")), timezone.now()
    Alert.objects.create(key="x", kind=kind, of="cashier", per="day", subject="Irina", figures=figures,
                         begins_at=now, found_at=now)  # fmt: skip
    page = text_of(owner)
    assert words in page
    assert "Irina" in page


def test_points_by_hand_go_from_the_card_to_the_page_and_back_to_the_timeline() -> None:
    open_shop(watch={"alone": 40})
    anna, marketer, owner = enrolled(), logged_in(make_user("marketer")), logged_in(make_user("owner"))
    assert "give or take" in text_of(marketer, f"/customers/{anna.pk}/")
    assert written(marketer, anna).status_code == 302
    card = text_of(marketer, f"/customers/{anna.pk}/")
    assert "waits for a second person" in card
    assert members.points_of(anna).available == 0
    correction = Correction.objects.get()
    own = text_of(marketer)
    assert "Withdraw the request" in own
    assert ">Agree<" not in own
    assert "You asked for it yourself" in pressed(marketer, correction, "yes")
    assert ">Agree<" in text_of(owner)
    assert "Done." in pressed(owner, correction, "yes")
    assert members.points_of(anna).available == 50
    card = text_of(owner, f"/customers/{anna.pk}/")
    assert "Correction by hand" in card
    assert "Sorry" in card
    log = text_of(owner, "/settings/log/")
    assert "points given or taken by hand" in log
    assert "+50 points" in log


def test_few_points_are_given_at_once_and_a_double_press_gives_them_once() -> None:
    open_shop()
    anna, marketer = enrolled(), logged_in(make_user("marketer"))
    for _time in range(2):
        assert written(marketer, anna).status_code == 302
    assert members.points_of(anna).available == 50
    assert written(marketer, anna, way="take", points="20", key="l").status_code == 302
    assert members.points_of(anna).available == 30


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"points": "-5"}, "'-5' is no number of points"),
        ({"points": "1" * 16}, "is no number of points"),
        ({"points": "٥"}, "is no number of points"),
        ({"points": "0"}, "Give or take 1 to"),
        ({"reason": ""}, "Say why"),
        ({"way": "take"}, "There are 0 points that can be spent, 50 were asked for"),
    ],
)
def test_what_cannot_be_comes_back_with_the_reason(given: dict[str, str], words: str) -> None:
    open_shop()
    anna, marketer = enrolled(), logged_in(make_user("marketer"))
    answer = written(marketer, anna, **given)
    assert answer.status_code == 422
    assert words in html.unescape(answer.content.decode())
    assert not Correction.objects.exists()


def test_who_sees_his_own_customers_alone_decides_about_them_alone() -> None:
    open_shop()
    alert, owner = two_equal(), make_user("owner")
    Customer.objects.update(owner=owner)
    correction = Correction.objects.create(
        key="c", customer=Customer.objects.get(), points=9, reason="x", needs_two=True, asked_by=owner,
        asked_at=timezone.now(),
    )  # fmt: skip
    manager = make_user("manager")
    Role.objects.filter(pk=manager.role_id).update(rights=["tills.watch", "purchases.see"])
    client = logged_in(manager)
    page = text_of(client)
    assert "Anna" not in page
    for address in (f"alerts/{alert.pk}/", f"corrections/{correction.pk}/"):
        assert client.post(f"/programme/review/{address}", {"decision": "yes"}).status_code == 404
    assert not Sale.objects.filter(returns__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_two_cancel_one_receipt_at_once_and_it_is_cancelled_once() -> None:
    open_shop()
    alert, owner = two_equal(), make_user("owner")
    pages = together(4, lambda _place: pressed(logged_in(owner), alert, "no"))
    assert sum("The later receipt is cancelled" in one for one in pages) == 1
    assert SaleReturn.objects.count() == 1
    assert faults() == []


def test_a_page_compares_cashiers_and_cards_and_says_how() -> None:
    open_shop()
    owner = logged_in(make_user("owner"))
    page = text_of(owner, "/programme/review/meetings/")
    assert "Nothing to compare yet" in page
    own, *cards = cards_of(40)
    lot = random.Random(5)
    theft = [(lot.randint(1, 60), lot.randint(9, 16), "B", own) for _time in range(25)]
    record([*by_chance(cards, lot), *theft], until=timezone.now())
    page = text_of(owner, "/programme/review/meetings/")
    assert "It proves nothing" in page
    assert "Card 0" in page
    assert "100%" in page
    assert "Benjamini and Hochberg" in page


def test_nobody_decides_about_his_own_card() -> None:
    open_shop()
    alert, owner = two_equal(), make_user("owner")
    add_contact(alert.customer, kind="email", written=owner.email, by=None)
    assert "about your own card" in pressed(logged_in(owner), alert, "yes")
    alert.refresh_from_db()
    assert alert.decision == ""


def told_late(**more: Any) -> OfflineTill:
    """A till that sold to a card that nobody has, and told it."""
    open_shop(spending=CAPS)
    till = OfflineTill()
    till.fetch()
    till.told(till.sold("17", card="1000000033", **more))
    return till


@pytest.mark.django_db(transaction=True)
def test_what_a_till_told_and_nobody_could_write_is_shown_and_tried_again() -> None:
    till, client = told_late(points=5), logged_in(make_user("owner"))
    page, waiting = text_of(client), OfflineDocument.objects.get()
    assert "Told by tills, and not written" in page and "No member has this card or phone." in page
    assert "1000000033" not in page
    address = f"/programme/review/offline/{waiting.pk}/"
    again = client.post(address, {"decision": "again"}, follow=True)
    assert "No member has this card or phone." in again.content.decode() and Sale.objects.count() == 0
    enrolled("1000000033")
    assert "Written." in client.post(address, {"decision": "again"}, follow=True).content.decode()
    assert (Sale.objects.get().points_spent, OfflineDocument.objects.count()) == (5, 0)
    assert "It is written already." in client.post(address, {"decision": "again"}, follow=True).content.decode()
    assert LogEntry.objects.filter(event="offline_tried").count() == 2
    page = text_of(client)
    assert "Who owes points" not in page and "Told by tills" not in page  # what he earned paid it
    assert faults() == [] and till.tell() == []


@pytest.mark.django_db(transaction=True)
def test_it_can_be_written_without_the_card_and_the_shop_bears_the_points() -> None:
    told_late(points=5)
    client, waiting = logged_in(make_user("owner")), OfflineDocument.objects.get()
    client.post(f"/programme/review/offline/{waiting.pk}/", {"decision": "without"})
    sale = Sale.objects.get()
    assert (sale.customer, sale.to_pay, sale.points_spent) == (None, 9_000, 0)
    assert "₽5.00 less than by its rules. 5 points that it took are not the member's to pay" in text_of(client)
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_debts_are_listed_with_their_sum() -> None:
    open_shop(spending=CAPS)
    till = OfflineTill()
    till.fetch()
    for place, card in enumerate(("1000000017", "1000000025")):
        enrolled(card, name=f"Anna {place}")
        till.told(till.sold(str(place), card=card, points=30 + place))
    owner = make_user("owner")
    Customer.objects.filter(name="Anna 1").update(owner=owner)
    page = text_of(logged_in(owner))
    assert "2 members owe 49 in all. What they earn next pays it." in page
    assert page.index("Anna 1") < page.index("Anna 0")
    limited = make_user("manager")
    role = Role.objects.get(slug="manager")
    role.rights = [*role.rights, Right.WATCH_TILLS.value]
    role.own_customers_only = True
    role.save()
    page = text_of(logged_in(limited))
    assert "1 member owes 24 in all. What he earns next pays it." in page and "Anna 1" not in page


def test_points_that_a_return_forgives_are_told_once_with_their_receipt() -> None:
    open_shop(life={"days": 365, "most_debt": 0})
    anna = enrolled()
    sale = sell(order(("tea", 10, 100_000)), "1")
    assert sale.points_earned == 95
    spent = Document(members.points_unit(), Kind.SALE, "till:1", "2", "till:1", (spend(anna.pk, 90),))
    write_one(spent, at=timezone.now())
    for _again in range(2):
        bring_back(Coming("till:1", "r1", "till:1", "1"))
    owner = logged_in(make_user("owner"))
    page = " ".join(text_of(owner).split())
    assert "Points kept after a return" in page
    assert "90 points that they had given were spent before: more than he may owe" in page
    found = Alert.objects.get()
    assert (found.customer, found.sale, found.figures) == (anna, sale, {"points": 90})
    assert "Written down." in pressed(owner, found, "no")
    assert SaleReturn.objects.count() == 1, "it is a word to people: nothing is done by it"
