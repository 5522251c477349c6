"""Whatever tills tell, twice, late or in the wrong order: the shop ends as the simple one does."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, F, Max, Min, Sum
from django.utils import timezone
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
from regulars.customers.services.merging import merge
from regulars.loyalty import expiring, members
from regulars.loyalty.balances import Balance, balance_of, position
from regulars.loyalty.models import Account, Posting, Sale, SaleLine, SaleReturn, WaitingReturn
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Order, OtherSum, commit, quote
from regulars.loyalty.telling import OtherTold
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Product, Receipt
from tests.loyalty.model import No
from tests.loyalty.selling_cases import enrolled, no_segments, open_shop, order
from tests.loyalty.shop_model import AFTER, LATE, LIFE, NOBODY, Item, Price, Shop, Terms

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
CARDS = {"anna": "1000000017", "boris": "1000000025", "vera": "1000000033"}
PEOPLE = st.sampled_from([*CARDS, *CARDS, NOBODY])
ITEMS = st.lists(
    st.tuples(st.sampled_from(["tea", "cup"]), st.integers(1, 5), st.integers(500, 90_000)), min_size=1, max_size=4
)
UNITS = st.dictionaries(st.integers(1, 4), st.integers(1, 4), max_size=3)
TO_COME = ("early1", "early2", "early3")
TERMS = st.just(Terms()) | st.builds(
    Terms, percent=st.sampled_from([0, 5, 33]), tea=st.sampled_from([0, 7, 50]), is_running=st.booleans(),
    is_payment=st.booleans(), worth=st.sampled_from([1, 37, 100]), most_share=st.sampled_from([0, 30, 100]),
    per=st.sampled_from([1, 99, 1_000]), cups=st.sampled_from([1, 3]), is_on_full=st.booleans(),
    is_on_points=st.booleans(),
)  # fmt: skip


def _rules(terms: Terms) -> dict[str, Any]:
    """The terms as rules; the order in which both discounts act is that of their names."""
    discounts = [
        {"id": "five", "gives": {"kind": "percent_off", "percent": terms.percent}},
        {"id": "tea", "gives": {"kind": "percent_off", "percent": terms.tea}, "on": {"products": ["tea"]}},
    ]
    points = [
        {"id": "base", "gives": {"kind": "points_per", "points": 1, "per": terms.per}},
        {"id": "cups", "gives": {"kind": "points_times", "times": terms.cups}, "on": {"products": ["cup"]}},
    ]
    return {
        "stacking": {"choose": "best_for_customer", "percent_of": "running" if terms.is_running else "original",
                     "thresholds": "original"},
        "accrual": {"basis": "before_discounts" if terms.is_on_full else "after_discounts",
                    "on_part_paid_with_points": terms.is_on_points},
        "spending": {"as": "payment" if terms.is_payment else "discount", "worth": terms.worth,
                     "most_share": terms.most_share},
        "life": {"days": LIFE // 24, "after_days": AFTER // 24, "late_days": LATE // 24, "most_debt": 10**6},
        "guard": {"unknown_cost": "allow"},
        "rules": [one for one in discounts if one["gives"]["percent"]] + points[: 1 + (terms.cups > 1)],
    }  # fmt: skip


class Story(RuleBasedStateMachine):
    """Both are told the same, hour by hour."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.steps, self.count, self.shop = 0, 0, 0, Shop()
        self.told: dict[str, tuple[Order, int, Sale]] = {}
        self.returned: dict[str, Coming] = {}
        self.past: list[tuple[dt.datetime, dict[str, tuple[int, int, int, int]]]] = []
        self.around, self.clock = transaction.atomic(), pytest.MonkeyPatch()

    @initialize(terms=TERMS)
    def begin(self, terms: Terms) -> None:
        self.shop.terms = terms
        self.around.__enter__()
        self.clock.setattr(timezone, "now", self._moment)
        open_shop(**_rules(terms))
        # the guard of the margin is proved elsewhere
        Product.objects.update(cost=None)
        self.people = {name: enrolled(card, name.title()) for name, card in CARDS.items()}
        Account.objects.update(debt_limit=10**6)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.past.append((self._moment(), {name: self._has(name) for name in CARDS}))
        self.now, self.steps = self.now + hours, self.steps + 1

    @rule(who=PEOPLE, items=ITEMS, wish=st.just(0) | st.integers(1, 90), late=st.just(0) | st.integers(1, 40),
          number=st.none() | st.sampled_from(TO_COME))  # fmt: skip
    def sale(self, who: str, items: list[Item], wish: int, late: int, number: str | None) -> None:
        number = number if number and number not in self.told else self._name("s")
        asked, wish = self._order(who, items, wish, late)
        price = self.shop.price(who, items, wish, self.now)
        found = quote(asked, segments=no_segments)
        judged = found.judged
        assert (judged.discount, judged.points_spent, judged.to_pay) == (price.discount, price.points, price.to_pay)
        with pytest.raises(OtherSum):
            commit(asked, number, to_pay=price.to_pay + 1, segments=no_segments)
        made = commit(asked, number, to_pay=price.to_pay, segments=no_segments)
        self.shop.sell(number, who, price, bought=self.now - late, now=self.now)
        self._same_lines(made, price)
        self.told[number] = asked, price.to_pay, made

    def _order(self, who: str, items: list[Item], wish: int, late: int) -> tuple[Order, int]:
        wish = wish if who else 0
        moment = self._at(self.now - late) if late else None
        return order(*items, card=CARDS.get(who, ""), points=wish, purchased_at=moment), wish

    @staticmethod
    def _same_lines(made: Sale, price: Price) -> None:
        lines = made.lines.order_by("position").values_list("by_points", "earned", "price", "discount")
        found = [(by_points, earned, full - off - by_points) for by_points, earned, full, off in lines]
        assert found == [(one.by_points, one.earned, one.to_pay) for one in price.lines]
        assert (made.points_earned, made.discount) == (price.earned, price.discount)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def the_same_receipt_is_told_again(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.told)))
        asked, to_pay, made = self.told[number]
        assert commit(asked, number, to_pay=to_pay, segments=no_segments) == made
        with pytest.raises(OtherTold):
            commit(asked, number, to_pay=to_pay + 1, segments=no_segments)

    @precondition(lambda self: self.told)
    @rule(data=st.data(), units=UNITS, is_void=st.sampled_from([False, False, True]))
    def goods_come_back(self, data: Any, units: dict[int, int], is_void: bool) -> None:
        of = data.draw(st.sampled_from(sorted(self.told)))
        coming = self._coming(of, {} if is_void else units, is_void)
        try:
            wanted = self.shop.bring_back(of, dict(coming_units(coming)), now=self.now, is_void=is_void)
        except No:
            with pytest.raises(InputError):
                bring_back(coming)
            return
        made = bring_back(coming)
        assert isinstance(made, SaleReturn)
        assert (made.refund, made.points_back, made.points_taken) == wanted
        self.returned[coming.number] = coming

    @rule(of=st.sampled_from(TO_COME), units=UNITS)
    def goods_come_back_before_their_receipt(self, of: str, units: dict[int, int]) -> None:
        if of in self.told:
            return
        coming = self._coming(of, units)
        assert isinstance(bring_back(coming), WaitingReturn)
        self.shop.waiting.setdefault(of, []).append((self.now, units))
        with pytest.raises(InputError):
            bring_back(self._coming(of, {}, is_void=True))

    @precondition(lambda self: self.returned)
    @rule(data=st.data())
    def the_same_return_is_told_again(self, data: Any) -> None:
        coming = self.returned[data.draw(st.sampled_from(sorted(self.returned)))]
        made = bring_back(coming)
        assert isinstance(made, SaleReturn) and made.number == coming.number

    def _coming(self, of: str, units: dict[int, int], is_void: bool = False) -> Coming:
        lines = tuple((place, Decimal(count)) for place, count in units.items())
        return Coming("till:1", self._name("r"), "till:1", of, lines, is_void=is_void)

    @rule()
    def night(self) -> None:
        assert expiring.expire_points(self._moment()) == self.shop.night(self.now)

    @rule(kept=st.sampled_from([*CARDS]), gone=st.sampled_from([*CARDS]))
    def two_are_one(self, kept: str, gone: str) -> None:
        try:
            self.shop.merge(kept, gone)
        except No:
            return
        # whoever was merged himself has given all to somebody already
        self.people = {name: Customer.objects.get(pk=one.pk) for name, one in self.people.items()}
        merge(*(self._survivor(self.people[name]) for name in (kept, gone)), by=None)

    @staticmethod
    def _survivor(customer: Customer) -> Customer:
        while customer.merged_into is not None:
            customer = customer.merged_into
        return customer

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "people"):
            return
        unit, at = members.points_unit(), self._moment()
        for name, one in self.people.items():
            wanted = self._has(name) if self.shop.who(name) == name else (0, 0, 0, 0)
            assert balance_of(one.pk, unit, at=at) == Balance(*wanted)
        found = position(unit, at=at)
        books = {"issued": found.issued, "redeemed": found.redeemed, "expired": found.expired, "void": found.taken_back}
        assert books == self.shop.points.books
        assert found.is_balanced

    @invariant()
    def no_more_comes_back_than_was_sold(self) -> None:
        if not self.told:
            return
        assert not SaleLine.objects.filter(returned__gt=F("quantity")).exists()
        sums = (
            Sum("returns__refund", default=0),
            Sum("returns__points_back", default=0),
            Sum("returns__points_taken", default=0),
        )
        for number, *back in Sale.objects.values_list("number", *sums):
            one = self.shop.receipts[number]
            assert back == [one.refund, one.points_back, one.points_taken]
            assert (back[0] <= one.price.to_pay, back[1] <= one.price.points, back[2] <= one.price.earned) == (
                True,
            ) * 3

    def teardown(self) -> None:
        try:
            if hasattr(self, "people"):
                self._look_back()
        finally:
            self.clock.undo()
            if hasattr(self, "people"):
                transaction.set_rollback(True)
                self.around.__exit__(None, None, None)

    def _look_back(self) -> None:
        assert faults() == []
        in_order = (
            Posting.objects.filter(account__isnull=False)
            .values("account")
            .annotate(Count("pk"), Min("seq"), Max("seq"))
        )
        assert all((one["seq__min"], one["seq__max"]) == (1, one["pk__count"]) for one in in_order)
        assert (Receipt.objects.aggregate(sum=Sum("amount"))["sum"] or 0) == self.shop.kept()
        assert (Sale.objects.aggregate(sum=Sum("discount"))["sum"] or 0) == sum(
            one.price.discount for one in self.shop.receipts.values()
        )
        self._past_is_as_it_was()

    def _past_is_as_it_was(self) -> None:
        """What they had together: a merge asks for all accounts that are his today."""
        for then, balances in self.past:
            found = position(members.points_unit(), at=then)
            assert found.outstanding == Balance(*map(sum, zip(*balances.values(), strict=True)))
            assert found.is_balanced

    def _has(self, name: str) -> tuple[int, int, int, int]:
        return self.shop.points.balance(name, self.now)

    def _name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    def _moment(self) -> dt.datetime:
        """Now, a second later for each step: what takes a part of a second is over when the same hour comes round."""
        return self._at(self.now) + dt.timedelta(seconds=self.steps)

    @staticmethod
    def _at(hour: int) -> dt.datetime:
        return START + dt.timedelta(hours=hour)


def coming_units(coming: Coming) -> list[tuple[int, int]]:
    """Of which lines how many."""
    return [(place, int(quantity)) for place, quantity in coming.lines]


def _told(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )  # fmt: skip


@pytest.mark.django_db
def test_the_shop_and_the_simple_one_end_alike() -> None:
    _told(examples=15, steps=30)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.django_db
def test_the_shop_and_the_simple_one_end_alike_after_many_stories() -> None:
    _told(examples=300, steps=60)
