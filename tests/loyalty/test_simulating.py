"""A draft on past purchases: exact where everybody is judged, with an interval where a lot stands for all."""

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.loyalty import simulating
from regulars.loyalty.models import Programme
from regulars.loyalty.programme.rules import RuleSet, parse
from regulars.loyalty.simulated_words import rows, sentences
from regulars.loyalty.simulating import Simulation, simulate
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.loyalty.selling_cases import RULES, no_segments, open_shop, open_store, publish_in_the_past
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
CUSTOMERS = 40


@pytest.fixture
def shop() -> list[Customer]:
    """Forty customers: each bought tea for 100 twenty days ago, and for as much as his number ten days ago."""
    open_shop()
    return buyers()


def buyers() -> list[Customer]:
    Product.objects.filter(code="tea").update(cost=None)  # else the guard would lower what the tests count
    people = [Customer.objects.create(name=f"C{n}") for n in range(CUSTOMERS)]
    for number, one in enumerate(people):
        bought(one, 10_000, 20)
        bought(one, 1_000 * number, 10)
    return people


def bought(customer: Customer, price: int, days_ago: int, *, discount: int = 0, product: str = "tea") -> None:
    moment = timezone.now() - dt.timedelta(days=days_ago)
    made = Receipt.objects.create(
        customer=customer, store=Store.objects.get(name="Arbat"), purchased_at=moment, amount=price - discount,
        key=f"{customer.pk}/{days_ago}/{product}".encode(),
    )  # fmt: skip
    goods = Product.objects.get(code=product)
    Line.objects.create(
        receipt=made, position=1, product=goods, quantity=1, amount=price - discount, discount=discount or None
    )


def draft(*rules: dict[str, Any], **more: Any) -> RuleSet:
    return parse(RULES | {"rules": list(rules)} | more)


def tried(*rules: dict[str, Any], days: int = 30, **more: Any) -> Simulation:
    return simulate(draft(*rules, **more), days=days, segments=no_segments)


TEN = {"id": "ten", "gives": {"kind": "percent_off", "percent": 10}}
BASE = {"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}
ALL = 10_000 * CUSTOMERS + 1_000 * sum(range(CUSTOMERS))


def test_everybody_is_judged_when_they_are_few(shop: list[Customer]) -> None:
    found = tried(TEN, BASE)
    assert (found.customers, found.looked_at, found.turnover.value) == (CUSTOMERS, CUSTOMERS, ALL)
    assert found.draft.discount.value == ALL // 10 == found.draft.discount.low == found.draft.discount.high
    assert found.draft.by_rule["ten"][1].value == ALL // 10
    assert found.draft.customers.value == CUSTOMERS
    assert found.draft.receipts.value == 2 * CUSTOMERS - 1, "nobody pays nothing"
    # a point is a rouble; rounded down on each receipt
    points = sum(9_000 // 1_000 + 900 * number // 1_000 for number in range(CUSTOMERS)) * 100
    assert found.draft.points.value == points
    assert found.draft.total.value == ALL // 10 + points


def test_the_draft_is_held_against_the_rules_of_now(shop: list[Customer]) -> None:
    same = simulate(parse(RULES), days=30, segments=no_segments)
    assert same.now is not None
    assert (same.more.value, same.more.low, same.more.high) == (0, 0, 0)
    assert same.now == same.draft
    more = tried(TEN, BASE)
    assert more.now is not None
    assert more.more.value == more.draft.total.value - more.now.total.value > 0


def test_earlier_discounts_count_as_the_price_before_them(shop: list[Customer]) -> None:
    before = tried(TEN).turnover.value
    bought(shop[0], 10_000, 5, discount=3_000)
    assert tried(TEN).turnover.value == before + 10_000


def test_what_is_known_of_a_customer_follows_from_his_own_purchases(shop: list[Customer]) -> None:
    second = {"id": "second", "when": {"is": "purchase_number", "number": 2}, "gives": TEN["gives"]}
    assert tried(second).draft.discount.value == 100 * sum(range(CUSTOMERS))
    soon = {"id": "soon", "when": {"is": "repeat", "within_days": 10}, "gives": TEN["gives"]}
    assert tried(soon).draft.discount.value == 100 * sum(range(CUSTOMERS))
    steps = {"kind": "percent_by_turnover", "steps": [{"from": 10_000, "percent": 10}]}
    assert tried({"id": "turnover", "gives": steps}).draft.discount.value == 100 * sum(range(CUSTOMERS))
    # the first purchases were before the days that are looked at, and are known all the same
    assert tried({"id": "turnover", "gives": steps}, days=15).draft.discount.value == 100 * sum(range(CUSTOMERS))


def test_tiers_and_stamps_go_from_one_purchase_to_the_next(shop: list[Customer]) -> None:
    gold = {"id": "gold", "when": {"is": "tier", "any_of": ["gold"]}, "gives": TEN["gives"]}
    tiers = {"levels": [{"id": "gold", "from": 10_000}]}
    assert tried(gold, tiers=tiers).draft.discount.value == 100 * sum(range(CUSTOMERS))
    stamps = {"id": "free", "gives": {"kind": "nth_free", "n": 2, "counter": "tea"}}
    free = tried(stamps, guard={"unknown_cost": "allow"})
    assert free.draft.discount.value == 1_000 * sum(range(CUSTOMERS))


def test_the_margin_is_of_goods_of_known_cost(shop: list[Customer]) -> None:
    for one in shop:
        bought(one, 5_000, 3, product="cup")
    found = tried(TEN)
    assert found.draft.margin is not None
    assert found.draft.margin.value == (4_000 - 500) * CUSTOMERS
    assert found.costed == pytest.approx(5_000 * CUSTOMERS / (ALL + 5_000 * CUSTOMERS))
    Product.objects.update(cost=None)
    assert tried(TEN).draft.margin is None


def test_a_lot_stands_for_all_with_an_interval_that_holds_the_truth(
    shop: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tried(TEN).draft.discount.value
    monkeypatch.setattr(simulating, "MOST_RECEIPTS", 62)
    found = tried(TEN)
    assert (found.looked_at, found.customers) == (31, CUSTOMERS)
    assert found.draft.discount.low < whole < found.draft.discount.high
    assert found.draft.discount.low < found.draft.discount.value < found.draft.discount.high
    assert found.draft.discount == tried(TEN).draft.discount, "the same people for every draft"
    assert "31" in " ".join(sentences(found, "RUB"))


def test_too_few_customers_and_wrong_days_are_said() -> None:
    open_shop()
    with pytest.raises(InputError, match="Too few recognised customers bought in this time: 0; at least 30"):
        tried(TEN)
    for days in (0, 367):
        with pytest.raises(InputError, match="1 to 366 days"):
            tried(TEN, days=days)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_it_is_said_in_both_languages(shop: list[Customer], language: str) -> None:
    found = tried(TEN, BASE)
    with use_language(language):
        said = list(sentences(found, "RUB"))
        told = rows(found, draft(TEN, BASE))
    assert len(said) == 6
    assert [title for title, *_rest in told] == ["ten", "base"]
    assert ("draft" in said[1]) == (language == "en")


def test_on_the_page(shop: list[Customer]) -> None:
    site = logged_in(make_user("owner"))
    text = json.dumps(RULES | {"rules": [TEN | {"title": "<b>Ten</b>"}]})
    page = site.post("/programme/write/", {"rules": text, "simulate": "yes", "days": "30"})
    assert page.status_code == 200
    assert "would have cost" in page.content.decode()
    assert "&lt;b&gt;Ten" in page.content.decode()
    for days in ("", "x", "0", "9" * 30):
        wrong = site.post("/programme/write/", {"rules": text, "simulate": "yes", "days": days})
        assert wrong.status_code == 422
        assert "1 to 366 days" in wrong.content.decode()
    assert Programme.objects.count() == 1


def test_without_a_programme_all_of_it_is_new() -> None:
    open_store()
    buyers()
    found = tried(TEN)
    assert found.now is None
    assert found.more == found.draft.total
    assert "all of it is new cost" in " ".join(sentences(found, "RUB"))
    publish_in_the_past(RULES, dt.timedelta(days=1))
    assert tried(TEN).now is not None
