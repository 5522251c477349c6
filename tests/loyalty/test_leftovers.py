"""Members with points to use: on a list, and in a file."""

import datetime as dt
import html

import pytest
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.accounts.rights import Right
from regulars.customers.models import Customer
from regulars.loyalty.gifts import GiftData, add_gift, take
from regulars.loyalty.leftovers import ENOUGH, EXPIRING, Leftover, leftovers_of, with_leftovers
from regulars.loyalty.models import TierChange
from tests.loyalty.selling_cases import open_shop
from tests.loyalty.test_gifts import DAY, TIERS, give, rich, wish
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop(tiers=TIERS)


def names(kind: str) -> set[str]:
    return {one.name for one in with_leftovers(kind, at=timezone.now())}


def test_points_are_enough_for_what_he_may_take() -> None:
    anna = rich(250)
    rich(99, "10001")
    later = rich(50, "10002")
    give(later, 500, available_at=timezone.now() + DAY)
    assert names(ENOUGH) == set()
    mug = add_gift(GiftData("Mug", 100, 0, most_each=1), stock=2, by=None)
    assert names(ENOUGH) == {anna.name}
    take(anna, wish(mug))
    assert names(ENOUGH) == set(), "he has had his one"
    add_gift(GiftData("Golden mug", 100, 0, tiers=("gold",)), stock=2, by=None)
    assert names(ENOUGH) == set()
    TierChange.objects.create(customer=anna, tier="gold", since=timezone.now(), turnover=0)
    assert names(ENOUGH) == {anna.name}


def test_points_that_go_within_a_month_and_what_they_are() -> None:
    soon, now = timezone.now() + 20 * DAY, timezone.now()
    anna = rich(60, expires_at=soon)
    give(anna, 40, expires_at=now + 25 * DAY)
    give(anna, 100, expires_at=now + 90 * DAY)
    rich(70, "10001", expires_at=now + 31 * DAY)
    rich(70, "10002")
    add_gift(GiftData("Cup", 50, 0), stock=2, by=None)
    add_gift(GiftData("Mug", 150, 0), stock=2, by=None)
    assert names(EXPIRING) == {anna.name}
    assert leftovers_of([anna.pk], at=now + dt.timedelta(seconds=9)) == {anna.pk: Leftover(200, 100, soon, "Mug")}


def test_the_list_and_its_file() -> None:
    rich(250)
    Customer.objects.update(name='=HYPERLINK("x")')
    add_gift(GiftData("Mug", 100, 0), stock=2, by=None)
    marketer = logged_in(make_user("marketer"))
    page = html.unescape(marketer.get("/programme/gifts/members/enough/").content.decode())
    assert all(one in page for one in ("1 customer", "Mug", "250"))
    answer = marketer.post("/programme/gifts/members/enough/take/", {"form": "csv"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "Customer,Phone,E-mail,Points,Expire soon,Expire from,Can take"
    assert lines[1].startswith("\"'=HYPERLINK")
    assert lines[1].endswith(",250,,,Mug")
    book = marketer.post("/programme/gifts/members/enough/take/", {"form": "xlsx"})
    assert b"".join(book.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
    assert LogEntry.objects.filter(event="exported", about="leftovers:enough").count() == 2
    log = html.unescape(logged_in(make_user("owner")).get("/settings/log/").content.decode())
    assert "Points enough for a gift" in log
    assert "Expire soon" in log


def test_lists_that_are_not_there_and_people_who_may_not() -> None:
    rich(250)
    add_gift(GiftData("Mug", 100, 0), stock=2, by=None)
    owner, manager = logged_in(make_user("owner")), make_user("manager")
    assert owner.get("/programme/gifts/members/everybody/").status_code == 404
    assert owner.get("/programme/gifts/members/enough/?after=x").status_code == 422
    Customer.objects.update(owner=make_user("marketer"))
    page = logged_in(manager).get("/programme/gifts/members/enough/").content.decode()
    assert "Nobody is here." in page, "a manager sees his own customers alone"
    manager.role.rights = [Right.EXPORT_CUSTOMERS.value]
    manager.role.save()
    assert logged_in(manager).post("/programme/gifts/members/enough/take/", {"form": "csv"}).status_code == 403
