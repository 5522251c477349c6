"""What a partner could try who owns the key of a till: other dates, debts, stores, the last points of a limit."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import members, partners
from regulars.loyalty.ledger import Document, Kind, Refused, give_back, grant, spend, take_back, write_one
from regulars.loyalty.models import Contract, ContractUse, DebtPart, Partner, PartnerStore, Settlement
from regulars.loyalty.partners import (
    MOST_STORES,
    Terms,
    bind_till,
    give_store,
    own_stores,
    room_of,
    store_of,
    take_store,
)
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Order, quote
from regulars.loyalty.settling import close_days, details, make_statement, read_lines, standing_of, standings
from regulars.loyalty.telling import NotNow
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Product, Store
from tests.loyalty import rebuilt
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import PRICES, contract, judge_now, later, partner, today
from tests.loyalty.selling_cases import enrolled, no_segments, open_shop, order, sell

pytestmark = pytest.mark.django_db
A, B, C = "till:11", "till:12", "till:13"


@pytest.fixture
def anna() -> Customer:
    open_shop(rules=[{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}])
    return enrolled()


def write(till: str, number: str, kind: Kind, *moves: dict[str, object], **more: object) -> int:
    """Straight into the ledger, at any time."""
    at = more.pop("at", timezone.now())
    assert isinstance(at, dt.datetime)
    return write_one(
        Document(members.points_unit(), kind, till, number, till, moves, **more),  # type: ignore[arg-type]
        at=at,
    ).transaction


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), Business.current().zone)


def owed(of: Partner) -> int:
    return sum(Settlement.objects.filter(partner=of).values_list("amount", flat=True))


# dates


@pytest.mark.parametrize(
    ("new", "hours", "issued", "redeemed"),
    [
        # cheaper for the partner since the change: a date of before brings nothing, and costs the old price
        (Terms(50_000, 50_000), 71, 10_000, -3_000),
        (Terms(50_000, 50_000), 72, 10_000, -3_000),
        # dearer: for three days the old price holds, then the worse of both
        (Terms(120_000, 20_000), 71, 10_000, -3_000),
        (Terms(120_000, 20_000), 72, 12_000, -2_000),
        # worse in one and better in the other: of each kind the worse
        (Terms(120_000, 40_000), 72, 12_000, -3_000),
    ],
)
def test_a_date_before_a_change_of_contract_brings_nothing(
    anna: Customer, new: Terms, hours: int, issued: int, redeemed: int
) -> None:
    one = partner("a", A, Terms(100_000, 30_000))
    changed = contract(one, new, days_ago=10)
    write("till:9", "own", Kind.SALE, grant(anna.pk, 1_000), at=timezone.now() - dt.timedelta(days=40))
    told = midnight(changed.begins_on) + dt.timedelta(hours=hours)
    before = midnight(changed.begins_on) - dt.timedelta(minutes=1)
    write(A, "late", Kind.SALE, spend(anna.pk, 100), grant(anna.pk, 100), happened_at=before, at=told)
    write(A, "now", Kind.SALE, spend(anna.pk, 100), grant(anna.pk, 100), at=told)
    found = list(Settlement.objects.order_by("id").values_list("kind", "amount"))
    assert sorted(found[:2]) == [("issued", issued), ("redeemed", redeemed)]
    assert sorted(found[2:]) == [("issued", new.issue_price // 10), ("redeemed", -new.redeem_price // 10)]
    assert faults() == []


def test_of_several_changes_the_worst_counts_and_comes_back_at_its_price(anna: Customer) -> None:
    one = partner("a", A, Terms(100_000, 0))
    for issue, days_ago in ((300_000, 20), (50_000, 10), (400_000, 2)):
        contract(one, Terms(issue, 0), days_ago=days_ago)
    sold = sell(order(("tea", 1, 10_000), till=A, store="A", purchased_at=later(days=-30)))
    assert owed(one) == 3_000, "not the last one: it began less than three days ago"
    assert Settlement.objects.get().contract.issue_price == 300_000
    bring_back(Coming(A, "r", A, sold.number))
    assert owed(one) == 0
    assert faults() == []


def test_a_date_before_a_change_brings_no_wider_limit(anna: Customer) -> None:
    one = partner("a", A)
    contract(one, replace(PRICES, most_issued_a_day=15), days_ago=5)
    asked = order(("tea", 1, 20_000), till=A, store="A", purchased_at=later(days=-9))
    with pytest.raises(NotNow, match="may give 15 more points now"):
        quote(asked, segments=no_segments)
    with pytest.raises(Refused, match="15 more points, 16 were asked"):
        write(A, "1", Kind.SALE, grant(anna.pk, 16), happened_at=later(days=-9))
    sell(order(("tea", 1, 10_000), till=A, store="A", purchased_at=later(days=-9)))
    assert room_of(one, bought_at=later(days=-9), now=timezone.now()).issue == 5
    assert ContractUse.objects.get().contract.most_issued_a_day == 15


def test_what_was_settled_before_the_rule_keeps_its_price(anna: Customer) -> None:
    one = partner("a", A)
    contract(one, Terms(500_000, 0), days_ago=20)
    with transaction.atomic(), connection.cursor() as cursor:
        sell(order(("tea", 1, 10_000), till=A, store="A", purchased_at=later(days=-30)))
        cursor.execute("SET LOCAL session_replication_role = replica")
        old = Contract.objects.get(issue_price=100_000)
        Settlement.objects.update(told_on=None, contract=old, amount=1_000)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert faults() == []
    bring_back(Coming(A, "r", A, "1"))
    assert owed(one) == 0


# debts


def test_the_example_of_the_decision(anna: Customer) -> None:
    """A gives 100, B takes 70, A's goods come back, C's points pay the debt; then C's goods come back too."""
    one, two, three = (partner(slug, till, terms) for slug, till, terms in (
        ("a", A, Terms(100_000, 80_000)), ("b", B, Terms(100_000, 80_000)), ("c", C, Terms(90_000, 70_000)),
    ))  # fmt: skip

    def stands() -> tuple[int, int, int]:
        assert faults() == []
        assert owed(one) + owed(two) + owed(three) == -standings(at=timezone.now())[None].waiting
        return owed(one), owed(two), owed(three)

    first = write(A, "1", Kind.SALE, grant(anna.pk, 100))
    write(B, "1", Kind.SALE, spend(anna.pk, 70))
    assert stands() == (10_000, -5_600, 0)
    write(A, "r", Kind.RETURN, take_back(100), reverses=first)
    assert stands() == (7_000, -5_600, 0), "of the 70 that B took"
    second = write(C, "1", Kind.SALE, grant(anna.pk, 90))
    assert stands() == (0, -5_600, 8_100), "C pays for them now, and A has its money back"
    write(C, "r", Kind.RETURN, take_back(90), reverses=second)
    assert stands() == (7_000, -5_600, 0), "C has sold nothing: the debt is that of A's sale again"
    assert members.points_of(anna).debt == 70
    assert list(DebtPart.objects.order_by("id").values_list("root", "amount")) == [
        (first, -70), (first, 70), (first, -70),
    ]  # fmt: skip
    assert standing_of(one, at=timezone.now()) == standings(at=timezone.now())[one.pk]


def test_a_debt_that_the_operator_pays_is_the_operators(anna: Customer) -> None:
    one, two = partner("a", A), partner("b", B)
    first = write(A, "1", Kind.SALE, grant(anna.pk, 100))
    write(B, "1", Kind.SALE, spend(anna.pk, 100))
    write(A, "r", Kind.RETURN, take_back(100), reverses=first)
    write("till:9", "1", Kind.SALE, grant(anna.pk, 40))
    assert (owed(one), owed(two)) == (6_000, -8_000)
    assert faults() == []


def test_nobody_earns_by_paying_debts_with_goods_that_come_back(anna: Customer) -> None:
    """Each round would bring the first of two friends its money, and leave the second with the bill."""
    one, two, three = partner("a", A), partner("b", B), partner("c", C)
    first = write(A, "1", Kind.SALE, grant(anna.pk, 500))
    write(B, "1", Kind.SALE, spend(anna.pk, 500))
    write(A, "r", Kind.RETURN, take_back(500), reverses=first)
    for number in range(5):
        sold = write(C, str(number), Kind.SALE, grant(anna.pk, 333))
        for part in (100, 200, 33):
            write(C, f"r{number}-{part}", Kind.RETURN, take_back(part), reverses=sold)
        assert (owed(one), owed(two), owed(three)) == (50_000, -40_000, 0)
    assert faults() == []


def test_points_given_back_and_owed_in_one_return(anna: Customer) -> None:
    one, two = partner("a", A), partner("b", B)
    write(A, "0", Kind.SALE, grant(anna.pk, 10))
    sold = write(A, "1", Kind.SALE, spend(anna.pk, 10), grant(anna.pk, 50))
    write(B, "1", Kind.SALE, spend(anna.pk, 50))
    write(A, "r", Kind.RETURN, give_back(10), take_back(50), reverses=sold)
    assert (owed(one), owed(two)) == (5_000, -4_000), "ten lie with her, forty are owed"
    assert faults() == []


def test_a_statement_tells_a_debt_by_the_partners_own_sale(anna: Customer) -> None:
    """Where she paid it is not A's business: no till, number or moment of C stands in A's file."""
    one = partner("a", A)
    partner("b", B)
    partner("c", C)
    sold = sell(order(("tea", 1, 100_000), till=A, store="A"), "mine")
    write(B, "1", Kind.SALE, spend(anna.pk, 70))
    bring_back(Coming(A, "r", A, sold.number))
    sell(order(("tea", 1, 90_000), till=C, store="C"), "secret")
    close_days(at=later(days=1))
    judge_now()
    made = make_statement(one, last=today(), by=None, at=later(days=1))
    assert [(line.title, line.points, line.amount) for line in read_lines(made)] == [
        ("Points given", 100, 10_000), ("Points taken back with goods", -30, -3_000),
        ("Points that members owed and have paid", -70, -7_000),
    ]  # fmt: skip
    rows = list(details(one, made.first, made.last))
    assert [(row.till, row.number) for row in rows] == [(A, "mine"), (A, "r"), (A, "mine")]
    assert sum(row.amount for row in rows) == made.amount, "each kopeck is in the file"
    assert [[*line[:3], *line[4:]] for line in made.lines] == rebuilt.lines(one, made.first, made.last)
    assert made.amount == 0


def test_verify_finds_debts_that_somebody_changed(anna: Customer) -> None:
    partner("a", A)
    first = write(A, "1", Kind.SALE, grant(anna.pk, 100))
    write("till:9", "1", Kind.SALE, spend(anna.pk, 100))
    write(A, "r", Kind.RETURN, take_back(100), reverses=first)
    write("till:9", "2", Kind.SALE, grant(anna.pk, 40))
    changes = {
        "UPDATE loyalty_debtpart SET amount = amount - 1 WHERE amount < 0": ["not shared", "settled otherwise"],
        "UPDATE loyalty_debtpart SET amount = amount + 90": ["not shared", "more points are paid"],
        "DELETE FROM loyalty_settlement WHERE kind = 'owed'": ["settled otherwise"],
    }
    for change, expected in changes.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(change)
            found = "; ".join(map(str, faults()))
            assert [one for one in expected if one in found] == expected, (change, found)
            transaction.set_rollback(True)


# stores and goods


def test_a_store_goes_from_one_to_another_by_the_operators_word(anna: Customer) -> None:
    one, two = partner("a", A), partner("b", B)

    def asked(till: str) -> Order:
        return order(("tea", 1, 10_000), till=till, store="Mira 1")

    sell(asked(A))
    assert own_stores() == ["Arbat"]
    with pytest.raises(InputError, match="somebody else's"):
        quote(asked(B), segments=no_segments)
    give_store(" Mira 1", two, by=None)
    sell(asked(B))
    with pytest.raises(InputError, match="somebody else's"):
        quote(asked(A), segments=no_segments)
    bring_back(Coming(A, "r", A, "1"))
    with pytest.raises(InputError, match="A has no store 'Mira 1'"):
        take_store("Mira 1", one, by=None)
    take_store("Mira 1", two, by=None)
    sell(asked("till:9"))
    with pytest.raises(InputError, match="There is no store 'Mira 2'"):
        give_store("Mira 2", two, by=None)
    assert own_stores() == ["Arbat", "Mira 1"]
    assert faults() == []


def test_a_till_brings_no_endless_stores(anna: Customer) -> None:
    one = partner("a", A)
    made = Store.objects.bulk_create(Store(name=f"Receipt {number}") for number in range(MOST_STORES))
    PartnerStore.objects.bulk_create(PartnerStore(store=store, partner=one) for store in made)
    with pytest.raises(InputError, match="A has 100 stores already"):
        sell(order(("tea", 1, 10_000), till=A, store="One more"))
    assert not Store.objects.filter(name="One more").exists()
    Store.objects.create(name="Given")
    give_store("Given", one, by=None)
    assert sell(order(("tea", 1, 10_000), till=A, store="Given")).pk
    assert store_of("Own", None, make=True).pk, "the operator's tills have no such limit"


def test_what_goods_cost_the_operator_cannot_be_tried_out_at_a_partners_till(anna: Customer) -> None:
    partner("a", A)
    sell(order(("tea", 1, 1_000_000), till="till:9"), "points")
    Product.objects.filter(code="tea").update(cost=9_500)

    def spends(till: str, store: str) -> int:
        return quote(
            order(("tea", 1, 10_000), till=till, store=store, points=50), segments=no_segments
        ).judged.points_spent

    assert (spends("till:9", "Arbat"), spends(A, "A")) == (0, 50)
    sold = sell(order(("tea", 1, 10_000), till=A, store="A", points=50), "1")
    assert [line.cost for line in sold.receipt.lines.all()] == [None], "nor is it the partner's margin"


# many at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "limit", ["most_issued_a_day", "most_issued_a_month", "most_redeemed_a_day", "most_redeemed_a_month"]
)
def test_two_tills_come_to_the_last_points_of_a_limit(limit: str) -> None:
    """Of whole receipts: each asked what it may, was told that it may, and only some are written."""
    open_shop(rules=[{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}])
    one = partner("a", A, replace(PRICES, **{limit: 25}))
    for till in (B, C, "till:14"):
        bind_till(one, till)
    people = [enrolled(f"10000000{place}{place}") for place in range(10, 14)]
    for place, who in enumerate(people):
        write("till:9", str(place), Kind.SALE, grant(who.pk, 10))
    spent = 10 if "redeemed" in limit else 0
    # ten points each, given or taken
    asked = [
        order(
            ("tea", 1, 4_000 if spent else 10_000), till=till, store="A", points=spent, card=f"10000000{place}{place}"
        )
        for place, till in zip(range(10, 14), (A, B, C, "till:14"), strict=True)
    ]
    sums = [quote(one_asked, segments=no_segments).judged.to_pay for one_asked in asked]

    def told(place: int) -> bool:
        try:
            sell(asked[place], f"n{place}", to_pay=sums[place])
        except (Refused, NotNow):
            return False
        return True

    assert sum(together(4, told)) == 2
    use = ContractUse.objects.get()
    assert (use.redeemed if spent else use.issued) == 20
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_many_tills_bring_new_stores_at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    open_shop()
    monkeypatch.setattr(partners, "MOST_STORES", 3)
    one = partner("a", A)

    def sold(place: int) -> bool:
        try:
            with transaction.atomic():
                return bool(store_of(f"Store {place % 4}", one, make=True).pk)
        except InputError:
            return False

    together(8, sold)
    assert PartnerStore.objects.count() == Store.objects.exclude(name="Arbat").count() == 3
