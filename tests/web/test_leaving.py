"""The page of why members leave: who left with which signs, named to whoever may see him."""

import datetime as dt
import html
import re

import pytest
from django.db import connection
from django.utils import timezone

from regulars.accounts.models import Role, User
from regulars.accounts.rights import Right
from regulars.customers.models import Consent, Customer
from regulars.insights.models import Score
from regulars.loyalty import leavers
from regulars.web import programme_leaving
from tests.loyalty.selling_cases import RULES, open_store, publish_in_the_past
from tests.loyalty.test_trials import buy, enrol_many
from tests.web.people import logged_in, make_business, make_user

pytestmark = pytest.mark.django_db

PAGE = "/programme/leaving/"
WITHDRAWN = "Consent to messages was withdrawn within two months"
GONE = 100


def text_of(user: User) -> str:
    answer = logged_in(user).get(PAGE)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def named(page: str) -> list[int]:
    """Whose cards the page leads to, in its order."""
    return [int(key) for key in re.findall(r'href="/customers/(\d+)/"', page)]


@pytest.fixture
def left() -> list[Customer]:
    """Sixty who left, all but the last ten of whom withdrew a consent, beside sixty who stayed. The last spent most."""
    make_business()
    open_store()
    publish_in_the_past(RULES, dt.timedelta(days=400))
    people = enrol_many(120, dt.timedelta(days=300))
    gone, last = people[:60], timezone.now() - dt.timedelta(days=GONE)
    buy({one.pk: 50_000 + 100 * n for n, one in enumerate(people)}, ago=GONE)
    buy({one.pk: 50_000 for one in people[60:]}, ago=2)
    said = [(one, True, 100) for one in people] + [(one, False, 10) for one in gone[:50]]
    Consent.objects.bulk_create(
        Consent(customer=one, purpose="news", channel="email", is_given=given, source="form",
                at=last - dt.timedelta(days=ago))
        for one, given, ago in said
    )  # fmt: skip
    Score.objects.bulk_create(
        Score(customer=one, state="lost" if n < 60 else "regular") for n, one in enumerate(people)
    )
    return gone


def reader(*rights: Right, own_only: bool = False) -> User:
    """Somebody of a role of the shop's own."""
    role = Role.objects.create(slug="own", name="Own", rights=sorted(rights), own_customers_only=own_only)
    return User.objects.create(email="own@example.com", name="Reader", language="en", role=role)


def test_who_left_with_a_sign_is_named_with_what_he_spent_and_all_his_signs(left: list[Customer]) -> None:
    Customer.objects.filter(pk=left[49].pk).update(name="<b>Mug</b>")
    answer = logged_in(make_user("owner")).get(PAGE).content.decode()
    assert "<b>Mug" not in answer and "&lt;b&gt;Mug" in answer
    page = html.unescape(answer).replace("\xa0", " ")
    assert "60 members who left, at their last purchase, beside 60" in page
    assert f"<h2>{WITHDRAWN}</h2>" in page and page.count("<h2>") == 1, "only of signs that are shown"
    assert "50 members left with this sign before it." in page
    # who spent most comes first; who left without the sign, and who stayed, is not there
    assert named(page) == [one.pk for one in reversed(left[:50])]
    row = page[page.index(f"/customers/{left[49].pk}/") : page.index(f"/customers/{left[48].pk}/")]
    assert "₽549" in row
    assert f"<li>{WITHDRAWN}</li>" in row and "<li>Three months in the programme without spending a point</li>" in row


def test_a_long_list_ends_and_says_of_how_many(left: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leavers, "NAMED", 7)
    page = text_of(make_user("analyst"))
    assert named(page) == [one.pk for one in reversed(left[43:50])]
    assert "50 members left with this sign before it. Named are the 7 who spent most." in page


def test_customers_of_another_manager_are_not_named_nor_counted(left: list[Customer]) -> None:
    rights = (Right.SEE_INSIGHTS, Right.SEE_CUSTOMERS, Right.SEE_PURCHASES)
    mine, other = reader(*rights, own_only=True), make_user("manager")
    Customer.objects.filter(pk__in=[one.pk for one in left]).update(owner=other)
    Customer.objects.filter(pk=left[0].pk).update(owner=mine)
    Customer.objects.filter(pk=left[1].pk).update(owner=None)
    page = text_of(mine)
    assert named(page) == [left[1].pk, left[0].pk]
    assert "2 members left with this sign" in page
    assert all(f">{one.name}<" not in page for one in left[2:])
    # what the sign says of all members is the same for every reader
    assert "60 members who left" in page and "83%" in page
    Customer.objects.filter(pk__in=[left[0].pk, left[1].pk]).update(owner=other)
    assert f"<h2>{WITHDRAWN}</h2>" not in text_of(mine)


@pytest.mark.parametrize("lacks", [Right.SEE_CUSTOMERS, Right.SEE_PURCHASES])
def test_whoever_may_not_see_customers_or_purchases_reads_shares_alone(left: list[Customer], lacks: Right) -> None:
    rights = {Right.SEE_INSIGHTS, Right.SEE_CUSTOMERS, Right.SEE_PURCHASES} - {lacks}
    page = text_of(reader(*rights))
    assert "More often before leaving" in page
    assert named(page) == [] and left[49].name not in page and "₽" not in page


def test_the_page_is_told_in_russian(left: list[Customer]) -> None:
    owner = make_user("owner", language="ru")
    page = text_of(owner)
    assert "С этим признаком ушли 50 участников." in page
    assert "За два месяца отозвано согласие на сообщения" in page
    assert len(named(page)) == len(left) - 10


def test_without_anybody_lost_the_page_says_what_is_missing() -> None:
    assert "Nobody is known to have left yet" in text_of(make_user("owner"))


def test_a_comparison_that_takes_too_long_says_so(left: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_asked: object) -> dict[str, object]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return {}

    monkeypatch.setattr(programme_leaving, "_compared", slow)
    monkeypatch.setattr(programme_leaving, "_PATIENCE_MS", 30)
    page = text_of(make_user("owner"))
    assert "too many receipts to compare" in page and "known to have left" not in page
    assert named(page) == []
