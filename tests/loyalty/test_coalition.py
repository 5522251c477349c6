"""A coalition: points given at one partner and taken at another, and what they owe each other for it."""

import datetime as dt
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.loyalty import members
from regulars.loyalty.arbitrage import temptations
from regulars.loyalty.ledger import Document, Kind, Refused, grant, spend, write_one
from regulars.loyalty.models import Contract, Partner, PartnerTill, Sale, Settlement, SettlementDay, Statement
from regulars.loyalty.partners import Terms, add_partner, agree, bind_till, contracts_from
from regulars.loyalty.programmes import checked, publish
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Order, quote
from regulars.loyalty.settling import close_day, close_days, lines_of, make_statement, standings
from regulars.loyalty.simulating import simulate
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Store
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import PRICES, contract, judge_now, later, nets, partner, today
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, publish_in_the_past, sell

pytestmark = pytest.mark.django_db
# one point for each 10 roubles; a point buys goods for one rouble
COFFEE, BOOKS = "till:11", "till:12"


@pytest.fixture
def anna() -> Customer:
    open_shop(rules=[{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}])
    partner("coffee", COFFEE)
    partner("books", BOOKS)
    return enrolled()


def basket(till: str, price: int, points: int = 0, **more: Any) -> Order:
    places = {COFFEE: "Coffee House", BOOKS: "Book Yard"}
    return order(("tea", 1, price), till=till, store=places.get(till, "Arbat"), points=points, **more)


def settled(till: str) -> list[tuple[str, int, int]]:
    rows = Settlement.objects.filter(partner__tills__till=till).order_by("id")
    return list(rows.values_list("kind", "points", "amount"))


def close_today() -> None:
    assert close_days(at=later(days=1))[-1] == today()
    judge_now()


def test_points_earned_at_one_and_spent_at_the_other(anna: Customer) -> None:
    assert sell(basket(COFFEE, 100_000), "1").points_earned == 100
    assert sell(basket(BOOKS, 20_000, points=50), "1").points_spent == 50
    assert settled(COFFEE) == [("issued", 100, 10_000)]
    assert settled(BOOKS) == [("redeemed", 50, -4_000), ("issued", 15, 1_500)]
    close_today()
    assert nets(today()) == {"coffee": 10_000, "books": -2_500, "operator": -7_500}
    assert faults() == []


def test_a_receipt_is_tagged_by_the_till_and_not_by_whoever_asks(anna: Customer) -> None:
    sale = sell(basket(COFFEE, 100_000))
    assert Sale.objects.get(pk=sale.pk).partner == Partner.objects.get(slug="coffee")
    forged = Sale.objects.get(pk=sell(basket("till:1", 100_000)).pk)
    assert forged.partner is None
    forged.pk, forged.number, forged.partner = None, "forged", Partner.objects.get(slug="books")
    forged.transaction, forged.receipt = None, sell(basket("till:1", 100, card=""), "2").receipt
    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save()
    assert not Settlement.objects.exclude(partner__slug="coffee").exists(), "the operator's own till settles nothing"


def test_a_return_is_settled_at_the_price_of_then(anna: Customer) -> None:
    contract(Partner.objects.get(slug="coffee"), Terms(50_000, 40_000), days_ago=5)
    sale = sell(order(("tea", 3, 30_000), till=COFFEE, store="Coffee House", purchased_at=later(days=-9)))
    assert sell(basket(COFFEE, 10_000), "2").points_earned == 10
    bring_back(Coming(COFFEE, "r1", COFFEE, sale.number, ((1, Decimal(1)),)))
    bring_back(Coming(COFFEE, "r2", COFFEE, sale.number))
    assert settled(COFFEE) == [
        ("issued", 30, 3_000),
        ("issued", 10, 500),
        ("issued", -10, -1_000),
        ("issued", -20, -2_000),
    ]
    assert faults() == []


def test_spent_points_that_come_back_are_paid_back(anna: Customer) -> None:
    sell(basket(COFFEE, 100_000))
    bought = sell(basket(BOOKS, 20_000, points=50))
    bring_back(Coming(BOOKS, "r", BOOKS, bought.number, is_void=True))
    assert sum(amount for _kind, _points, amount in settled(BOOKS)) == 0
    assert len(settled(BOOKS)) == 4
    assert faults() == []


def test_points_that_he_owes_stay_paid(anna: Customer) -> None:
    """Else a partner could let a friend spend them elsewhere, cancel the purchase and have its money again."""
    sale = sell(basket(COFFEE, 100_000))
    document = Document(members.points_unit(), Kind.SALE, BOOKS, "b", BOOKS, (spend(anna.pk, 70),))
    write_one(document, at=timezone.now())
    bring_back(Coming(COFFEE, "r", COFFEE, sale.number))
    assert settled(COFFEE) == [("issued", 100, 10_000), ("issued", -30, -3_000)]
    assert members.points_of(anna).debt == 70
    assert faults() == []


def test_a_late_receipt_falls_into_the_day_in_which_it_is_settled(anna: Customer) -> None:
    yesterday, before = today() - dt.timedelta(days=1), today() - dt.timedelta(days=2)
    sell(basket(COFFEE, 10_000, purchased_at=later(days=-2)))
    assert close_day(before, at=timezone.now())
    sell(basket(COFFEE, 20_000, purchased_at=later(days=-2)), "2")
    assert nets(before) == {"coffee": 1_000, "operator": -1_000}
    assert close_days(at=timezone.now()) == [yesterday]
    judge_now()
    assert nets(before) == {"coffee": 1_000, "operator": -1_000}
    assert nets(yesterday) == {"coffee": 2_000, "operator": -2_000}
    assert close_days(at=timezone.now()) == [], "twice is the same as once"


def test_a_purchase_waits_until_its_goods_cannot_come_back(anna: Customer) -> None:
    shoes = partner("shoes", "till:13", replace(PRICES, settled_after_days=14))
    kept = sell(order(("tea", 1, 10_000), till="till:13", store="Shoes"))
    back = sell(order(("tea", 1, 20_000), till="till:13", store="Shoes"), "2")
    bring_back(Coming("till:13", "r", "till:13", back.number))
    assert kept.points_earned == 10
    close_today()
    assert nets(today()) == {"operator": 0}
    assert standings(at=timezone.now())[shoes.pk].waiting == 1_000
    close_days(at=later(days=15))
    judge_now()
    assert nets(today() + dt.timedelta(days=14)) == {"shoes": 1_000, "operator": -1_000}


def test_days_are_closed_in_their_order_and_only_when_they_are_over(anna: Customer) -> None:
    with pytest.raises(IntegrityError, match="not over"), transaction.atomic():
        close_day(today(), at=timezone.now())
    assert close_days(at=timezone.now()) == [], "nothing was ever settled"
    sell(basket(COFFEE, 10_000, purchased_at=later(days=-3)))
    assert close_days(at=timezone.now()) == [today() - dt.timedelta(days=ago) for ago in (3, 2, 1)]
    assert not close_day(today() - dt.timedelta(days=2), at=timezone.now())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE loyalty_settlement SET amount = amount + 1",
        "UPDATE loyalty_settlement SET day_id = NULL",
        "DELETE FROM loyalty_settlement",
        "UPDATE loyalty_settlementnet SET amount = amount + 1",
        "DELETE FROM loyalty_settlementnet",
        "UPDATE loyalty_settlementday SET closed_at = now()",
        "DELETE FROM loyalty_settlementday",
        "UPDATE loyalty_contract SET issue_price = issue_price + 1",
        "DELETE FROM loyalty_contract",
        "UPDATE loyalty_partnertill SET till = 'till:1'",
        "UPDATE loyalty_partner SET slug = 'other'",
        "UPDATE loyalty_statement SET amount = amount + 1",
        "DELETE FROM loyalty_statement",
    ],
)
def test_nobody_changes_what_was_settled(anna: Customer, change: str) -> None:
    sell(basket(COFFEE, 10_000))
    close_today()
    make_statement(Partner.objects.get(slug="coffee"), last=today(), by=None, at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_nothing_is_added_to_a_closed_day_and_no_day_is_left_half_closed(anna: Customer) -> None:
    sell(basket(COFFEE, 10_000))
    close_today()
    sell(basket(COFFEE, 10_000), "2")
    with pytest.raises(IntegrityError), transaction.atomic():
        Settlement.objects.filter(day=None).update(day=today())
    with pytest.raises(IntegrityError, match="half closed"), transaction.atomic():
        SettlementDay.objects.create(day=today() + dt.timedelta(days=9))
        judge_now()


def test_a_day_that_does_not_add_up_is_refused(anna: Customer) -> None:
    sell(basket(COFFEE, 10_000))
    for nets_of_day in ([], [("coffee", 999), (None, -999)], [("coffee", 1_000), (None, -999)], [(None, 0)]):
        with pytest.raises(IntegrityError, match=r"adds up|differs"), transaction.atomic():
            day = SettlementDay.objects.create(day=today())
            Settlement.objects.update(day=day)
            for slug, amount in nets_of_day:
                day.nets.create(partner=slug and Partner.objects.get(slug=slug), amount=amount)
            SettlementDay.objects.update(closed_at=timezone.now())
            judge_now()


def test_statements_follow_each_other_and_can_be_made_again(anna: Customer) -> None:
    coffee = Partner.objects.get(slug="coffee")
    sell(basket(COFFEE, 10_000, purchased_at=later(days=-2)))
    bring_back(Coming(COFFEE, "r", COFFEE, "1"))
    close_days(at=timezone.now())
    yesterday = today() - dt.timedelta(days=1)
    first = make_statement(coffee, last=yesterday, by=None, at=timezone.now())
    assert (first.number, first.first, first.amount) == (1, contract_of(coffee).begins_on, 1_000)
    with pytest.raises(InputError, match="begins on"):
        make_statement(coffee, last=yesterday, by=None, at=timezone.now())
    with pytest.raises(InputError, match="not closed"):
        make_statement(coffee, last=today(), by=None, at=timezone.now())
    close_today()
    second = make_statement(coffee, last=today(), by=None, at=timezone.now())
    assert (second.number, second.first, second.amount) == (2, today(), -1_000)
    assert (
        second.lines == lines_of(coffee, today(), today()) == [[contract_of(coffee).pk, "issued", True, 1, -10, -1_000]]
    )
    with pytest.raises(InputError, match="no contract yet"):
        make_statement(partner("new", "till:14", None), last=today(), by=None, at=timezone.now())
    assert faults() == []


def contract_of(one: Partner) -> Contract:
    return one.contracts.get()


def test_the_database_takes_no_statement_of_other_sums_or_days(anna: Customer) -> None:
    coffee = Partner.objects.get(slug="coffee")
    sell(basket(COFFEE, 10_000))
    close_today()
    right = make_statement(coffee, last=today(), by=None, at=timezone.now())
    values = {"partner": coffee, "made_at": timezone.now(), "lines": [], "amount": 0}
    for wrong in (
        {"number": 3, "first": today() + dt.timedelta(days=1)}, {"number": 2, "first": right.first},
        {"number": 2, "first": today() + dt.timedelta(days=1), "amount": 1},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Statement.objects.create(**values | {"last": today() + dt.timedelta(days=1)} | wrong)


def test_verify_finds_what_a_superuser_changed(anna: Customer) -> None:
    sell(basket(COFFEE, 100_000))
    sell(basket(BOOKS, 20_000, points=50))
    close_today()
    make_statement(Partner.objects.get(slug="coffee"), last=today(), by=None, at=timezone.now())
    changes = {
        "loyalty_settlement SET points = points + 1": ["settled otherwise", "contract says", "stored, settled"],
        "loyalty_settlement SET amount = amount - 1 WHERE kind = 'redeemed'": ["contract says", "closed day"],
        "loyalty_settlementnet SET amount = amount + 1 WHERE partner_id IS NULL": ["add up to zero"],
        "loyalty_settlementnet SET amount = amount + 1": ["closed day", "add up to zero"],
        "loyalty_statement SET amount = amount + 1": ["stored, settled"],
        "loyalty_contract SET issue_price = 90000": ["contract says"],
    }
    for change, expected in changes.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(f"UPDATE {change}")
            found = "; ".join(map(str, faults()))
            assert [one for one in expected if one in found] == expected, (change, found)
            transaction.set_rollback(True)
    assert faults() == []


# what a partner may do


def test_a_partner_without_a_contract_neither_gives_nor_takes_points(anna: Customer) -> None:
    partner("new", "till:14", None)
    with pytest.raises(InputError, match="New has no contract"):
        quote(order(("tea", 1, 10_000), till="till:14", store="New"), segments=no_segments)
    assert sell(order(("tea", 1, 10_000), till="till:14", store="New", card="")).to_pay == 10_000
    with pytest.raises(Refused, match="no contract"):
        give("till:14", anna, 10)


def give(till: str, customer: Customer, points: int, number: str = "g") -> None:
    write_one(
        Document(members.points_unit(), Kind.SALE, till, number, till, (grant(customer.pk, points),)), at=timezone.now()
    )


def test_limits_are_hard(anna: Customer) -> None:
    limited = replace(PRICES, most_issued_a_day=15, most_redeemed_a_month=8)
    partner("tight", "till:15", limited)

    def asked(price: int, points: int = 0) -> Order:
        return order(("cup", 1, price), till="till:15", store="Tight", points=points)

    sell(asked(10_000))
    with pytest.raises(NotNow, match="5 more points now, and this receipt earns 6"):
        quote(asked(6_000), segments=no_segments)
    found = quote(asked(5_000, points=10), segments=no_segments)
    assert (found.judged.points_spent, found.most_points) == (8, 8)
    sale = sell(asked(5_000, points=10), "2")
    bring_back(Coming("till:15", "r", "till:15", sale.number))
    assert (sale.points_spent, sale.points_earned) == (8, 4)
    assert quote(asked(900, points=5), segments=no_segments).judged.points_spent == 0, "returns make no room"
    with pytest.raises(Refused, match="1 more points, 3 were asked"):
        give("till:15", anna, 3)
    give("till:15", anna, 1)
    with pytest.raises(Refused, match="0 more points, 1 were asked"):
        give("till:15", anna, 1, "over")


@pytest.mark.django_db(transaction=True)
def test_many_tills_at_one_moment_stay_within_the_limit() -> None:
    open_shop()
    tight = partner("tight", "till:20", replace(PRICES, most_issued_a_month=40))
    for till in range(21, 28):
        bind_till(tight, f"till:{till}")
    people = [enrolled(f"10000000{place}{place}") for place in range(10, 18)]

    def one(place: int) -> int:
        try:
            give(f"till:{20 + place}", people[place], 10)
        except Refused:
            return 0
        return 10

    assert sum(together(8, one)) == 40
    assert faults() == []


def test_goods_come_back_where_they_were_sold(anna: Customer) -> None:
    sold = sell(basket(COFFEE, 10_000))
    own = sell(basket("till:1", 10_000))
    for till, sale in ((BOOKS, sold), ("till:1", sold), (BOOKS, own), (COFFEE, own)):
        with pytest.raises(InputError, match="not one of yours"):
            bring_back(Coming(till, "r", sale.till, sale.number))
    with pytest.raises(InputError, match="not one of yours"):
        bring_back(Coming(BOOKS, "r", "till:1", "a number that nobody has told yet"))
    bind_till(Partner.objects.get(slug="coffee"), "till:16")
    assert bring_back(Coming("till:16", "r", sold.till, sold.number)).pk


def test_nobody_sells_in_the_store_of_another(anna: Customer) -> None:
    sell(basket(COFFEE, 10_000))
    for till, store in ((BOOKS, "Coffee House"), ("till:1", "Coffee House"), (COFFEE, "Arbat")):
        with pytest.raises(InputError, match="somebody else's"):
            quote(order(("tea", 1, 10_000), till=till, store=store), segments=no_segments)
    quote(order(("tea", 1, 10_000), till=BOOKS, store="New"), segments=no_segments)
    assert not Store.objects.filter(name="New").exists(), "a quote writes nothing"


def test_a_till_that_has_sold_cannot_be_given_away(anna: Customer) -> None:
    sell(basket("till:1", 10_000))
    with pytest.raises(IntegrityError, match="sold before"), transaction.atomic():
        bind_till(Partner.objects.get(slug="coffee"), "till:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        bind_till(Partner.objects.get(slug="books"), COFFEE)
    assert PartnerTill.objects.count() == 2


def test_a_rule_may_name_partners(anna: Customer) -> None:
    rule = {"id": "p", "when": {"is": "partner", "any_of": ["books"]}, "gives": {"kind": "percent_off", "percent": 10}}
    publish_in_the_past(RULES | {"rules": [rule]}, dt.timedelta(minutes=1))
    assert [sell(basket(till, 10_000)).to_pay for till in (COFFEE, BOOKS, "till:1")] == [10_000, 9_000, 10_000]
    with pytest.raises(InputError, match=r"names the partner 'bucks', which there is not. Known: books, coffee"):
        publish(RULES | {"rules": [rule | {"when": {"is": "partner", "any_of": ["bucks"]}}]}, by=None)


def test_a_draft_is_tried_on_what_partners_sold_in_their_stores(anna: Customer) -> None:
    for number in range(30):
        enrolled(f"20000000{number}")
        sell(basket((COFFEE, BOOKS)[number % 2], 10_000, card=f"20000000{number}"), str(number))
    rule = {"id": "p", "when": {"is": "partner", "any_of": ["books"]}, "gives": {"kind": "percent_off", "percent": 10}}
    found = simulate(checked(RULES | {"rules": [rule]}), days=30, segments=no_segments)
    assert found.draft.discount is not None
    assert found.draft.discount.value == 15_000


# contracts


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"begins_on": -1}, "cannot begin on"),
        ({"begins_on": 0}, "cannot begin on"),
        ({"issue_price": -1}, "not between"),
        ({"issue_price": 10**9 + 1}, "not between"),
        ({"redeem_price": 100_001}, "giving points to itself"),
        ({"settled_after_days": 366}, "not between"),
        ({"most_issued_a_day": -1}, "not between"),
    ],
)
def test_contracts_that_cannot_be_are_refused(anna: Customer, wrong: dict[str, int], said: str) -> None:
    coffee = Partner.objects.get(slug="coffee")
    given = dict(wrong)
    begins_on = today() + dt.timedelta(days=given.pop("begins_on", 1))
    with pytest.raises(InputError, match=said):
        agree(coffee, replace(PRICES, **given), begins_on=begins_on, by=None)
    assert coffee.contracts.count() == 1


def test_the_database_refuses_a_contract_that_begins_in_the_past_or_can_be_cycled(anna: Customer) -> None:
    coffee = Partner.objects.get(slug="coffee")
    values: dict[str, Any] = {"partner": coffee, "agreed_at": timezone.now(), "currency": "RUB"} | vars(PRICES)
    tomorrow = today() + dt.timedelta(days=1)
    for wrong in (
        {"begins_on": today()}, {"begins_on": tomorrow, "currency": "EUR"},
        {"begins_on": tomorrow, "redeem_price": 100_001},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Contract.objects.create(**values | wrong)
    agree(coffee, PRICES, begins_on=tomorrow, by=None)
    with pytest.raises(InputError, match="Another contract begins"):
        agree(coffee, PRICES, begins_on=tomorrow, by=None)


def test_a_first_contract_may_begin_today() -> None:
    open_shop()
    new = partner("new", "till:14", None)
    assert agree(new, PRICES, begins_on=today(), by=None).begins_on == today()


@pytest.mark.parametrize("slug", ["", "Coffee", "кофе", "a b", "-a", "x" * 41, "coffee"])
def test_short_names_that_cannot_be_are_refused(anna: Customer, slug: str) -> None:
    with pytest.raises(InputError):
        add_partner(slug, "Name", by=None)


# attacks


def test_coalition_arbitrage_cycling_its_own_points_earns_a_partner_nothing(anna: Customer) -> None:
    """In the smallest baskets, where a part of a kopeck is lost or won each time, and at equal prices."""
    partner("thief", "till:66", Terms(issue_price=333, redeem_price=333))
    for number in range(12):
        sell(order(("tea", 1, 1_000), till="till:66", store="Thief"), f"earn {number}")
    sale = sell(order(("cup", 1, 2_500), till="till:66", store="Thief", points=12), "spend")
    assert sale.points_spent == 12
    bring_back(Coming("till:66", "r", "till:66", "spend"))
    assert sum(amount for _kind, _points, amount in settled("till:66")) >= 0


def test_coalition_arbitrage_between_partners_is_told_with_the_reason(anna: Customer) -> None:
    contract(partner("cheap", "till:30", None), Terms(issue_price=50_000, redeem_price=0))
    said = temptations(contracts_from(today()), worth=60)
    assert len(said) == 3
    assert said[0].startswith("1,000 points cost Cheap ₽500.00 and bring Coffee ₽800.00: together they earn")
    assert said[2].startswith("1,000 points cost Cheap ₽500.00 and buy goods for ₽600.00 elsewhere")
    assert temptations(contracts_from(today()), worth=None) == said[:2]
    books = Partner.objects.get(slug="books")
    assert temptations(contracts_from(today()), worth=60, of=books) == said[1:2]


@pytest.mark.django_db(transaction=True)
def test_days_closed_while_tills_sell_hold_every_point_once() -> None:
    """What is being written when a day is closed falls into the next one."""
    open_shop(rules=[{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}])
    partner("coffee", COFFEE)
    people = [enrolled(f"10000000{place}{place}") for place in range(10, 14)]
    done = threading.Event()

    def one(place: int) -> int:
        if place == 0:
            ahead = 0
            while not done.is_set():
                ahead += 1
                close_day(today() + dt.timedelta(days=ahead), at=later(days=ahead + 1))
            return ahead
        try:
            for number in range(15):
                give(COFFEE, people[place - 1], 10, f"{place}-{number}")
        finally:
            if place == 4:
                done.set()
        return 15

    days = together(5, one)[0]
    close_day(today() + dt.timedelta(days=days + 1), at=later(days=days + 2))
    assert days > 1
    assert Settlement.objects.filter(day=None).count() == 0
    assert sum(nets(day).get("coffee", 0) for day in SettlementDay.objects.values_list("day", flat=True)) == 60 * 1_000
    assert faults() == []
