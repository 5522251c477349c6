"""Gift certificates: money that is neither made nor lost, whoever asks at the same moment."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.accounts.models import LogEntry, User
from regulars.core.errors import InputError
from regulars.customers.models import Erasure
from regulars.customers.services.erasing import erase
from regulars.foundation.models import Business
from regulars.loyalty.card_numbers import LUHN, is_right
from regulars.loyalty.certificate_deals import (
    Deal,
    Undoing,
    expire_certificates,
    sell_certificates,
    take_back_certificates,
)
from regulars.loyalty.certificates import (
    NoCertificate,
    cancel,
    find,
    history,
    last_day,
    make_certificates,
    state_of,
    take_numbers,
)
from regulars.loyalty.certificates_owed import days_of_certificates, owed_on_certificates
from regulars.loyalty.models import Certificate, CertificateDeal, CertificateMovement, Sale, SaleReturn
from regulars.loyalty.partners import bind_till
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import OtherSum, commit, quote
from regulars.loyalty.telling import NotNow
from regulars.purchases.models import Receipt
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import billed_partner
from tests.loyalty.selling_cases import enrolled, no_segments, open_shop, order
from tests.web.people import make_user

pytestmark = pytest.mark.django_db
NAMES = iter(f"Batch {number}" for number in range(10**9))


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    open_shop()


def printed(count: int = 1, amount: int = 100_000, days: int | None = 365) -> list[str]:
    batch = make_certificates(next(NAMES), count=count, amount=amount, days=days, by=None)
    return list(batch.certificates.order_by("pk").values_list("number", flat=True))


def sold(amount: int = 100_000, days: int | None = 365, number: str = "") -> str:
    (one,) = printed(1, amount, days)
    sell_certificates(Deal("till:1", number or f"C-{one}", (one,), amount))
    return one


def pay(number: str, *certificates: str, price: int = 95_000, **more: Any) -> Sale:
    """Of tea, by somebody who shows no card."""
    asked = order(("tea", 1, price), certificates=certificates, **{"card": ""} | more)
    found = quote(asked, segments=no_segments)
    return commit(asked, number, to_pay=found.judged.to_pay, in_money=found.in_money, segments=no_segments)


def bring(number: str, receipt: str, *lines: tuple[int, str], is_void: bool = False) -> SaleReturn:
    wanted = tuple((place, Decimal(quantity)) for place, quantity in lines)
    found = bring_back(Coming("till:1", number, "till:1", receipt, wanted, is_void=is_void))
    assert isinstance(found, SaleReturn)
    return found


def has(*numbers: str) -> list[int]:
    return [find(one).balance for one in numbers]


def later(days: int) -> dt.datetime:
    return timezone.now() + dt.timedelta(days=days)


def expired(number: str) -> None:
    """As if it had been sold long ago: nobody else may change what it has."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loyalty_certificate DISABLE TRIGGER keep")
        cursor.execute(
            "UPDATE loyalty_certificate SET expires_at = now() - interval '1 hour' WHERE number = %s", [number]
        )
        cursor.execute("ALTER TABLE loyalty_certificate ENABLE TRIGGER keep")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_numbers_are_right_new_and_of_no_order() -> None:
    numbers = printed(500)
    assert all(len(one) == 16 and is_right(one, LUHN) for one in numbers)
    assert len(set(numbers)) == 500
    assert numbers != sorted(numbers)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "1 to 60 signs"),
        ({"name": "a\nb\x07"}, "1 to 60 signs"),
        ({"count": 0}, "Make 1 to 100000"),
        ({"count": 10**9}, "Make 1 to 100000"),
        ({"amount": 0}, "for how much"),
        ({"amount": -1}, "for how much"),
        ({"amount": 10**15}, "for how much"),
        ({"days": 0}, "lives 1 to 3660 days"),
        ({"days": 10**9}, "lives 1 to 3660 days"),
    ],
)
def test_a_batch_that_cannot_be_is_told(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_certificates(**{"name": "A", "count": 1, "amount": 1, "days": 1, "by": None} | wrong)  # type: ignore[arg-type]


def test_a_name_is_used_once() -> None:
    make_certificates("Spring", count=1, amount=1, days=None, by=None)
    with pytest.raises(InputError, match="'spring' already"):
        make_certificates("spring", count=1, amount=1, days=None, by=None)


def test_numbers_leave_once() -> None:
    owner = make_user("owner")
    batch = make_certificates("Spring", count=3, amount=1, days=None, by=owner)
    assert len(list(take_numbers(batch, by=owner))) == 3
    with pytest.raises(NotNow, match=r"by Owner\. They leave once"):
        take_numbers(batch, by=owner)
    assert [one.event for one in LogEntry.objects.order_by("id")][-2:] == ["certificates_made", "certificates_taken"]


def test_a_printed_one_is_worth_nothing_until_it_is_sold() -> None:
    (one,) = printed()
    assert (state_of(find(one), at=timezone.now()), has(one)) == ("printed", [0])
    with pytest.raises(NotNow, match="is not sold yet"):
        pay("1", one)
    deal = Deal("till:1", "C-1", (one,), 100_000, "Irina")
    made = sell_certificates(deal)
    assert sell_certificates(deal) == made, "told again, written once"
    assert (state_of(find(one), at=timezone.now()), has(one)) == ("valid", [100_000])
    assert last_day(find(one)) == later(365).astimezone(Business.current().zone).date()
    assert (Receipt.objects.count(), CertificateMovement.objects.count()) == (0, 1)


def test_what_cannot_be_sold_is_told_and_nothing_is_sold() -> None:
    one, two = printed(2)
    other = sold()
    for deal, kind, said in (
        (Deal("till:1", "1", (one, two), 100_000), NotNow, "cost 200000 minor units, not 100000"),
        (Deal("till:1", "1", (one, other), 200_000), NotNow, "was sold before"),
        (Deal("till:1", "1", (one, "9900000000000000"), 200_000), NoCertificate, "read its 16 digits"),
        (Deal("till:1", "1", (one, one), 200_000), InputError, "named twice"),
        (Deal("till:1", f"C-{other}", (one,), 100_000), NotNow, "has another receipt"),
    ):
        with pytest.raises(kind, match=said):
            sell_certificates(deal)
    assert has(one, two) == [0, 0]


def test_the_soonest_to_expire_pays_first_and_the_goods_earn_as_ever() -> None:
    anna = enrolled()
    ever, late, soon = sold(days=None), sold(days=60), sold(30_000, days=30)
    sale = pay("1", ever, late, soon, card="1000000017", price=100_000)
    assert (sale.to_pay, sale.by_certificates, sale.in_money, sale.points_earned) == (95_000, 95_000, 0, 95)
    assert has(soon, late, ever) == [0, 35_000, 100_000]
    assert sale.receipt.amount == 95_000
    assert sale.customer == anna
    assert state_of(find(soon), at=timezone.now()) == "used"


def test_what_is_left_is_paid_in_money_and_a_repetition_changes_nothing() -> None:
    one = sold(30_000)
    sale = pay("1", one)
    assert (sale.by_certificates, sale.in_money) == (30_000, 65_000)
    asked = order(("tea", 1, 95_000), certificates=(one,), card="")
    assert commit(asked, "1", to_pay=95_000, in_money=65_000, segments=no_segments) == sale
    with pytest.raises(NotNow, match="is used up"):
        pay("2", one)
    assert Sale.objects.count() == 1


def test_a_sum_that_certificates_pay_otherwise_by_now_is_refused_with_the_new_one() -> None:
    one = sold(30_000)
    asked = order(("tea", 1, 95_000), certificates=(one,), card="")
    for told in (None, 0, 60_000, 95_000):
        with pytest.raises(OtherSum, match="65000 minor units are left to pay in money") as refused:
            commit(asked, "1", to_pay=95_000, in_money=told, segments=no_segments)
        assert refused.value.quote.in_money == 65_000
    assert has(one) == [30_000]


def test_a_receipt_of_before_certificates_is_known_by_what_it_was() -> None:
    import hashlib
    import json
    from dataclasses import asdict

    from regulars.loyalty.telling import _plain, digest_of

    asked = order(("tea", 1, 100_000), card="")
    before = asdict(asked)
    del before["certificates"], before["code"], before["hold"]
    text = json.dumps([before, "1", 95_000], sort_keys=True, default=_plain, ensure_ascii=False)
    assert digest_of(asked, "1", 95_000) == hashlib.sha256(text.encode()).digest()


def test_goods_that_come_back_fill_certificates_first_the_last_spent_before_the_others() -> None:
    soon, late = sold(30_000, days=30), sold(40_000, days=60)
    asked = order(("tea", 10, 95_000), certificates=(late, soon), card="")
    commit(asked, "1", to_pay=95_000, in_money=25_000, segments=no_segments)
    assert has(soon, late) == [0, 0]
    first = bring("2", "1", (1, "5"))
    assert (first.refund, first.to_certificates, has(soon, late)) == (0, 47_500, [7_500, 40_000])
    rest = bring("3", "1")
    assert (rest.refund, rest.to_certificates, has(soon, late)) == (25_000, 22_500, [30_000, 40_000])
    assert bring("3", "1") == rest, "told again, written once"
    kinds = [one.kind for one in history(find(soon))]
    assert kinds == ["returned", "returned", "spent", "sold"]


def test_a_void_gives_all_of_it_back() -> None:
    one = sold(30_000)
    pay("1", one)
    back = bring("2", "1", is_void=True)
    assert (back.refund, back.to_certificates, has(one)) == (65_000, 30_000, [30_000])


def test_what_comes_back_to_an_expired_one_lives_thirty_days_and_the_rest_stays_gone() -> None:
    one = sold(200_000, days=1)
    pay("1", one)
    expired(one)
    back = bring("2", "1")
    assert (back.to_certificates, has(one)) == (95_000, [95_000])
    assert last_day(find(one)) == later(30).astimezone(Business.current().zone).date()
    assert [one.kind for one in history(find(one))] == ["returned", "expired", "spent", "sold"]
    unlimited = sold(100_000, days=None)
    pay("3", unlimited)
    bring("4", "3")
    assert find(unlimited).expires_at is None


def test_what_a_cancelled_one_paid_comes_back_in_money() -> None:
    one = sold(100_000)
    pay("1", one)
    cancel(find(one), reason="stolen", by=make_user("owner"))
    back = bring("2", "1")
    assert (back.refund, back.to_certificates, has(one)) == (95_000, 0, [0])
    assert state_of(find(one), at=timezone.now()) == "cancelled"


def test_an_unused_one_is_taken_back_and_never_lives_again() -> None:
    one, two = printed(2)
    sell_certificates(Deal("till:1", "C-1", (one, two), 200_000))
    wanted = Undoing("till:1", "C-2", "till:1", "C-1", (one,), "Irina")
    back = take_back_certificates(wanted)
    assert take_back_certificates(wanted) == back
    assert (back.amount, has(one, two)) == (100_000, [0, 100_000])
    with pytest.raises(NotNow, match="was cancelled"):
        pay("1", one)
    with pytest.raises(NotNow, match="was sold before"):
        sell_certificates(Deal("till:1", "C-3", (one,), 100_000))
    pay("1", two)
    for undoing, said in (
        (Undoing("till:1", "C-4", "till:1", "C-1"), "was used"),
        (Undoing("till:1", "C-4", "till:1", "C-1", (two,)), "was used"),
        (Undoing("till:1", "C-4", "till:1", "C-9"), "No certificates were sold"),
        (Undoing("till:1", "C-4", "till:1", "C-2"), "No certificates were sold"),
        (Undoing("till:1", "C-4", "till:1", "C-1", (sold(),)), "Not all of these"),
    ):
        with pytest.raises(InputError, match=said):
            take_back_certificates(undoing)


def test_nothing_is_paid_with_what_expired_and_the_night_writes_it_down_once() -> None:
    one, other = sold(30_000), sold(20_000, days=None)
    expired(one)
    with pytest.raises(NotNow, match="was valid through"):
        pay("1", one)
    assert expire_certificates(timezone.now()) == 1
    assert expire_certificates(timezone.now()) == 0
    assert has(one, other) == [0, 20_000]
    assert state_of(find(one), at=timezone.now()) == "expired"


def test_what_is_owed_is_known_for_every_moment_of_the_past() -> None:
    before = timezone.now()
    one, other = sold(30_000), sold(100_000)
    middle = timezone.now()
    pay("1", other, price=19_000)
    cancel(find(one), reason="stolen", by=make_user("owner"))
    found = [owed_on_certificates(at=at) for at in (before, middle, timezone.now())]
    assert [(each.amount, each.certificates) for each in found] == [(0, 0), (130_000, 2), (81_000, 1)]
    assert owed_on_certificates(at=later(400)).amount == 0, "by then they have expired, written down or not"
    today = timezone.now().astimezone(Business.current().zone).date()
    (day,) = days_of_certificates(today)
    assert (day.sold, day.spent, day.cancelled, day.expired, day.balance) == (130_000, 19_000, 30_000, 0, 81_000)
    assert days_of_certificates(today - dt.timedelta(days=1)) == []


def test_an_erasure_takes_a_name_out_of_the_reason() -> None:
    owner, anna = make_user("owner"), enrolled(name="Annushka Petrovna")
    one = find(sold())
    cancel(one, reason="given back to Annushka Petrovna", by=owner)
    erase(Erasure.objects.create(customer=anna, asked_on="2026-01-01", due_on="2026-02-01"), by=owner)
    assert "Annushka" not in one.movements.get(kind="cancelled").reason


def test_a_partner_neither_sells_nor_takes_them() -> None:
    one, (fresh,) = sold(), printed()
    bind_till(billed_partner(), till := "till:900")
    for work in (
        lambda: sell_certificates(Deal(till, "1", (fresh,), 100_000)),
        lambda: pay("1", one, till=till, store="Books"),
    ):
        with pytest.raises(NotNow, match="partners neither sell nor take"):
            work()


def test_a_reason_is_asked_for_and_nothing_is_cancelled_twice() -> None:
    owner, one = make_user("owner"), find(sold())
    with pytest.raises(InputError, match="Write why"):
        cancel(one, reason=" \0 ", by=owner)
    cancel(one, reason="stolen", by=owner)
    with pytest.raises(NotNow, match="nothing to cancel"):
        cancel(one, reason="again", by=owner)
    with pytest.raises(NotNow, match="nothing to cancel"):
        cancel(find(printed()[0]), reason="printed badly", by=owner)


# --- the database is the last judge ---


def moved(one: Certificate, kind: str, amount: int, **more: Any) -> CertificateMovement:
    with transaction.atomic():
        made = CertificateMovement.objects.create(
            certificate=one, kind=kind, amount=amount, balance=0, moved_at=timezone.now(), **more
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return made


def test_nobody_writes_what_no_certificate_can_have() -> None:
    one, paid = find(sold(30_000)), sold(30_000)
    sale, deal = pay("1", paid), CertificateDeal.objects.first()
    back = bring("2", "1", (1, "1"))
    user = make_user("owner")
    for kind, amount, more in (
        ("spent", -1, {"sale": sale}),  # the receipt says otherwise
        ("spent", -30_001, {"sale": sale}),
        ("returned", 1, {"sale": sale, "back": back}),  # it paid nothing of it
        ("sold", 10, {"deal": deal}),
        ("sold", -10, {"deal": deal}),
        ("expired", -30_000, {}),
        ("cancelled", -30_000, {"actor": user}),  # no reason
        ("cancelled", -10, {"reason": "a part"}),
        ("gift", 10, {}),
    ):
        with pytest.raises(DatabaseError):
            moved(one, kind, amount, **more)
    assert has(one.number, paid) == [30_000, 30_000]


def test_nobody_changes_what_happened_nor_a_certificate_by_hand() -> None:
    one = find(sold(30_000))
    for statement in (
        "UPDATE loyalty_certificate SET balance = 1 WHERE id = %s",
        "UPDATE loyalty_certificate SET expires_at = NULL WHERE id = %s",
        "DELETE FROM loyalty_certificate WHERE id = %s",
        "UPDATE loyalty_certificatemovement SET amount = 1 WHERE certificate_id = %s",
        "DELETE FROM loyalty_certificatemovement WHERE certificate_id = %s",
        "UPDATE loyalty_certificatedeal SET amount = 1 WHERE id <> -%s",
        "UPDATE loyalty_certificatebatch SET amount = 1 WHERE id <> -%s",
        "INSERT INTO loyalty_certificate (batch_id, number, balance, sold_for, is_cancelled) SELECT batch_id,"
        " '9900000000000001', 5, 5, false FROM loyalty_certificate WHERE id = %s",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [one.pk])


# --- at one moment ---


@pytest.mark.django_db(transaction=True)
def test_of_two_tills_with_the_last_of_one_certificate_one_wins() -> None:
    one = sold(95_000)
    asks = [order(("tea", 1, 95_000), certificates=(one,), card="", till=f"till:{n}") for n in range(4)]

    def commits(place: int) -> str:
        try:
            commit(asks[place], "1", to_pay=95_000, in_money=0, segments=no_segments)
        except NotNow as refused:
            return str(refused)
        return "paid"

    answers = together(4, commits)
    assert sorted(answers).count("paid") == 1
    assert sum("is used up" in one for one in answers) == 3
    assert (has(one), Sale.objects.count()) == ([0], 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_tills_that_sell_one_certificate_one_does() -> None:
    (one,) = printed()

    def sells(place: int) -> str:
        try:
            return str(sell_certificates(Deal(f"till:{place}", "1", (one,), 100_000)).amount)
        except NotNow:
            return "refused"

    assert sorted(together(4, sells)) == ["100000", "refused", "refused", "refused"]
    assert has(one) == [100_000]


@pytest.mark.django_db(transaction=True)
def test_a_return_a_purchase_and_the_night_at_one_moment_lose_nothing() -> None:
    one = sold(95_000)
    pay("1", one, price=50_000)
    works = [
        lambda: bring("2", "1"), lambda: pay("3", one, price=10_000), lambda: expire_certificates(timezone.now()),
        lambda: cancel(find(one), reason="stolen", by=User.objects.get()),
    ]  # fmt: skip
    make_user("owner")

    def does(place: int) -> str:
        try:
            return str(works[place]())
        except NotNow as refused:
            return str(refused)

    together(4, does)
    moves = list(find(one).movements.order_by("pk"))
    assert sum(move.amount for move in moves) == find(one).balance == moves[-1].balance
    assert all(0 <= move.balance <= 95_000 for move in moves)


# --- whatever happens in whatever order ---

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(0, 2), st.integers(1, 5)),
        st.tuples(st.just("pay"), st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True), st.integers(1, 9)),
        st.tuples(st.just("bring"), st.integers(0, 5), st.integers(1, 4)),
        st.tuples(st.just("void"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("expire"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("night"), st.just(0), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("undo"), st.integers(0, 2), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_books_agree(steps: list[tuple[str, Any, int]]) -> None:
    owner = User.objects.first() or make_user("owner")
    with transaction.atomic():
        _play(steps, owner)
        transaction.set_rollback(True)


def _play(steps: list[tuple[str, Any, int]], owner: User) -> None:
    numbers, done = printed(3, 50_000), 0

    def pays(what: list[int], much: int, number: str) -> None:
        asked = order(("tea", 4, much * 10_000), certificates=tuple(numbers[one] for one in what), card="")
        found = quote(asked, segments=no_segments)
        commit(asked, number, to_pay=found.judged.to_pay, in_money=found.in_money, segments=no_segments)

    deeds: dict[str, Callable[[Any, int, str], object]] = {
        "sell": lambda what, _much, _n: sell_certificates(Deal("till:1", f"S-{what}", (numbers[what],), 50_000)),
        "pay": lambda what, much, _n: pays(what, much, f"R-{done}"),
        "bring": lambda what, much, number: bring(number, f"R-{what}", (1, str(much))) if what < done else None,
        "void": lambda what, _much, number: bring(number, f"R-{what}", is_void=True) if what < done else None,
        "expire": lambda what, _much, _n: expired(numbers[what]) if find(numbers[what]).expires_at else None,
        "night": lambda *_all: expire_certificates(timezone.now()),
        "cancel": lambda what, *_all: cancel(find(numbers[what]), reason="x", by=owner),
        "undo": lambda what, _much, n: take_back_certificates(Undoing("till:1", n, "till:1", f"S-{what}")),
    }
    for place, (step, what, much) in enumerate(steps):
        with suppress(InputError), transaction.atomic():
            deeds[step](what, much, f"P-{place}")
            done += step == "pay"
        _check(numbers)


def _check(numbers: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    owed = 0
    for one in Certificate.objects.filter(number__in=numbers):
        moves = list(one.movements.order_by("pk"))
        assert one.balance == sum(move.amount for move in moves)
        assert all(0 <= move.balance <= (one.sold_for or 0) for move in moves)
        owed += one.balance if one.expires_at and one.expires_at > timezone.now() else 0
    for sale in Sale.objects.all():
        moves = list(sale.certificate_movements.all())
        assert sum(-move.amount for move in moves if move.kind == "spent") == sale.by_certificates
        assert sum(move.amount for move in moves) <= 0
        returned = sum(back.refund + back.to_certificates for back in sale.returns.all())
        assert returned <= sale.to_pay
    assert owed_on_certificates(at=timezone.now()).amount <= sum(has(*numbers))
    assert owed == sum(
        one.balance for one in Certificate.objects.filter(expires_at__gt=timezone.now(), number__in=numbers)
    )
