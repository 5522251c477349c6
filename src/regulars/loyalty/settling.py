"""Days are closed, statements are made of closed days, and both can be added up again from what was settled.

What is settled is written by the database together with the points, at the price of the contract; see
`0001_coalition.sql`. An amount is what the partner owes, below zero what it is owed.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, Sum

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.models import Contract, Partner, Settlement, SettlementDay, SettlementNet, Statement

ONE_DAY = dt.timedelta(days=1)


def close_days(*, at: dt.datetime) -> list[dt.date]:
    """Close every day that is over and open yet; which they were. Twice is the same as once."""
    yesterday = at.astimezone(Business.current().zone).date() - ONE_DAY
    first = Settlement.objects.filter(day=None).aggregate(at=Min("due_on"))["at"]
    last = last_closed()
    if last is None and first is None:
        return []
    day = last + ONE_DAY if last is not None else min(first or yesterday, yesterday)
    closed = []
    while day <= yesterday:
        if close_day(day, at=at):
            closed.append(day)
        day += ONE_DAY
    return closed


def close_day(day: dt.date, *, at: dt.datetime) -> bool:
    """Settle on this day all that is due by then; False when it, or a later one, is closed already."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_close_day(%s, %s)", [day, at])
        return bool(cursor.fetchone()[0])


def last_closed() -> dt.date | None:
    """The last day that is closed."""
    found: dt.date | None = SettlementDay.objects.aggregate(last=Max("day"))["last"]
    return found


@transaction.atomic
def make_statement(
    partner: Partner, *, last: dt.date, by: User | None, at: dt.datetime, address: str | None = None
) -> Statement:
    """What is to be paid for the days from the end of the last statement through this one."""
    held = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    before = held.statements.order_by("-number").first()
    begin = before.last + ONE_DAY if before else held.contracts.aggregate(first=Min("begins_on"))["first"]
    if begin is None:
        raise InputError(_("{partner} has no contract yet.").format(partner=held.name))
    if last < begin:
        raise InputError(
            _("The next statement begins on {day}: choose that day or a later one.").format(day=format_date(begin))
        )
    closed = last_closed()
    if closed is None or last > closed:
        raise InputError(
            _("{day} is not closed yet: a statement is made of closed days.").format(day=format_date(last))
        )
    lines = lines_of(held, begin, last)
    made = Statement.objects.create(
        partner=held, number=before.number + 1 if before else 1, first=begin, last=last, made_at=at, lines=lines,
        amount=sum(line[5] for line in lines),
    )  # fmt: skip
    log("statement_made", user=by, about=f"{held.name}, {made.number}", address=address)
    return made


def lines_of(partner: Partner, first: dt.date, last: dt.date) -> list[list[Any]]:
    """The lines of a statement of these days, added up again from what was settled on them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT loyalty_statement_lines(%s, %s, %s)", [partner.pk, first, last])
        found: list[list[Any]] = json.loads(cursor.fetchone()[0])
    return found


@dataclass(frozen=True)
class StatementLine:
    """One line for people."""

    contract: Contract
    kind: str
    is_back: bool
    count: int
    points: int
    amount: int

    @property
    def price(self) -> int:
        """Of 1,000 points."""
        return self.contract.redeem_price if self.kind == Settlement.Kind.REDEEMED else self.contract.issue_price

    @property
    def title(self) -> str:
        """What happened."""
        return what_happened(self.kind, is_back=self.is_back)


def what_happened(kind: str, *, is_back: bool) -> str:
    """For people: on statements, and in the file behind them."""
    return {
        ("issued", False): _("Points given"),
        ("issued", True): _("Points taken back with goods"),
        ("redeemed", False): _("Points taken"),
        ("redeemed", True): _("Points given back with goods"),
        ("owed", False): _("Points that members owe again"),
        ("owed", True): _("Points that members owed and have paid"),
    }[kind, is_back]


def read_lines(statement: Statement) -> list[StatementLine]:
    """Its lines with their contracts."""
    contracts = Contract.objects.in_bulk([line[0] for line in statement.lines])
    return [StatementLine(contracts[line[0]], *line[1:]) for line in statement.lines]


@dataclass(frozen=True)
class Settled:
    """One row of the details of a statement."""

    day: dt.date
    happened_at: dt.datetime
    till: str
    number: str
    kind: str
    points: int
    price: int
    amount: int


def details(partner: Partner, first: dt.date, last: dt.date) -> Iterator[Settled]:
    """All that was settled with it on these days, in their order. Nobody's name is among it.

    A debt that is paid or open again is told by the partner's own sale: where he paid it is not the partner's business.
    """
    rows = Settlement.objects.filter(partner=partner, day__gte=first, day__lte=last).order_by("day", "id")
    names = ("happened_at", "source", "number")
    written = [f"{of}__{name}" for of in ("posting__transaction", "root") for name in names]
    rest = ("day", "kind", "points", "contract__issue_price", "contract__redeem_price", "amount")
    for *told, day, kind, points, issue, redeem, amount in rows.values_list(*written, *rest).iterator():
        at, till, number = told[3:] if kind == Settlement.Kind.OWED else told[:3]
        price = redeem if kind == Settlement.Kind.REDEEMED else issue
        yield Settled(day, at, till, number, kind, points, price, amount)


@dataclass(frozen=True)
class Standing:
    """How it stands with a partner: of the month so far what is settled, and what waits to be settled."""

    settled: int
    waiting: int


def standing_of(partner: Partner, *, at: dt.datetime) -> Standing:
    """Of one."""
    settled = SettlementNet.objects.filter(partner=partner, day__gte=_month_of(at)).aggregate(sum=Sum("amount"))
    waiting = Settlement.objects.filter(partner=partner, day=None).aggregate(sum=Sum("amount"))
    return Standing(settled["sum"] or 0, waiting["sum"] or 0)


def _month_of(at: dt.datetime) -> dt.date:
    return at.astimezone(Business.current().zone).date().replace(day=1)


def standings(*, at: dt.datetime) -> dict[int | None, Standing]:
    """Of all partners by their keys; None is the operator, who has the opposite of them all."""
    # without their order: else it would be grouped by that too
    settled = dict(
        SettlementNet.objects.filter(day__gte=_month_of(at))
        .order_by()
        .values_list("partner")
        .annotate(sum=Sum("amount"))
    )
    waiting = dict(Settlement.objects.filter(day=None).order_by().values_list("partner").annotate(sum=Sum("amount")))
    found: dict[int | None, Standing] = {
        key: Standing(settled.get(key, 0), waiting.get(key, 0))
        for key in Partner.objects.values_list("pk", flat=True)
    }  # fmt: skip
    found[None] = Standing(settled.get(None, 0), -sum(waiting.values()))
    return found
