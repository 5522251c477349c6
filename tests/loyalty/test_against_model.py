"""Whatever tills, returns, holds and nights do in whatever order: the ledger ends as the simple model does."""

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
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

from regulars.customers.models import Customer
from regulars.loyalty.balances import Balance, balance_of, position
from regulars.loyalty.ledger import (
    Document,
    Kind,
    Refused,
    capture,
    expire,
    give_back,
    grant,
    hold,
    open_account,
    release,
    spend,
    take_back,
    write_one,
)
from regulars.loyalty.models import Lot, Unit
from regulars.loyalty.verifying import faults
from tests.loyalty.model import Model, No

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PEOPLE = ("anna", "boris")
POINTS = st.integers(1, 60)


class Story(RuleBasedStateMachine):
    """Both are told the same, hour by hour."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.count = 0, 0
        self.model = Model(debt_limit=25)
        self.written: dict[str, int] = {}
        self.past: list[tuple[int, dict[str, tuple[int, int, int, int]]]] = []
        self.around = transaction.atomic()

    @initialize()
    def begin(self) -> None:
        self.around.__enter__()
        self.unit = Unit.objects.create(slug="points", title="Points")
        self.customers = {name: Customer.objects.create(name=name).pk for name in PEOPLE}
        for key in self.customers.values():
            open_account(key, self.unit, at=START, debt_limit=self.model.debt_limit)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.past.append((self.now, {name: self.model.balance(name, self.now) for name in PEOPLE}))
        self.now += hours

    @rule(
        who=st.sampled_from(PEOPLE), spent=st.just(0) | st.integers(1, 30), granted=st.just(0) | POINTS,
        wait=st.just(0) | st.integers(0, 20), life=st.none() | st.integers(1, 60),
    )  # fmt: skip
    def sale(self, who: str, spent: int, granted: int, wait: int, life: int | None) -> None:
        name, available = self._name("sale"), self.now + wait
        expires = None if life is None else available + life
        movements = [spend(self.customers[who], spent)] if spent else []
        if granted:
            until = None if expires is None else self._at(expires)
            movements.append(grant(self.customers[who], granted, available_at=self._at(available), expires_at=until))
        self._both(
            lambda: self.model.sale(
                name, who, spend=spent, grant=granted, now=self.now, available=available, expires=expires
            ),
            lambda: self._write(name, Kind.SALE, *movements),
        )

    @precondition(lambda self: self.written)
    @rule(data=st.data(), points=POINTS, late=st.none() | st.integers(1, 30))
    def points_come_back(self, data: Any, points: int, late: int | None) -> None:
        of = data.draw(st.sampled_from(sorted(self.written)))
        until = None if late is None else self.now + late
        self._both(
            lambda: self.model.give_back(of, points, now=self.now, late_until=until),
            lambda: self._write(
                self._name("return"), Kind.RETURN, give_back(points, late_until=until and self._at(until)), of=of
            ),
        )

    @precondition(lambda self: self.written)
    @rule(data=st.data(), points=POINTS)
    def points_are_taken_back(self, data: Any, points: int) -> None:
        of = data.draw(st.sampled_from(sorted(self.written)))
        self._both(
            lambda: self.model.take_back(of, points, now=self.now),
            lambda: self._write(self._name("return"), Kind.RETURN, take_back(points), of=of),
        )

    @precondition(lambda self: self.written)
    @rule(data=st.data(), given=st.integers(1, 20), taken=st.integers(1, 20))
    def goods_come_back(self, data: Any, given: int, taken: int) -> None:
        """Both in one document: whole or not at all."""
        of = data.draw(st.sampled_from(sorted(self.written)))
        before = copy.deepcopy(self.model)

        def model() -> None:
            try:
                self.model.give_back(of, given, now=self.now, late_until=None)
                self.model.take_back(of, taken, now=self.now)
            except No:
                self.model = before
                raise

        self._both(
            model,
            lambda: self._write(self._name("return"), Kind.RETURN, give_back(given), take_back(taken), of=of),
        )

    @rule(who=st.sampled_from(PEOPLE))
    def night(self, who: str) -> None:
        self._both(
            lambda: self.model.expire(who, self.now),
            lambda: self._write(self._name("expiry"), Kind.EXPIRY, expire(self.customers[who])),
        )

    @rule(who=st.sampled_from(PEOPLE), points=POINTS)
    def points_are_held(self, who: str, points: int) -> None:
        key = self._name("hold")
        self._both(
            lambda: self.model.hold(key, who, points, self.now),
            lambda: hold(
                self.customers[who], self.unit, points, key=key, at=self._at(self.now), until=self._at(self.now + 5)
            ),
        )

    @precondition(lambda self: self.count)
    @rule(data=st.data(), is_paid=st.booleans(), points=st.none() | POINTS)
    def a_hold_ends(self, data: Any, is_paid: bool, points: int | None) -> None:
        key = data.draw(st.sampled_from([f"hold{number}" for number in range(1, self.count + 1)]))
        if is_paid:
            self._both(
                lambda: self.model.capture(key, points),
                lambda: self._write(self._name("capture"), Kind.CAPTURE, capture(key, points)),
            )
        else:
            self._both(lambda: self.model.release(key), lambda: release(key, at=self._at(self.now)))

    @invariant()
    def they_agree(self) -> None:
        if not self.count:
            return
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        for name, key in self.customers.items():
            assert balance_of(key, self.unit, at=self._at(self.now)) == Balance(*self.model.balance(name, self.now))
        assert self._lots() == sorted(
            (
                (self.customers[one.owner], self._at(one.available_at), one.expires_at and self._at(one.expires_at),
                 one.remaining, one.held)
                for one in self.model.lots
            ),
            key=str,
        )  # fmt: skip
        found = position(self.unit, at=self._at(self.now))
        books = {"issued": found.issued, "redeemed": found.redeemed, "expired": found.expired, "void": found.taken_back}
        assert books == self.model.books
        assert found.is_balanced

    def teardown(self) -> None:
        if not hasattr(self, "unit"):
            return
        try:
            assert faults() == []
            for then, balances in self.past:
                for name, known in balances.items():
                    assert balance_of(self.customers[name], self.unit, at=self._at(then)) == Balance(*known)
        finally:
            transaction.set_rollback(True)
            self.around.__exit__(None, None, None)

    def _lots(self) -> list[Any]:
        rows = Lot.objects.values_list("account__customer", "available_at", "expires_at", "remaining", "held")
        return sorted(rows, key=str)

    def _both(self, model: Callable[[], None], ledger: Callable[[], None]) -> None:
        refused = None
        try:
            model()
        except No as no:
            refused = str(no)
        try:
            ledger()
        except Refused as told:
            assert told.code == refused
        else:
            assert refused is None

    def _write(self, name: str, kind: Kind, *movements: dict[str, Any], of: str | None = None) -> None:
        reverses = None if of is None else self.written[of]
        made = write_one(
            Document(self.unit, kind, "till:1", name, "till:1", movements, reverses=reverses), at=self._at(self.now)
        )
        if kind is Kind.SALE:
            self.written[name] = made.transaction

    def _name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    @staticmethod
    def _at(hour: int) -> dt.datetime:
        return START + dt.timedelta(hours=hour)


@pytest.mark.django_db
def test_the_ledger_and_the_model_end_alike() -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
