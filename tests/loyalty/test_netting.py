"""Whatever partners sell, take back and cancel, early or late, by whichever contract: the nets are those of a model.

The model knows sales and prices, and adds up fractions; it knows nothing of rows, days or roundings on the way.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.balances import balance_of
from regulars.loyalty.ledger import (
    Document,
    Kind,
    Refused,
    expire,
    give_back,
    grant,
    open_account,
    spend,
    take_back,
    write_one,
)
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Contract, Lot, Partner, Posting, Settlement, SettlementNet, Statement
from regulars.loyalty.partners import Terms, bind_till
from regulars.loyalty.settling import close_days, last_closed, lines_of, make_statement
from regulars.loyalty.verifying import faults
from tests.loyalty import rebuilt
from tests.loyalty.coalition_cases import judge_now
from tests.loyalty.rebuilt import LATE, Debts

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
TILLS = {"a": "till:1", "b": "till:2"}
PEOPLE = ("anna", "boris")
# whoever pays least for a point pays as much as anybody is paid: then the operator never loses
ISSUE, REDEEM = st.integers(700, 1_500), st.integers(0, 700)
POINTS = st.integers(1, 60)


@dataclass
class Sold:
    """A sale of the model: its partner, its prices, and what is left of it."""

    partner: str | None
    who: str
    issue: int
    redeem: int
    issued: int
    redeemed: int

    @property
    def owed(self) -> int:
        """What the partner owes for what is left: up for what it gave, down for what it took."""
        return -(-self.issued * self.issue // 1000) - self.redeemed * self.redeem // 1000


class Trade(RuleBasedStateMachine):
    """Two partners and the operator's own till, hour by hour."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.count = 0, 0
        self.sold: dict[int, Sold] = {}
        self.terms: dict[str, list[tuple[dt.date, int, int]]] = {"a": [], "b": []}
        self.closed: dict[tuple[dt.date, str | None], int] = {}
        self.stored: dict[int, list[Any]] = {}
        self.debts = Debts()
        self.around = transaction.atomic()

    @initialize(issue=ISSUE, redeem=REDEEM, wait=st.integers(0, 3))
    def begin(self, issue: int, redeem: int, wait: int) -> None:
        self.around.__enter__()
        Business.objects.get_or_create(
            id=1, defaults={"name": "C", "currency": "RUB", "time_zone": "Asia/Kamchatka", "language": "en"}
        )
        self.unit = points_unit()
        self.customers = {name: Customer.objects.create(name=name).pk for name in PEOPLE}
        for key in self.customers.values():
            open_account(key, self.unit, at=START, debt_limit=25)
        for slug, till in TILLS.items():
            bind_till(Partner.objects.create(slug=slug, name=slug), till)
            self._agree(slug, Terms(issue, redeem, wait), self.day)

    @property
    def at(self) -> dt.datetime:
        # no two writes at one moment: so a row tells whether a day was closed before or after it
        return START + dt.timedelta(hours=self.now, seconds=self.count)

    @property
    def day(self) -> dt.date:
        return self._day_of(self.at)

    @staticmethod
    def _day_of(moment: dt.datetime) -> dt.date:
        return (moment + dt.timedelta(hours=12)).date()  # Kamchatka

    def _agree(self, slug: str, terms: Terms, begins_on: dt.date) -> None:
        Contract.objects.create(
            partner=Partner.objects.get(slug=slug),
            begins_on=begins_on,
            agreed_at=self.at,
            currency="RUB",
            **vars(terms),
        )
        self.terms[slug].append((begins_on, terms.issue_price, terms.redeem_price))

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += hours

    @rule(slug=st.sampled_from("ab"), issue=ISSUE, redeem=REDEEM, wait=st.integers(0, 3))
    def another_contract(self, slug: str, issue: int, redeem: int, wait: int) -> None:
        tomorrow = self.day + dt.timedelta(days=1)
        if all(begins_on != tomorrow for begins_on, _issue, _redeem in self.terms[slug]):
            self._agree(slug, Terms(issue, redeem, wait), tomorrow)

    @rule(
        slug=st.sampled_from("abo"), who=st.sampled_from(PEOPLE), spent=st.just(0) | st.integers(1, 40),
        granted=st.just(0) | POINTS, late=st.just(0) | st.integers(1, 200), life=st.none() | st.integers(1, 60),
    )  # fmt: skip
    def sale(self, slug: str, who: str, spent: int, granted: int, late: int, life: int | None) -> None:
        customer, bought = self.customers[who], max(START, self.at - dt.timedelta(hours=late))
        moves = [spend(customer, spent)] if spent else []
        if granted:
            until = None if life is None else self.at + dt.timedelta(hours=life)
            moves.append(grant(customer, granted, available_at=self.at, expires_at=until))
        written = self._write(TILLS.get(slug, "till:3"), Kind.SALE, moves, happened_at=bought)
        if written is not None:
            issue, redeem = self._prices(slug, bought) if slug in TILLS else (0, 0)
            self.sold[written] = Sold(slug if slug in TILLS else None, who, issue, redeem, granted, spent)
            if (paid := self._owed_leg(written, amount__gt=0)) > 0:
                for root, points in self.debts.pay(customer, written, paid):
                    self.sold[root].issued -= points

    def _prices(self, slug: str, bought: dt.datetime) -> tuple[int, int]:
        """The dearest of the contracts from the purchase to three days before it was told."""
        first = max(one for one in self.terms[slug] if one[0] <= self._day_of(bought))
        found = [
            first,
            *(one for one in self.terms[slug] if one[0] > first[0] and self._midnight(one[0]) + LATE <= self.at),
        ]
        return max(issue for _begin, issue, _redeem in found), min(redeem for _begin, _issue, redeem in found)

    @staticmethod
    def _midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(hours=12)

    @staticmethod
    def _owed_leg(written: int, **sign: int) -> int:
        legs = Posting.objects.filter(transaction=written, account__isnull=False, lot=None, **sign)
        return legs.aggregate(sum=Sum("amount"))["sum"] or 0

    @rule(slug=st.sampled_from("ab"), who=st.sampled_from(PEOPLE))
    def he_spends_all_that_he_has(self, slug: str, who: str) -> None:
        """What comes back afterwards is owed."""
        found = balance_of(self.customers[who], self.unit, at=self.at)
        if found.available:
            self.sale(slug=slug, who=who, spent=found.available, granted=0, late=0, life=None)

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), given=st.integers(0, 20), taken=st.integers(0, 20), is_void=st.booleans())
    def goods_come_back(self, data: Any, given: int, taken: int, is_void: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.sold)))
        if is_void:
            self._comes_back(key)
        else:
            self._comes_back(key, given, taken)

    @rule(
        first=st.sampled_from("abo"), then=st.sampled_from("abo"), who=st.sampled_from(PEOPLE),
        granted=st.tuples(st.integers(1, 30), st.integers(1, 60)), parts=st.integers(1, 3),
    )  # fmt: skip
    def a_debt_is_paid_with_goods_that_come_back(
        self, first: str, then: str, who: str, granted: tuple[int, int], parts: int
    ) -> None:
        for slug, points in zip((first, then), granted, strict=True):
            before = set(self.sold)
            self.sale(slug=slug, who=who, spent=0, granted=points, late=0, life=None)
            self.he_spends_all_that_he_has(slug="b", who=who)
            for key in sorted(set(self.sold) - before):
                if self.sold[key].issued:
                    self._comes_back(key, 0, points // parts)

    def _comes_back(self, key: int, given: int | None = None, taken: int | None = None) -> None:
        sold = self.sold[key]
        given, taken = sold.redeemed if given is None else given, sold.issued if taken is None else taken
        moves = [give_back(given)] if given else []
        moves += [take_back(taken)] if taken else []
        written = self._write(TILLS.get(sold.partner or "", "till:3"), Kind.RETURN, moves, reverses=key)
        if written is not None:
            sold.redeemed -= given
            # what the ledger says was taken; what he owes is still out there
            void = Posting.objects.filter(transaction=written, book="void").aggregate(sum=Sum("amount"))["sum"] or 0
            owed = -self._owed_leg(written, amount__lt=0)
            again, own = self.debts.owe(self.customers[sold.who], key, owed)
            sold.issued -= void - own
            for root, points in again:
                self.sold[root].issued += points

    @rule(who=st.sampled_from(PEOPLE))
    def night(self, who: str) -> None:
        self._write("job:expiry", Kind.EXPIRY, [expire(self.customers[who])])

    @rule()
    def days_are_closed(self) -> None:
        self.count += 1
        close_days(at=self.at)
        for net in SettlementNet.objects.select_related("partner"):
            key = (net.day_id, net.partner and net.partner.slug)
            assert self.closed.setdefault(key, net.amount) == net.amount, "a closed day changed"

    @precondition(lambda self: self.closed)
    @rule(slug=st.sampled_from("ab"), back=st.integers(0, 3))
    def a_statement(self, slug: str, back: int) -> None:
        last = last_closed()
        assert last is not None
        try:
            made = make_statement(
                Partner.objects.get(slug=slug), last=last - dt.timedelta(days=back), by=None, at=self.at
            )
        except InputError:
            return  # an earlier one goes as far
        self.stored[made.pk] = made.lines

    @invariant()
    def the_nets_are_those_of_the_model(self) -> None:
        if not self.count:
            return
        judge_now()
        sums = dict(Settlement.objects.order_by().values_list("partner__slug").annotate(sum=Sum("amount")))
        for slug in TILLS:
            assert sums.get(slug, 0) == sum(one.owed for one in self.sold.values() if one.partner == slug)
        assert sum(one.issued for one in self.sold.values()) == self._out(), "points that are not paid for exactly once"
        for day in SettlementNet.objects.order_by().values_list("day").annotate(sum=Sum("amount")):
            assert day[1] == 0
        if not any(one.partner is None and one.issued for one in self.sold.values()):
            assert sum(sums.values()) >= 0, "the operator pays for points that nobody has paid for"

    def _out(self) -> int:
        """Points that somebody has, has bought for, or has lost: what was issued and did not come back."""
        gone = Posting.objects.filter(book__in=("redeemed", "expired")).aggregate(sum=Sum("amount"))["sum"] or 0
        return gone + (Lot.objects.aggregate(sum=Sum("remaining"))["sum"] or 0)

    def teardown(self) -> None:
        if not hasattr(self, "customers"):
            return
        try:
            assert faults() == []
            for one in Statement.objects.all():
                assert one.lines == self.stored[one.pk] == lines_of(one.partner, one.first, one.last)
                again = [[*line[:3], *line[4:]] for line in one.lines]
                assert again == rebuilt.lines(one.partner, one.first, one.last), "not what the ledger says"
                assert one.amount == sum(
                    amount for (day, slug), amount in self.closed.items()
                    if slug == one.partner.slug and one.first <= day <= one.last
                )  # fmt: skip
        finally:
            transaction.set_rollback(True)
            self.around.__exit__(None, None, None)

    def _write(self, till: str, kind: Kind, moves: list[dict[str, Any]], **more: Any) -> int | None:
        self.count += 1
        try:
            with transaction.atomic():
                document = Document(self.unit, kind, till, str(self.count), till, tuple(moves), **more)
                return write_one(document, at=self.at).transaction
        except Refused:
            return None


@pytest.mark.django_db
def test_the_nets_and_the_model_end_alike() -> None:
    run_state_machine_as_test(
        Trade,
        settings=settings(
            max_examples=50, stateful_step_count=40, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
