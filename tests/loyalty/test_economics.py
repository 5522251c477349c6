"""What the programme cost: discounts and points of receipts that stand, by tier; and what it would have to bring."""

import datetime as dt
import math

import pytest
from django.utils import timezone

from regulars.accounts.models import LogEntry, User
from regulars.analytics.estimate import Estimate
from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.foundation.models import Business
from regulars.insights.segments.query import customers_of
from regulars.loyalty.breakage import FEWEST_DECIDED, spent_shares
from regulars.loyalty.cards import give_virtual, make_cards, numbers_of, say_cost
from regulars.loyalty.economics import economics
from regulars.loyalty.expenses import Spent, add_expense, expenses_between, new_key, remove_expense
from regulars.loyalty.expiring import expire_points
from regulars.loyalty.gifts import GiftData, Wish, add_gift, cancel, take
from regulars.loyalty.ledger import Document, Kind, give_back, grant, spend, write, write_one
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import CardBatch, Expense, TierChange
from regulars.loyalty.results_words import cost_sentences, cost_table
from regulars.loyalty.returning import Coming, bring_back
from regulars.report.words import Purse
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.web.people import make_user

WORTH = 100


def last_days(days: int = 2) -> tuple[dt.datetime, dt.datetime]:
    now = timezone.now()
    return now - dt.timedelta(days=days), now + dt.timedelta(minutes=1)


def spend_on(kind: str, amount: int, *, days_ago: int = 0) -> Expense:
    day = timezone.now().astimezone(Business.current().zone).date() - dt.timedelta(days=days_ago)
    owner = User.objects.filter(email__startswith="owner").first() or make_user("owner")
    return add_expense(Spent(day, kind, amount), key=new_key(), by=owner)


@pytest.mark.django_db
def test_money_and_points_of_receipts_that_stand() -> None:
    open_shop()
    enrolled()
    # five per cent off, one point for ten roubles; two units of tea cost 120 roubles
    sell(order(("tea", 2, 20_000)), "1")
    sell(order(("tea", 2, 20_000)), "2")
    sell(order(("tea", 1, 10_000), card=""), "3")
    bring_back(Coming("till:1", "4", "till:1", "2"))
    found = economics(*last_days(), worth=WORTH)
    whole = found.whole
    assert (whole.members, whole.receipts, whole.turnover, whole.discount, whole.earned) == (1, 1, 20_000, 1_000, 19)
    assert (whole.costed, whole.profit, found.margin) == (20_000, 8_000, 8_000)
    assert found.spent_share is None
    # nobody knows yet how many points are spent: none or all
    assert (found.promised.low, found.promised.high) == (0, 1_900)
    assert (found.cost.low, found.cost.high) == (1_000, 2_900)
    assert found.uplift is not None
    assert found.uplift.value == pytest.approx(2_900 / (8_000 - 2_900))
    spend_on("work", 10_000)
    dear = economics(*last_days(), worth=WORTH)
    assert (dear.cost.low, dear.expenses) == (11_000, {"work": 10_000})
    assert dear.uplift is not None and math.isinf(dear.uplift.low)


@pytest.mark.django_db
def test_the_tier_is_that_of_the_purchase_and_others_can_be_left_out() -> None:
    open_shop()
    anna, boris = enrolled(), enrolled("1000000018", "Boris")
    now = timezone.now()
    sell(order(("tea", 1, 10_000), purchased_at=now - dt.timedelta(hours=5)), "1")
    TierChange.objects.create(customer=anna, tier="gold", since=now - dt.timedelta(hours=2), turnover=0)
    sell(order(("tea", 1, 30_000), purchased_at=now - dt.timedelta(hours=1)), "2")
    sell(order(("tea", 1, 50_000), card="1000000018"), "3")
    found = economics(*last_days(), worth=WORTH)
    assert {tier: one.turnover for tier, one in found.by_tier.items()} == {"": 60_000, "gold": 30_000}
    assert sum(one.discount for one in found.by_tier.values()) == found.whole.discount
    only = economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk=boris.pk))
    assert only.whole.turnover == 50_000


@pytest.mark.django_db
def test_nothing_sold_is_nothing_and_no_error() -> None:
    open_shop()
    found = economics(*last_days(), worth=WORTH)
    assert (found.whole.receipts, found.by_tier, found.margin, found.uplift) == (0, {}, None, None)


@pytest.mark.django_db
def test_the_share_that_is_spent_is_of_points_whose_fate_is_known() -> None:
    open_shop()
    unit, now = points_unit(), timezone.now()
    then = now - dt.timedelta(days=10)
    people = [enrolled(str(2_000_000_000 + n)) for n in range(2 * FEWEST_DECIDED)]
    life = {"available_at": then, "expires_at": now - dt.timedelta(days=1)}
    documents = [Document(unit, Kind.GIFT, "t", str(one.pk), "t", (grant(one.pk, 100, **life),)) for one in people]
    write(documents, at=then)
    write([Document(unit, Kind.SALE, "t", str(one.pk), "t", (spend(one.pk, 25),)) for one in people[::2]], at=then)
    write([Document(unit, Kind.GIFT, "u", str(people[0].pk), "t", (grant(people[0].pk, 7_000),))], at=then)
    expire_points(now)
    share = economics(*last_days(), worth=WORTH).spent_share
    assert share is not None
    # 25 of 100 of every second one; what still lives says nothing
    assert share.value == pytest.approx(0.125)
    assert 0.08 < share.low < 0.125 < share.high < 0.17


def spend_shares(people: list[Customer], *, spent: int) -> None:
    """Each of them was given 100 points ten days ago, spent so many of them, and lost the rest."""
    unit, now = points_unit(), timezone.now()
    then = now - dt.timedelta(days=10)
    life = {"available_at": then, "expires_at": now - dt.timedelta(days=1)}
    write([Document(unit, Kind.GIFT, "t", str(one.pk), "t", (grant(one.pk, 100, **life),)) for one in people], at=then)
    write([Document(unit, Kind.SALE, "t", str(one.pk), "t", (spend(one.pk, spent),)) for one in people], at=then)
    expire_points(now)


def exact(found: Estimate | None) -> float:
    assert found is not None
    assert found.low == pytest.approx(found.high)
    return round(found.value, 6)


@pytest.mark.django_db
def test_breakage_and_break_even_are_of_the_tier_in_which_points_were_earned() -> None:
    open_shop()
    people = [enrolled(str(2_000_000_000 + n)) for n in range(2 * FEWEST_DECIDED)]
    few = [enrolled(str(2_000_100_000 + n)) for n in range(FEWEST_DECIDED - 1)]
    now = timezone.now()
    for customers, tier in ((people[:FEWEST_DECIDED], "gold"), (few, "silver")):
        for one in customers:
            TierChange.objects.create(customer=one, tier=tier, since=now - dt.timedelta(days=30), turnover=0)
    # what he is by now does not count: he earned as gold
    TierChange.objects.create(customer=people[0], tier="silver", since=now - dt.timedelta(days=5), turnover=0)
    spend_shares(people[:FEWEST_DECIDED], spent=80)
    spend_shares(people[FEWEST_DECIDED:], spent=20)
    spend_shares(few, spent=50)
    for number, card in enumerate((2_000_000_001, 2_000_000_000 + FEWEST_DECIDED, 2_000_100_000)):
        sell(order(("tea", 1, 10_000), card=str(card)), str(number))
    found = economics(*last_days(), worth=WORTH)
    shares = {tier: one.spent_share for tier, one in found.outcomes.items()}
    assert (exact(shares["gold"]), exact(shares[""]), shares["silver"]) == (0.8, 0.2, None)
    assert found.spent_share is not None and found.spent_share.value == pytest.approx(0.5)
    assert found.spent_share.low < 0.5 < found.spent_share.high
    # nine points of each of them: at his own tier's share, of silver at that of all
    assert [found.outcomes[tier].promised.value for tier in ("gold", "", "silver")] == pytest.approx([720, 180, 450])
    gold = found.outcomes["gold"]
    assert (round(gold.cost.value), gold.margin) == (500 + 720, 4_000)
    assert gold.uplift is not None and gold.uplift.value == pytest.approx(1_220 / (4_000 - 1_220))
    table = cost_table(found, Purse("RUB"), {"gold": "Gold", "silver": "Silver"})
    spent = dict(zip(table.heads, table.spent, strict=True))
    assert (spent["Gold"], spent["Without a tier"], spent["Silver"]) == ("80%", "20%", "not enough data")
    assert dict(zip(table.heads, table.uplift, strict=True))["Gold"] == "44%"
    assert any("need not add up" in one for one in cost_sentences(found, Purse("RUB")))


@pytest.mark.django_db
def test_what_lives_on_after_a_return_stays_in_the_tier_in_which_it_was_earned() -> None:
    open_shop()
    unit, now = points_unit(), timezone.now()
    then, back = now - dt.timedelta(days=10), now - dt.timedelta(days=4)
    earned = {"available_at": then, "expires_at": now - dt.timedelta(days=6)}
    people = [enrolled(str(2_000_000_000 + n)) for n in range(FEWEST_DECIDED)]
    for number, one in enumerate(people):
        TierChange.objects.create(customer=one, tier="gold", since=now - dt.timedelta(days=30), turnover=0)
        TierChange.objects.create(customer=one, tier="silver", since=now - dt.timedelta(days=5), turnover=0)
        write_one(Document(unit, Kind.GIFT, "t", f"g{number}", "t", (grant(one.pk, 100, **earned),)), at=then)
        sale = write_one(Document(unit, Kind.SALE, "t", f"s{number}", "t", (spend(one.pk, 40),)), at=then).transaction
        lives_on = give_back(40, late_until=now - dt.timedelta(days=1))
        write_one(Document(unit, Kind.RETURN, "t", f"r{number}", "t", (lives_on,), reverses=sale), at=back)
    expire_points(now)
    whole, by_tier = spent_shares(now, None)
    assert (exact(whole), {tier: exact(one) for tier, one in by_tier.items()}) == (0, {"gold": 0})


@pytest.mark.django_db
def test_of_a_segment_with_too_few_the_share_of_all_is_taken_and_said() -> None:
    open_shop()
    people = [enrolled(str(2_000_000_000 + n)) for n in range(FEWEST_DECIDED)]
    spend_shares(people, spent=40)
    sell(order(("tea", 1, 10_000), card="2000000000"), "1")
    one = economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk=people[0].pk))
    assert (one.spent_share, one.share_of_all) == (None, True)
    assert exact(one.promised) == 360
    assert any("share that all members spend is taken" in said for said in cost_sentences(one, Purse("RUB")))
    most = economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk__in=[each.pk for each in people]))
    assert (exact(most.spent_share), most.share_of_all) == (0.4, False)
    merge(people[1], people[2], by=make_user("owner"), reasons=[])
    rest = Customer.objects.whole().filter(pk__in=[each.pk for each in people])
    after = economics(*last_days(), worth=WORTH, among=rest)
    assert exact(after.spent_share) == 0.4, "whoever was merged is still among them with his points"


def gold(customer: Customer) -> None:
    TierChange.objects.create(customer=customer, tier="gold", since=timezone.now() - dt.timedelta(hours=6), turnover=0)


@pytest.mark.django_db
def test_who_bought_in_two_tiers_is_one_member_and_the_whole_is_the_sum_of_tiers() -> None:
    open_shop()
    anna, now = enrolled(), timezone.now()
    for hours, number in ((5, "1"), (3, "2"), (1, "3")):
        sell(order(("tea", 1, 10_000 * hours), purchased_at=now - dt.timedelta(hours=hours)), number)
    for tier, hours in (("gold", 4), ("", 2), ("silver", 2)):
        # of two changes at one moment the later one counts
        TierChange.objects.create(customer=anna, tier=tier, since=now - dt.timedelta(hours=hours), turnover=0)
    found = economics(*last_days(), worth=WORTH)
    assert {tier: one.turnover for tier, one in found.by_tier.items()} == {"": 50_000, "gold": 30_000, "silver": 10_000}
    assert [one.members for one in found.by_tier.values()] == [1, 1, 1]
    assert (found.whole.members, found.whole.receipts, found.whole.turnover) == (1, 3, 90_000)


@pytest.mark.django_db
def test_cards_count_when_they_are_given_for_whoever_holds_them() -> None:
    open_shop()
    owner = make_user("owner")
    batch = make_cards("Spring", count=3, cost=4_500, by=owner)
    free = make_cards("Old", count=1, by=owner)
    numbers = [*numbers_of(batch), *numbers_of(free)]
    anna, boris = enrolled(numbers[0]), enrolled(numbers[1], "Boris")
    enrolled(numbers[3], "Vera")
    gold(anna)
    found = economics(*last_days(), worth=WORTH)
    assert {tier: one.cards for tier, one in found.by_tier.items()} == {"gold": 4_500, "": 4_500}
    assert (found.whole.cards, found.cost.value, found.whole.members) == (9_000, 9_000, 0)
    assert economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk=boris.pk)).whole.cards == 4_500
    then = timezone.now() - dt.timedelta(days=2)
    assert economics(then - dt.timedelta(days=3), then, worth=WORTH).whole.cards == 0
    give_virtual(anna, by=owner)
    say_cost(CardBatch.objects.get(is_virtual=True), 100, by=owner)
    say_cost(batch, None, by=owner)
    assert economics(*last_days(), worth=WORTH).whole.cards == 100
    assert LogEntry.objects.filter(event="card_cost_changed").count() == 2
    with pytest.raises(InputError):
        say_cost(batch, -1, by=owner)


@pytest.mark.django_db
def test_of_gifts_only_what_they_cost_beyond_their_points_is_added() -> None:
    open_shop()
    anna = enrolled()
    gold(anna)
    points = Document(points_unit(), Kind.GIFT, "t", "1", "t", (grant(anna.pk, 1_000),))
    write([points], at=timezone.now())
    dear, cheap = (add_gift(GiftData(name, 100, cost), stock=5, by=None) for name, cost in (("A", 12_500), ("B", 7)))
    rewards = [take(anna, Wish("till:1", str(n), gift.pk, 100)) for n, gift in enumerate((dear, cheap, dear))]
    cancel(rewards[2], who="user:1")
    found = economics(*last_days(), worth=WORTH)
    assert (found.whole.gifts, found.whole.gifts_beyond, found.by_tier["gold"].gifts) == (12_507, 2_500, 12_507)
    assert found.cost.value == 2_500
    assert any("only ₽25" in one for one in cost_sentences(found, Purse("RUB")))


@pytest.mark.django_db
def test_expenses_are_shared_by_the_number_of_members_who_bought() -> None:
    open_shop()
    people = [enrolled(str(1_000_000_000 + n), f"M{n}") for n in range(3)]
    gold(people[0])
    for n in range(3):
        sell(order(("tea", 1, 10_000), card=str(1_000_000_000 + n)), str(n))
    spend_on("messages", 1_000)
    spend_on("work", 100)
    spend_on("other", 70_000, days_ago=5)
    found = economics(*last_days(), worth=WORTH)
    assert found.expenses == {"messages": 1_000, "work": 100}
    assert found.shares["gold"]["messages"] == 333
    assert {kind: sum(one[kind] for one in found.shares.values()) for kind in found.expenses} == found.expenses
    only = economics(*last_days(), worth=WORTH, among=Customer.objects.filter(pk__in=[one.pk for one in people[:2]]))
    assert only.expenses == {"messages": 667, "work": 67}
    table = cost_table(found, Purse("RUB"), {"gold": "Gold"})
    assert table.heads == ["All members", "Without a tier", "Gold"]
    lines = dict(table.lines)
    assert [one.replace("\xa0", " ") for one in lines["Messages"]] == ["₽10", "₽6.67", "₽3.33"]
    assert all(len(cells) == 3 for cells in lines.values())
    assert any("shared by the number of members" in one for one in cost_sentences(found, Purse("RUB")))


@pytest.mark.django_db
def test_a_segment_with_values_of_every_kind_is_asked_safely() -> None:
    open_shop()
    enrolled()
    sell(order(("tea", 1, 10_000)), "1")
    rule = {"join": "all", "not": False, "items": [{"what": "kind", "how": "in", "value": ["person"]}]}
    assert economics(*last_days(), worth=WORTH, among=customers_of(rule)).whole.turnover == 10_000
    odd = Customer.objects.filter(name__contains="100% '; DROP TABLE x; --{among}")
    assert economics(*last_days(), worth=WORTH, among=odd).whole.turnover == 0


@pytest.mark.django_db
def test_an_expense_is_written_once_and_taken_out_with_the_log_of_both() -> None:
    open_shop()
    owner, today = make_user("owner"), timezone.now().astimezone(Business.current().zone).date()
    made = [add_expense(Spent(today, "work", 500, " Two  days "), key="k1", by=owner) for _time in range(2)]
    assert made[0] == made[1]
    assert Expense.objects.get().note == "Two days"
    with pytest.raises(InputError, match="sent before with something else"):
        add_expense(Spent(today, "work", 501, "Two days"), key="k1", by=owner)
    for wrong in (
        Spent(today + dt.timedelta(days=2), "work", 5), Spent(dt.date(1900, 1, 1), "work", 5),
        Spent(today, "beer", 5), Spent(today, "work", 0), Spent(today, "work", 10**14),
        Spent(today, "work", 5, "x" * 201),
    ):  # fmt: skip
        with pytest.raises(InputError):
            add_expense(wrong, key="k2", by=owner)
    for _time in range(2):
        remove_expense(made[0].pk, by=owner)
    assert expenses_between(today, today) == []
    kept = list(LogEntry.objects.filter(event__startswith="expense").order_by("pk").values_list("event", "details"))
    assert kept == [("expense_added", {"amount": 500}), ("expense_removed", {"amount": 500})]
