"""Members with points to use: on a list, and in a file."""

import datetime as dt
import html

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.insights.selectors.people import all_with, keys_at_once, page_at_once
from regulars.loyalty.gifts import GiftData, add_gift, take
from regulars.loyalty.leftovers import ENOUGH, EXPIRING, Leftover, leftovers_of, with_leftovers
from regulars.loyalty.models import TierChange
from regulars.web import gifts as gifts_page
from regulars.web import leftovers as leftovers_page
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


def test_many_are_shown_in_pages_and_found_once_for_each_page_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [rich(250, str(20_000 + number)) for number in range(5)]
    add_gift(GiftData("Mug", 100, 0), stock=9, by=None)
    found = with_leftovers(ENOUGH, at=timezone.now())
    first, count = page_at_once(found, rows=2)
    second, _count = page_at_once(found, rows=2, after=first.after)
    last, _count = page_at_once(found, rows=2, after=second.after)
    assert [one.pk for page in (first, second, last) for one in page.customers] == [one.pk for one in people[::-1]]
    assert (count, last.after) == (5, "")
    assert [len(piece) for piece in all_with(keys_at_once(found), at_once=2)] == [2, 2, 1]
    marketer, address = logged_in(make_user("marketer")), "/programme/gifts/members/enough/"
    for ask in (
        lambda: marketer.get(address),
        lambda: list(marketer.post(f"{address}take/", {"form": "csv"}).streaming_content),  # type: ignore[attr-defined]
    ):
        with CaptureQueriesContext(connection) as asked:
            ask()
        assert sum("loyalty_gift g" in one["sql"] and "= ANY" not in one["sql"] for one in asked) == 1
    with pytest.raises(InputError):
        page_at_once(found, after="1; DROP")


def test_what_takes_too_long_is_said_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rich(250)
    add_gift(GiftData("Mug", 100, 0), stock=9, by=None)

    def slow(*_given: object, **_named: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(9)")

    for name in ("page_at_once", "keys_at_once", "taken_of"):
        monkeypatch.setattr(gifts_page if name == "taken_of" else leftovers_page, name, slow)
    for module in (gifts_page, leftovers_page):
        monkeypatch.setattr(module, "_PATIENCE_MS", 30)
    monkeypatch.setattr(leftovers_page, "_PATIENCE_FOR_A_FILE_MS", 30)
    marketer, address = logged_in(make_user("marketer")), "/programme/gifts/members/enough/"
    answer = marketer.get(address)
    assert (answer.status_code, "Take the list as a file" in answer.content.decode()) == (422, True)
    answer = marketer.post(f"{address}take/", {"form": "csv"})
    assert (answer.status_code, "make a segment by points" in answer.content.decode()) == (422, True)
    answer = marketer.get("/programme/gifts/")
    assert (answer.status_code, "takes too long at this moment" in answer.content.decode()) == (200, True)


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
