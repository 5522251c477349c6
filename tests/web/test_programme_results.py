"""The page of results: parts that are counted after it, bounded in time, and expenses that people type."""

import html
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from regulars.foundation.patience import in_time
from regulars.loyalty.cards import make_cards
from regulars.loyalty.models import CardBatch, Expense
from regulars.web import programme_results
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

PAGE = "/programme/results/"


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


@pytest.fixture
def owner() -> Client:
    open_shop()
    return logged_in(make_user("owner"))


def expense(**more: str) -> dict[str, str]:
    return {"day": "2026-01-15", "kind": "work", "amount": "1 500,50", "note": "Two days", "key": "k1"} | more


def test_the_page_adds_nothing_up_and_each_part_comes_by_itself(owner: Client) -> None:
    enrolled()
    sell(order(("tea", 1, 10_000)), "1")
    page = text_of(owner.get(PAGE))
    for part in ("costs", "rules", "members"):
        assert f'hx-get="{PAGE}{part}/?"' in page
    assert "10,000" not in page and "Costs together" not in page
    costs = text_of(owner.get(f"{PAGE}costs/"))
    assert all(one in costs for one in ("Discounts of rules", "Cards given out", "Messages", "Costs together", "₽5"))
    assert "give it a holdout" in text_of(owner.get(f"{PAGE}rules/"))
    assert "Who joins wants to buy" in text_of(owner.get(f"{PAGE}members/"))
    assert owner.get(f"{PAGE}other/").status_code == 404


def test_bad_days_and_segments_are_named_on_the_page_and_in_its_parts(owner: Client) -> None:
    for query, said in (
        ("from=yesterday", "'yesterday' is no day"), ("from=2026-02-01&to=2026-01-01", "the last one not before"),
        ("segment=77", "no segment 77"), ("segment=1%20OR%201", "no segment 1 OR 1"),
        (f"segment={'9' * 40}", "no segment"), ("from=1000-01-01", "Choose at most"),
    ):  # fmt: skip
        assert said in text_of(owner.get(f"{PAGE}?{query}"), 422), query
        assert said in text_of(owner.get(f"{PAGE}costs/?{query}"), 422), query


def test_a_part_that_takes_too_long_says_so_in_both_languages(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_asked: Any) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return {}

    monkeypatch.setitem(programme_results._PARTS, "costs", slow)
    monkeypatch.setattr(programme_results, "_PATIENCE_MS", 30)
    assert "takes too long to count" in text_of(owner.get(f"{PAGE}costs/"))
    reader = make_user("analyst")
    type(reader).objects.filter(pk=reader.pk).update(language="ru")
    assert "слишком долго" in text_of(logged_in(reader).get(f"{PAGE}costs/"))


def test_patience_ends_with_the_question_and_hides_no_other_error() -> None:
    assert in_time(1_000, lambda: 5) == 5

    def asked(query: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(query)

    assert in_time(20, lambda: asked("SELECT pg_sleep(5)")) is None
    asked("SELECT pg_sleep(0.05)")
    with pytest.raises(OperationalError):
        in_time(20, lambda: (_ for _ in ()).throw(OperationalError("lost")))


def test_an_expense_is_typed_shown_counted_and_taken_out(owner: Client) -> None:
    days = {"from": "2026-01-01", "to": "2026-01-31"}
    for _press in range(2):
        answer = owner.post(f"{PAGE}expenses/add/", expense(**days))
        assert answer["Location"] == f"{PAGE}?from=2026-01-01&to=2026-01-31#expenses"
    made = Expense.objects.get()
    assert (made.amount, made.kind, made.note) == (150_050, "work", "Two days")
    page = text_of(owner.get(PAGE, days))
    assert "Two days" in page and "₽1,500.50" in page
    assert "₽1,50" in text_of(owner.get(f"{PAGE}costs/", days))
    assert "No member bought" in text_of(owner.get(f"{PAGE}costs/", {"from": "2026-02-01", "to": "2026-02-28"}))
    for _press in range(2):
        assert owner.post(f"{PAGE}expenses/{made.pk}/remove/", days).status_code == 302
    assert not Expense.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "much"}, "'much' is no sum"),
        ({"amount": "-5"}, "'-5' is no sum"),
        ({"amount": "0"}, "more than nothing"),
        ({"day": "2999-01-01"}, "still to come"),
        ({"day": "soon"}, "'soon' is no day"),
        ({"kind": "x' OR '1"}, "Choose what the money was for"),
        ({"note": "y" * 300}, "at most 200 signs"),
        ({"key": ""}, "not sent whole"),
    ],
)
def test_a_wrong_expense_is_refused_and_what_was_typed_stays(owner: Client, wrong: dict[str, str], said: str) -> None:
    page = text_of(owner.post(f"{PAGE}expenses/add/", expense(**wrong)), 422)
    assert said in page
    assert not Expense.objects.exists()
    assert "Two days" in page or "note" in wrong


def test_a_hostile_note_is_text(owner: Client) -> None:
    note = "<script>alert(1)</script>"
    day = timezone.now().date().replace(day=1).isoformat()
    assert owner.post(f"{PAGE}expenses/add/", expense(note=note, day=day)).status_code == 302
    assert note not in owner.get(PAGE).content.decode()
    assert note in text_of(owner.get(PAGE))


def test_who_may_not_change_the_business_reads_expenses_and_writes_none() -> None:
    open_shop()
    analyst = logged_in(make_user("analyst"))
    Expense.objects.create(key="e", spent_on=timezone.now().date(), kind="other", amount=9, typed_at=timezone.now())
    page = text_of(analyst.get(PAGE))
    assert "Other expenses" in page and "Take out" not in page and "Write down" not in page
    assert analyst.post(f"{PAGE}expenses/add/", expense()).status_code == 403


def test_a_batch_gets_the_cost_of_one_card_when_it_is_made_or_later(owner: Client) -> None:
    new = {"name": "Spring", "count": "2", "scheme": "ean13", "prefix": "290", "digits": "13", "cost": "45,50"}
    assert owner.post("/programme/cards/make/", new).status_code == 302
    batch = CardBatch.objects.get()
    assert batch.cost == 4_550
    assert 'value="45.50"' in text_of(owner.get("/programme/cards/"))
    for typed, kept in (("30", 3_000), ("", None)):
        assert owner.post(f"/programme/cards/{batch.pk}/cost/", {"cost": typed}).status_code == 302
        batch.refresh_from_db()
        assert batch.cost == kept
    assert "'dear' is no sum" in text_of(owner.post(f"/programme/cards/{batch.pk}/cost/", {"cost": "dear"}), 422)
    assert "'dear' is no sum" in text_of(owner.post("/programme/cards/make/", new | {"cost": "dear", "name": "B"}), 422)
    assert CardBatch.objects.count() == 1
    make_cards("No cost", count=1)
    assert logged_in(make_user("analyst")).post(f"/programme/cards/{batch.pk}/cost/", {"cost": "1"}).status_code == 403
