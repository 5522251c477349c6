"""What a rule earns against members whom the lot leaves without it."""

import datetime as dt
import random
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import use_language
from regulars.customers.models import Contact, Customer
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write
from regulars.loyalty.models import Account
from regulars.loyalty.programme.basket import Member
from regulars.loyalty.programme.holdout import place
from regulars.loyalty.programme.rules import parse
from regulars.loyalty.results_words import trial_sentences
from regulars.loyalty.selling import quote
from regulars.loyalty.trials import FEWEST, trials
from regulars.purchases.models import Line, Receipt
from regulars.report.words import Purse
from tests.loyalty.programme_cases import judged, rule
from tests.loyalty.selling_cases import RULES, no_segments, open_store, order, publish_in_the_past, sell
from tests.planting import plant

HALF: dict[str, Any] = {"id": "half", "gives": {"kind": "percent_off", "percent": 10}, "holdout": 50}


def held(member: Customer) -> bool:
    return place("half", str(member.pk)) < 50_00


def enrol_many(count: int, opened: dt.timedelta = dt.timedelta(days=100)) -> list[Customer]:
    """Members with a card each, whose number is their place."""
    found = plant(Customer(name=f"M{n}") for n in range(count))
    plant(
        Contact(customer=one, kind="card", value=str(10**9 + n), written=str(10**9 + n)) for n, one in enumerate(found)
    )
    unit, at = members.points_unit(), timezone.now() - opened
    plant(Account(customer=one, unit=unit, opened_at=at) for one in found)
    return found


def buy(sums: dict[int, int], ago: int = 5, cost: int | None = None) -> None:
    """One receipt of each customer, of one line."""
    at = timezone.now() - dt.timedelta(days=ago)
    receipts = plant(
        Receipt(customer_id=key, purchased_at=at, amount=paid, key=f"{ago}-{key}".encode())
        for key, paid in sums.items()
    )
    plant(
        Line(receipt=one, position=1, amount=one.amount, cost=cost) for one in receipts
    )  # fmt: skip


def test_the_lot_is_even_and_is_drawn_anew_for_each_rule() -> None:
    first, second = ([place(name, str(n)) < 20_00 for n in range(20_000)] for name in ("a", "b"))
    assert abs(sum(first) / 20_000 - 0.2) < 0.01
    assert abs(sum(one and other for one, other in zip(first, second, strict=True)) / 20_000 - 0.04) < 0.006


def test_whoever_is_held_out_gets_nothing_and_reads_nothing() -> None:
    mine = rule("half", HALF["gives"], holdout=50)
    out, within = (
        next(str(n) for n in range(100) if (place("half", str(n)) < 50_00) is is_out) for is_out in (True, False)
    )
    assert judged(mine, by=Member(lot=within)).discount > 0
    without = judged(mine, by=Member(lot=out))
    assert (without.discount, without.trace) == (0, ())
    # who is asked about without a key, as in an example, is not drawn
    assert judged(mine, by=Member()).discount > 0


def test_a_rule_for_everybody_cannot_leave_members_out() -> None:
    with pytest.raises(InputError, match="leaves members out"):
        parse(RULES | {"rules": [HALF | {"for": "everybody"}]})
    with pytest.raises(InputError, match="1 to 50"):
        parse(RULES | {"rules": [HALF | {"holdout": 60}]})


@pytest.mark.django_db
def test_a_till_leaves_out_the_same_members_as_the_comparison() -> None:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF]}, dt.timedelta(days=30))
    people = enrol_many(2 * FEWEST + 80)
    buy({one.pk: 100 for one in people if held(one)})
    for n in (0, 1, 2, 3, 4, 5):
        found = quote(order(("tea", 1, 20_000), card=str(10**9 + n)), segments=no_segments)
        assert (found.judged.discount == 0) == held(people[n])
    (found_trial,) = trials(timezone.now())
    # in the database the lot falls alike: all money is on the side of those who were held out
    assert found_trial.treated is not None and found_trial.held is not None
    assert (found_trial.treated.paid.value, found_trial.held.paid.value) == (0, 100)
    assert found_trial.counts == (sum(not held(one) for one in people), sum(held(one) for one in people))


@pytest.mark.django_db
def test_a_planted_gain_is_found_in_money_and_none_where_there_is_none() -> None:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF]}, dt.timedelta(days=30))
    people, chance = enrol_many(1_000), random.Random(5)
    drawn = {one.pk: round(chance.lognormvariate(9, 0.5)) for one in people}
    buy(drawn, cost=1_000)
    (nothing,) = trials(timezone.now())
    assert nothing.paid is not None and nothing.margin is not None
    assert not nothing.paid.is_shown
    buy({one.pk: 4_000 for one in people if not held(one)}, ago=4, cost=1_000)
    (found,) = trials(timezone.now())
    assert found.paid is not None and found.margin is not None
    assert found.paid.is_shown
    assert found.paid.each.low < 4_000 < found.paid.each.high
    assert found.margin.each.low < 3_000 < found.margin.each.high
    assert found.paid.total.value == pytest.approx(found.paid.each.value * found.counts[0])


@pytest.mark.django_db
def test_only_the_time_of_the_rule_and_of_membership_counts() -> None:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF | {"gives": {"kind": "percent_off", "percent": 5}}]}, dt.timedelta(90))
    publish_in_the_past(RULES | {"rules": [HALF]}, dt.timedelta(days=60))
    publish_in_the_past(RULES | {"rules": [HALF], "price_watch_days": 3}, dt.timedelta(days=30))
    people = enrol_many(3 * FEWEST, opened=dt.timedelta(days=20))
    buy({one.pk: 777 for one in people}, ago=25)
    buy({one.pk: 300 for one in people}, ago=10)
    (found,) = trials(timezone.now())
    assert found.treated is not None
    # what was bought before he joined is not of the programme; another rule of the same version changes nothing
    assert found.treated.paid.value == 300
    assert (timezone.now() - found.since).days == 60


@pytest.mark.django_db
def test_a_merged_member_is_one_and_few_are_not_enough() -> None:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF]}, dt.timedelta(days=30))
    people = enrol_many(3 * FEWEST)
    Customer.objects.filter(pk=people[1].pk).update(merged_into=people[0].pk)
    buy({one.pk: 500 for one in people})
    (found,) = trials(timezone.now())
    assert sum(found.counts) == 3 * FEWEST - 1
    groups = (found.treated, found.held)
    assert all(one is not None for one in groups)
    assert sum(one.paid.value * one.members for one in groups if one) == pytest.approx(500 * 3 * FEWEST)
    Customer.objects.filter(pk__in=[one.pk for one in people[50:]]).update(is_erased=True, name="")
    (few,) = trials(timezone.now())
    assert few.treated is None and few.paid is None and sum(few.counts) == 49


@pytest.mark.django_db
def test_what_points_pay_is_no_money_whatever_it_is_called() -> None:
    """One rule set where points lower the price, one where they pay it: members with the rule pay the same."""
    means = {}
    for points_as in ("discount", "payment"):
        with transaction.atomic():
            open_store()
            spending = RULES["spending"] | {"as": points_as}
            publish_in_the_past(RULES | {"rules": [HALF], "spending": spending}, dt.timedelta(days=30))
            people, unit = enrol_many(2 * FEWEST + 80), members.points_unit()
            gifts = [Document(unit, Kind.GIFT, "t", str(one.pk), "t", (grant(one.pk, 50),)) for one in people]
            write(gifts, at=timezone.now())
            with_it = next(n for n, one in enumerate(people) if not held(one))
            asked = order(("tea", 1, 20_000), card=str(10**9 + with_it), points=40)
            sell(asked, "1")
            (found,) = trials(timezone.now())
            assert found.treated is not None
            means[points_as] = round(found.treated.paid.value * found.counts[0])
            transaction.set_rollback(True)
    assert means == {"discount": 14_000, "payment": 14_000}


@pytest.mark.django_db
def test_before_four_whole_weeks_nothing_is_compared() -> None:
    open_store()
    publish_in_the_past(RULES | {"rules": [HALF]}, dt.timedelta(days=27))
    people = enrol_many(2 * FEWEST + 80)
    buy({one.pk: 9_000 + one.pk % 9 for one in people if not held(one)})
    (early,) = trials(timezone.now())
    assert (early.treated, early.paid, early.margin) == (None, None, None)
    with use_language("en"):
        assert any("after four whole weeks" in one for one in trial_sentences(early, Purse("RUB"), dt.UTC))
    (found,) = trials(timezone.now() + dt.timedelta(days=1, hours=1))
    assert found.paid is not None and found.paid.is_shown


@pytest.mark.django_db
def test_of_many_rules_what_stands_out_alone_need_not_be_shown() -> None:
    open_store()
    many = [HALF, *({"id": f"r{n}", "gives": {"kind": "percent_off", "percent": 1}, "holdout": 50} for n in range(9))]
    publish_in_the_past(RULES | {"rules": many}, dt.timedelta(days=40))
    people = enrol_many(1_000)
    # so much more that it just stands out alone: more than three standard errors
    in_turn = [sorted(one.pk for one in people if held(one) is is_held) for is_held in (False, True)]
    for group, more in zip(in_turn, (208, 0), strict=True):
        buy({key: 10_000 + 1_000 * (-1) ** n + more for n, key in enumerate(group)}, ago=20)
    found = {one.rule.id: one for one in trials(timezone.now())}
    gain = found["half"].paid
    assert gain is not None and all(one.margin is None for one in found.values()), "no cost is known anywhere"
    assert gain.stands_out_alone and gain.p_value < 0.05 < gain.q_value
    assert not gain.is_shown
    with use_language("en"):
        said = " ".join(trial_sentences(found["half"], Purse("RUB"), dt.UTC))
    assert "chance makes one like it" in said and "however often you look" in said
    assert not any(one.paid is None or one.paid.is_shown for one in found.values())
