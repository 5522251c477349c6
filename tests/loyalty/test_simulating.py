"""A draft on past purchases: exact where everybody is judged, with an interval where a lot stands for all."""

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.insights.selectors.membership import by_segment
from regulars.insights.services import save_segment
from regulars.loyalty import simulating
from regulars.loyalty.models import Programme
from regulars.loyalty.past import Past, TierWalk
from regulars.loyalty.programme.rules import RuleSet, parse
from regulars.loyalty.simulated_words import rows, segment_rows, sentences, tier_rows
from regulars.loyalty.simulating import Money, Simulation, simulate
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
    # the lot goes by the id: the same people are drawn whatever ran before
    people = [Customer.objects.create(pk=10**12 + n, name=f"C{n}") for n in range(CUSTOMERS)]
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


def money(one: Money) -> float:
    assert one is not None
    return one.value


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
    assert found.draft.discount == Estimate(ALL // 10, ALL // 10, ALL // 10)
    assert money(found.draft.by_rule["ten"][1]) == ALL // 10
    assert found.draft.customers.value == CUSTOMERS
    # a point is a rouble; rounded down on each receipt
    points = sum(9_000 // 1_000 + 900 * number // 1_000 for number in range(CUSTOMERS)) * 100
    assert money(found.draft.points) == points
    assert money(found.draft.total) == ALL // 10 + points


def test_the_draft_is_held_against_the_rules_of_now(shop: list[Customer]) -> None:
    same = simulate(parse(RULES), days=30, segments=no_segments)
    assert same.now is not None
    assert same.more == Estimate(0, 0, 0)
    assert same.now == same.draft
    more = tried(TEN, BASE)
    assert more.now is not None
    assert money(more.more) == money(more.draft.total) - money(more.now.total) > 0


def test_earlier_discounts_count_as_the_price_before_them(shop: list[Customer]) -> None:
    before = tried(TEN).turnover.value
    bought(shop[0], 10_000, 5, discount=3_000)
    assert tried(TEN).turnover.value == before + 10_000


def test_what_is_known_of_a_customer_follows_from_his_own_purchases(shop: list[Customer]) -> None:
    second = {"id": "second", "when": {"is": "purchase_number", "number": 2}, "gives": TEN["gives"]}
    assert money(tried(second).draft.discount) == 100 * sum(range(CUSTOMERS))
    soon = {"id": "soon", "when": {"is": "repeat", "within_days": 10}, "gives": TEN["gives"]}
    assert money(tried(soon).draft.discount) == 100 * sum(range(CUSTOMERS))
    steps = {"kind": "percent_by_turnover", "steps": [{"from": 10_000, "percent": 10}]}
    assert money(tried({"id": "turnover", "gives": steps}).draft.discount) == 100 * sum(range(CUSTOMERS))
    # the first purchases were before the days that are looked at, and are known all the same
    assert money(tried({"id": "turnover", "gives": steps}, days=15).draft.discount) == 100 * sum(range(CUSTOMERS))


def test_tiers_and_stamps_go_from_one_purchase_to_the_next(shop: list[Customer]) -> None:
    gold = {"id": "gold", "when": {"is": "tier", "any_of": ["gold"]}, "gives": TEN["gives"]}
    tiers = {"levels": [{"id": "gold", "from": 10_000}]}
    assert money(tried(gold, tiers=tiers).draft.discount) == 100 * sum(range(CUSTOMERS))
    stamps = {"id": "free", "gives": {"kind": "nth_free", "n": 2, "counter": "tea"}}
    free = tried(stamps, guard={"unknown_cost": "allow"})
    assert money(free.draft.discount) == 1_000 * sum(range(CUSTOMERS))


def test_by_tier_each_purchase_counts_in_the_tier_that_its_buyer_had(shop: list[Customer]) -> None:
    tiers = {"levels": [{"id": "gold", "title": "Gold", "from": 10_000}]}
    rules = draft(TEN, BASE, tiers=tiers)
    found = simulate(rules, days=30, segments=no_segments)
    without, gold = found.by_tier
    assert (without.name, gold.name) == ("", "gold")
    # the first purchase of each is without a tier, the second one as gold
    assert (money(without.effect.discount), money(gold.effect.discount)) == (1_000 * 40, 100 * sum(range(CUSTOMERS)))
    for pick in ("discount", "points", "total"):
        parts = [money(getattr(one.effect, pick)) for one in found.by_tier]
        assert sum(parts) == money(getattr(found.draft, pick)), pick
    assert (without.effect.customers.value, gold.effect.customers.value) == (CUSTOMERS, CUSTOMERS - 1)
    assert gold.people[:2] == (shop[39].pk, shop[38].pk), "whom it gives most"
    assert [one.title for one in tier_rows(found, rules)] == ["Without a tier", "Gold"]
    assert (tried(TEN).by_tier, tried(TEN).by_segment) == ((), ())


def test_by_segment_those_of_the_lot_who_are_in_it_now(shop: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    for one in shop:
        bought(one, 5_000, 3, product="cup")
    Customer.objects.filter(pk__in=[one.pk for one in shop[:30]]).update(kind="company")
    rule = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["company"]}]}
    owner = make_user("owner")
    save_segment(name="Companies", rule=rule, by=owner)
    save_segment(name="People", rule=rule | {"not": True}, by=owner)
    rules = draft(TEN)
    found = simulate(rules, days=30, segments=no_segments, among=by_segment)
    companies, people = found.by_segment
    assert (companies.effect.customers.value, people.effect.customers.value) == (30, 10)
    assert money(companies.effect.discount) + money(people.effect.discount) == money(found.draft.discount)
    assert money(people.effect.margin) == (4_000 - 500) * 10
    assert set(people.people) == {one.pk for one in shop[30:]}
    assert "those of now" in sentences(found, rules)[-1]
    monkeypatch.setattr(simulating, "MOST_RECEIPTS", 93)
    lot = simulate(rules, days=30, segments=no_segments, among=by_segment)
    estimate = lot.by_segment[0].effect.discount
    assert estimate is not None and estimate.low < money(companies.effect.discount) < estimate.high
    rare = draft(TEN | {"when": {"is": "receipt_sum", "at_least": 39_000}})
    few = simulate(rare, days=30, segments=no_segments, among=by_segment)
    assert segment_rows(few, rare)[1].discount == "too rare to tell"


def test_the_margin_is_of_goods_of_known_cost(shop: list[Customer]) -> None:
    for one in shop:
        bought(one, 5_000, 3, product="cup")
    found = tried(TEN)
    assert found.draft.margin is not None
    assert money(found.draft.margin) == (4_000 - 500) * CUSTOMERS
    assert found.costed == pytest.approx(5_000 * CUSTOMERS / (ALL + 5_000 * CUSTOMERS))
    Product.objects.update(cost=None)
    assert tried(TEN).draft.margin is None


def test_a_lot_stands_for_all_with_an_interval_that_holds_the_truth(
    shop: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = money(tried(TEN).draft.discount)
    monkeypatch.setattr(simulating, "MOST_RECEIPTS", 62)
    found = tried(TEN)
    assert (found.looked_at, found.customers) == (31, CUSTOMERS)
    assert found.draft.discount is not None
    assert found.draft.discount.low < whole < found.draft.discount.high
    assert found.draft.discount.low < found.draft.discount.value < found.draft.discount.high
    assert found.draft.customers.high == CUSTOMERS
    assert found.draft.discount == tried(TEN).draft.discount, "the same people for every draft"
    assert "31" in " ".join(sentences(found, draft(TEN, BASE)))


def test_what_nearly_nobody_of_the_lot_had_is_not_told(shop: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    rare = TEN | {"when": {"is": "receipt_sum", "at_least": 38_000}}
    whole = tried(rare)
    assert (whole.draft.customers.value, money(whole.draft.discount)) == (2, 3_800 + 3_900)
    monkeypatch.setattr(simulating, "MOST_RECEIPTS", 62)
    found = tried(rare)
    assert found.draft.discount is None
    assert found.draft.customers.low <= 2 < found.draft.customers.high
    assert found.draft.points == Estimate(0, 0, 0), "no rule gives any"
    assert "cannot be told" in " ".join(sentences(found, draft(rare)))
    assert rows(found, draft(rare))[0][2] == "too rare to tell"


def test_what_cannot_be_judged_is_counted(shop: list[Customer]) -> None:
    Line.objects.filter(receipt__customer=shop[0]).update(quantity=10**12)
    Line.objects.filter(receipt__customer=shop[1], receipt__amount=10_000).delete()
    found = tried(TEN)
    assert found.left_out == 2
    assert found.turnover.value == ALL - 20_000
    assert "2 receipts are left out" in " ".join(sentences(found, draft(TEN)))


def test_a_card_of_a_cashier_is_left_out(shop: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "MOST_OF_ONE", 2)
    bought(shop[1], 5_000, 5)
    assert tried(TEN).customers == CUSTOMERS - 1


def test_what_is_of_now_is_said(shop: list[Customer]) -> None:
    of_now = draft(TEN | {"when": {"is": "segment", "any_of": ["1"]}})
    assert "those of now" in sentences(simulate(of_now, days=30, segments=no_segments), of_now)[-1]
    stamps = draft({"id": "free", "gives": {"kind": "nth_free", "n": 2, "counter": "tea"}})
    assert sentences(tried(TEN), stamps)[-1] == "Stamps are counted from the first of these days."


@pytest.mark.parametrize("turned", [False, True])
def test_of_cards_that_nobody_saw_a_rule_gives_nothing(shop: list[Customer], turned: bool) -> None:
    card = {"is": "card", "any_of": ["corporate"]}
    asking = {"id": "card", "gives": {"kind": "percent_off", "percent": 20}, "when": {"not": card} if turned else card}
    either = {"any": [{"is": "store", "any_of": ["Arbat"]}, {"not": card}]}
    rules = draft(asking, BASE | {"id": "either", "when": either}, TEN)
    found = simulate(rules, days=30, segments=no_segments)
    assert money(found.draft.total) == money(found.draft.discount) == ALL // 10
    assert [money(found.draft.by_rule[one][1]) for one in ("card", "either", "ten")] == [0, 0, ALL // 10]
    assert len(rows(found, rules)) == 3
    told = "Which card was shown nobody knows: rules that ask for it give nothing here."
    assert told in sentences(found, rules)
    assert told not in sentences(tried(TEN), draft(TEN))


NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def after(days: int) -> dt.datetime:
    return NOON + dt.timedelta(days=days)


class TestTierWalk:
    TIERS = parse(
        RULES | {"tiers": {"period": "days:100", "levels": [{"id": "gold", "from": 500, "keep": 300}]}}
    ).tiers  # fmt: skip

    def walk(self, *receipts: tuple[int, int]) -> TierWalk:
        assert self.TIERS is not None
        return TierWalk(self.TIERS, Past([(after(day), amount) for day, amount in receipts], dt.UTC))

    def test_the_grace_begins_when_he_falls_short_not_when_he_buys(self) -> None:
        walk = self.walk((0, 600), (90, 10), (180, 10))
        # on day 101 the first purchase is out, on day 131 the grace is over
        assert [walk.before(after(day)) for day in (0, 90, 130, 132, 180)] == ["", "gold", "gold", "", ""]

    def test_who_was_gold_stays_it_with_what_keeps_it(self) -> None:
        walk = self.walk((0, 250), (50, 250), (120, 60))
        # from day 101 on he has 250, from day 120 on 310
        assert [walk.before(after(day)) for day in (51, 119, 121, 149)] == ["gold"] * 4
        assert walk.before(after(182)) == "", "the second purchase is out since day 151"

    def test_calendar_periods_turn_without_a_purchase(self) -> None:
        tiers = parse(RULES | {"tiers": {"period": "month", "grace_days": 0, "levels": [{"id": "a", "from": 5}]}}).tiers
        assert tiers is not None
        walk = TierWalk(tiers, Past([(after(14), 5)], dt.UTC))
        assert [walk.before(after(day)) for day in (13, 15, 58, 59)] == ["", "a", "a", ""]


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
        said = sentences(found, draft(TEN, BASE))
        told = rows(found, draft(TEN, BASE))
    assert len(said) == 7
    assert ("cannot guard" in said[4]) == (language == "en"), "nobody has said what the tea costs"
    assert [title for title, *_rest in told] == ["ten", "base"]
    assert ("draft" in said[1]) == (language == "en")


def test_on_the_page(shop: list[Customer]) -> None:
    site = logged_in(make_user("owner"))
    text = json.dumps(RULES | {"rules": [TEN | {"title": "<b>Ten</b>"}]})
    page = site.post("/programme/write/", {"rules": text, "simulate": "yes", "days": "30"})
    assert page.status_code == 200
    assert "would have cost" in page.content.decode()
    assert "&lt;b&gt;Ten" in page.content.decode()
    kind = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    save_segment(name="<i>People</i>", rule=kind, by=make_user("manager"))
    Customer.objects.filter(pk=shop[39].pk).update(name="<script>")
    page = site.post("/programme/write/", {"rules": text, "simulate": "yes", "days": "30"})
    shown = page.content.decode()
    assert all(
        one in shown for one in ("By segment", "&lt;i&gt;People", f"/customers/{shop[39].pk}/", "&lt;script&gt;")
    )
    assert "By tier" not in shown
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
    assert "all of it is new cost" in " ".join(sentences(found, draft(TEN, BASE)))
    publish_in_the_past(RULES, dt.timedelta(days=1))
    assert tried(TEN).now is not None
