"""The ledger of one member on his card: lots, postings with the balance after each, any day, any unit, page by page."""

import datetime as dt
import html
import re
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import LogEntry, Role
from regulars.accounts.rights import Right
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty.balances import balance_of
from regulars.loyalty.ledger import Document, Kind, capture, grant, hold, open_account, spend, write_one
from regulars.loyalty.member_ledger import ledger_of
from regulars.loyalty.members import points_of, points_unit
from regulars.loyalty.models import Hold, Unit
from regulars.loyalty.partners import add_partner
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.verifying import faults
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def address(customer: Customer, query: str = "") -> str:
    return f"/customers/{customer.pk}/points/ledger/{query}"


def given(customer: Customer, points: int, *, days_ago: int = 0, number: str = "g", **life: dt.datetime) -> None:
    at = timezone.now() - dt.timedelta(days=days_ago)
    document = Document(
        points_unit(), Kind.GIFT, "test", f"{number}{days_ago}", "user:1", (grant(customer.pk, points, **life),),
        reason="Birthday <b>", happened_at=at,
    )  # fmt: skip
    write_one(document, at=at)


@pytest.fixture
def anna() -> Customer:
    open_shop()
    return enrolled()


def test_every_posting_has_its_document_its_author_and_the_balance_after_it(anna: Customer) -> None:
    owner = make_user("owner")
    given(anna, 100, days_ago=3)
    sale = sell(order(("tea", 2, 20_000), points=40), "17")
    bring_back(Coming("till:1", "18", "till:1", "17"))
    found = ledger_of(anna.pk, points_unit(), at=timezone.now())
    signed = [(one.came.kind, one.points, one.after) for one in reversed(found.moved)]
    assert signed[0] == ("Points as a gift", 100, 100)
    assert ("Purchase", -40, 60) in signed
    assert signed[-1][2] == balance_of(anna.pk, points_unit(), at=timezone.now()).total == 100
    assert all(after == before[2] + points for before, (_kind, points, after) in pairwise(signed))
    page = text_of(logged_in(owner), address(anna))
    assert f'href="/receipts/{sale.receipt_id}/"' in page
    assert all(
        one in page for one in ("Purchase 17", "Return 18", "−40", "Birthday", "from the lot of", "Balance after")
    )
    assert "Birthday <b>" not in logged_in(owner).get(address(anna)).content.decode()


def test_lots_stand_in_the_order_in_which_they_are_spent_with_their_state(anna: Customer) -> None:
    now = timezone.now()
    given(anna, 10, days_ago=9, expires_at=now - dt.timedelta(days=1))
    given(anna, 20, days_ago=8)
    given(anna, 30, days_ago=7, expires_at=now + dt.timedelta(days=5))
    later = now + dt.timedelta(days=2)
    given(anna, 40, days_ago=6, available_at=later, expires_at=later + dt.timedelta(days=30))
    lots = ledger_of(anna.pk, points_unit(), at=now).lots
    assert [(one.points, one.state) for one in lots] == [
        (10, "over"), (30, "available"), (40, "pending"), (20, "available")
    ]  # fmt: skip
    spent = Document(points_unit(), Kind.SALE, "t", "1", "till:1", (spend(anna.pk, 25),))
    write_one(spent, at=now)
    assert [(one.points, one.granted) for one in ledger_of(anna.pk, points_unit(), at=timezone.now()).lots] == [
        (10, 10), (5, 30), (40, 40), (20, 20)
    ]  # fmt: skip


def test_any_day_of_the_past_is_as_it_was_and_a_day_to_come_is_refused(anna: Customer) -> None:
    given(anna, 100, days_ago=5)
    given(anna, 7, days_ago=2)
    owner = logged_in(make_user("owner"))
    day = (timezone.now() - dt.timedelta(days=4)).date().isoformat()
    page = text_of(owner, address(anna, f"?day={day}"))
    assert "+100" in page and "+7" not in page
    assert "None." in text_of(owner, address(anna, "?day=0001-01-01"))
    for query, words in (
        ("?day=2999-01-01", "is still to come"), ("?day=soon", "'soon' is no day"),
    ):  # fmt: skip
        assert words in text_of(owner, address(anna, query), 422)
    for place in ("x", "2026-01-01T00:00~1", "9~9~9", "'; DROP TABLE x", "2026-01-01T00:00:00+00:00~" + "9" * 50):
        assert owner.get(address(anna), {"after": place}).status_code == 200


def test_it_comes_page_by_page_and_each_balance_goes_on(anna: Customer) -> None:
    for day in range(7, 0, -1):
        given(anna, 10, days_ago=day)
    now, unit, seen, after = timezone.now(), points_unit(), [], ""
    while True:
        found = ledger_of(anna.pk, unit, at=now, after=after, limit=3)
        seen += [one.after for one in found.moved]
        after = found.further
        if not after:
            break
    assert seen == [70, 60, 50, 40, 30, 20, 10]
    for number in range(60):
        given(anna, 1, number=f"n{number}")
    owner = logged_in(make_user("owner"))
    page = text_of(owner, address(anna))
    link = re.search(r'href="(\?[^"]+)" rel="next"', page)
    assert link is not None
    assert "The newest postings" in text_of(owner, address(anna, link[1]))
    for nowhere in ("x", "0001-01-01T00:00:00%2B23:59~1", "9999-12-31T23:59:59-23:59~1"):
        assert owner.get(address(anna, f"?after={nowhere}")).status_code == 200


def test_each_unit_is_a_ledger_of_its_own_and_whoever_was_merged_is_in_it(anna: Customer) -> None:
    miles = Unit.objects.create(slug="miles", title="Miles <i>")
    open_account(anna.pk, miles, at=timezone.now())
    write_one(Document(miles, Kind.GIFT, "t", "1", "user:1", (grant(anna.pk, 5),)), at=timezone.now())
    boris = enrolled("1000000018", "Boris")
    given(anna, 100)
    given(boris, 30, number="b")
    owner = make_user("owner")
    assert "+5" in text_of(logged_in(owner), address(anna, "?unit=miles"))
    page = logged_in(owner).get(address(anna, "?unit=other")).content.decode()
    assert "+100" in page and "Miles &lt;i&gt;" in page
    merge(anna, boris, by=owner, reasons=[])
    found = ledger_of(anna.pk, points_unit(), at=timezone.now())
    assert {one.points for one in found.moved} == {100, 30}
    assert found.moved[0].after == found.balance.total == 130


def waits(customer: Customer, points: int, key: str = "operator\x1fW-<1>", unit: Unit | None = None) -> Hold:
    """Points that are set aside for an order."""
    now = timezone.now()
    hold(customer.pk, unit or points_unit(), points, key=key, at=now, until=now + dt.timedelta(days=1))
    return Hold.objects.get(key=key)


def let_go(client: Client, customer: Customer, one: Hold) -> Any:
    return client.post(f"/customers/{customer.pk}/points/holds/{one.pk}/let-go/", follow=True)


def test_orders_that_wait_are_let_go_once_and_it_is_in_the_log(anna: Customer) -> None:
    given(anna, 100)
    first, books = waits(anna, 40), add_partner("books", "Books & Co", by=None)
    second = waits(anna, 30, f"partner:{books.pk}\x1fB-2")
    owner = make_user("owner")
    client, reader = logged_in(owner), logged_in(make_user("analyst"))
    page = client.get(address(anna)).content.decode()
    assert all(one in page for one in ("W-&lt;1&gt;", ">40<", "B-2", "Books &amp; Co", ">30<", "Let go"))
    assert page.count("/let-go/") == 2
    seen = reader.get(address(anna)).content.decode()
    assert "W-&lt;1&gt;" in seen and "/let-go/" not in seen
    day = (timezone.now() - dt.timedelta(days=2)).date().isoformat()
    assert "B-2" not in text_of(client, address(anna, f"?day={day}")), "what waits is told as it is now"
    for _press in range(2):
        answer = let_go(client, anna, first)
        assert "The points of the order W-<1> are free again." in html.unescape(answer.content.decode())
        assert (answer.status_code, answer.content.decode().count("/let-go/")) == (200, 1)
    entry = LogEntry.objects.get(event="points_let_go")
    assert (entry.user, entry.about, entry.details) == (owner, f"#{anna.pk}", {"points": 40, "order": "W-<1>"})
    log = client.get("/settings/log/").content.decode()
    assert "order W-&lt;1&gt;" in log
    assert (points_of(anna).available, points_of(anna).held) == (70, 30)
    second.refresh_from_db()
    assert second.state == "open"
    assert faults() == []


def test_points_of_an_order_that_was_paid_are_not_let_go(anna: Customer) -> None:
    given(anna, 100)
    one = waits(anna, 40)
    write_one(Document(points_unit(), Kind.SALE, "t", "1", "till:1", (capture(one.key),)), at=timezone.now())
    answer = let_go(logged_in(make_user("owner")), anna, one)
    page = html.unescape(answer.content.decode())
    assert (answer.status_code, "A receipt has spent these points" in page, "Postings" in page) == (422, True, True)
    assert not LogEntry.objects.filter(event="points_let_go").exists()
    assert balance_of(anna.pk, points_unit(), at=timezone.now()).available == 60


def test_orders_are_let_go_by_who_may_and_only_of_this_customer(anna: Customer) -> None:
    given(anna, 100)
    boris = enrolled("1000000018", "Boris")
    one, owner, analyst = waits(anna, 40), make_user("owner"), make_user("analyst")
    for who, customer, status in ((analyst, anna, 403), (owner, boris, 404)):
        assert let_go(logged_in(who), customer, one).status_code == status
    assert logged_in(owner).get(f"/customers/{anna.pk}/points/holds/{one.pk}/let-go/").status_code == 405
    owner.role.own_customers_only = True
    owner.role.save()
    Customer.objects.filter(pk=anna.pk).update(owner=analyst)
    assert let_go(logged_in(owner), anna, one).status_code == 404
    Customer.objects.filter(pk=anna.pk).update(owner=owner)
    Role.objects.filter(pk=owner.role.pk).update(
        rights=[right.value for right in Right if right is not Right.SEE_PURCHASES]
    )
    assert let_go(logged_in(owner), anna, one).status_code == 403, "the answer would show what he may not see"
    one.refresh_from_db()
    assert one.state == "open"


def test_orders_of_whoever_was_merged_and_of_another_unit_are_there(anna: Customer) -> None:
    boris = enrolled("1000000018", "Boris")
    given(boris, 30, number="b")
    miles = Unit.objects.create(slug="miles", title="Miles")
    open_account(anna.pk, miles, at=timezone.now())
    write_one(Document(miles, Kind.GIFT, "t", "1", "user:1", (grant(anna.pk, 5),)), at=timezone.now())
    his, flown, owner = waits(boris, 30), waits(anna, 5, "operator\x1fM-1", miles), make_user("owner")
    merge(anna, boris, by=owner, reasons=[])
    client = logged_in(owner)
    page = text_of(client, address(anna))
    assert "W-<1>" in page and "M-1" not in page
    assert "M-1" in text_of(client, address(anna, "?unit=miles"))
    for one in (his, flown):
        assert let_go(client, anna, one).status_code == 200
    assert set(Hold.objects.values_list("state", flat=True)) == {"released"}


def test_it_is_for_who_may_see_purchases_of_this_customer(anna: Customer) -> None:
    given(anna, 100)
    cashier = make_user("cashier")
    assert logged_in(cashier).get(address(anna)).status_code == 403
    manager = make_user("manager")
    manager.role.own_customers_only = True
    manager.role.save()
    Customer.objects.filter(pk=anna.pk).update(owner=cashier)
    assert logged_in(manager).get(address(anna)).status_code == 404
    stranger = Customer.objects.create(name="Vera")
    assert "He is no member" in text_of(logged_in(make_user("owner")), address(stranger))
