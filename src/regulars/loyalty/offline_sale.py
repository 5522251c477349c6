"""Writing a receipt that was sold without a line: the money is taken, so its sum is never refused.

Discounts are those of the till's snapshot, points and stamps those of the rules of the moment and of what is known of
the member. Whatever the till took otherwise is its own discount, earns nothing, and is looked at by people.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone

from regulars.core.i18n import gettext as _
from regulars.loyalty import members
from regulars.loyalty.alerts import key_of
from regulars.loyalty.holders import points_left
from regulars.loyalty.members import Segments
from regulars.loyalty.models import Account, Alert, Sale
from regulars.loyalty.programme.basket import Line
from regulars.loyalty.programme.judging import Judged, reward
from regulars.loyalty.programme.offline import Snapshot, as_paid, judge_by
from regulars.loyalty.programme.rules import Offline
from regulars.loyalty.programme.words import Words
from regulars.loyalty.selling import Case, Order, case_offline, check_earned, room_for, write_sale
from regulars.loyalty.watching import window


@dataclass(frozen=True)
class Told:
    """A receipt that is over: what was paid for it, of which `order.points` were points, by which snapshot.

    `as_member`: whether a card was shown, even if by now nobody is known by it.
    """

    order: Order
    number: str
    snapshot: str
    paid: int
    as_member: bool

    @property
    def at(self) -> dt.datetime:
        """The moment of the purchase, which every such receipt has."""
        assert self.order.purchased_at is not None
        return self.order.purchased_at


def lines_of(order: Order) -> list[Line]:
    """The goods as the till scanned them."""
    return [Line(one.product, one.category, one.quantity, one.price) for one in order.items]


def record(told: Told, snapshot: Snapshot, digest: bytes, *, segments: Segments) -> Sale:
    """Write it with its points, in the transaction of the caller; the member is held."""
    case = case_offline(told.order, told.number, at=told.at, segments=segments)
    caps, version = snapshot.version_at(told.at).rules.spending.offline, snapshot.version_at(told.at)
    judged = judge_by(
        snapshot, lines_of(told.order), at=told.at, has_card=told.as_member, channel=told.order.channel,
        points=_accepted(told, case, caps),
    )  # fmt: skip
    taken = as_paid(judged, told.paid)
    found = _rewarded(case, judged if told.paid > judged.to_pay else taken)
    if case.member is not None:
        check_earned(case, found, room_for(case))
    why = [*_differences(told, judged, case), *Words(version.rules).trace(judged)]
    if case.member is not None:
        why += Words(case.rules).trace(found)
    lines = tuple(replace(one, discounts=off.discounts) for one, off in zip(found.lines, taken.lines, strict=True))
    sale = write_sale(case, replace(found, lines=lines), why, told.number, digest)
    _note(told, judged, sale)
    return sale


def _rewarded(case: Case, judged: Judged) -> Judged:
    if case.member is not None:
        return reward(judged, case.basket, case.member, case.rules)
    lines = zip(judged.lines, case.basket.lines, strict=True)
    return replace(judged, lines=tuple(replace(one, line=line, points=()) for one, line in lines))


def _accepted(told: Told, case: Case, caps: Offline | None) -> int:
    """How many of the points that the till took are the member's to pay: within the caps, and what he has or may owe.

    The rest is what the shop gave away.
    """
    if case.customer is None or caps is None or not told.order.points:
        return 0
    if _before(case) >= caps.most_receipts:
        return 0
    # to a partner nobody owes: it is paid for every point that it takes, and would lend at the operator's risk
    members.allow_debt(case.customer.pk)
    account = Account.objects.filter(customer=case.customer, unit=members.points_unit())
    may_owe: int = 0 if case.partner else account.aggregate(sum=Sum(F("debt_limit") - F("debt")))["sum"] or 0
    limits = [room_for(case).redeem]
    if case.holder is not None:
        limits.append(points_left(case.holder, at=case.at, zone=case.basket.local.tzinfo or dt.UTC))
    has = members.points_of(case.customer).available + may_owe
    return min(told.order.points, caps.most_points, has, *(one for one in limits if one is not None))


def _before(case: Case) -> int:
    """On how many receipts of the day this till took points of his without a line."""
    begin, end = window("day", case.at, case.basket.local.tzinfo or dt.UTC)
    return Sale.objects.filter(
        customer=case.customer, till=case.order.till, is_offline=True, points_spent__gt=0, purchased_at__gte=begin,
        purchased_at__lt=end,
    ).count()  # fmt: skip


def _differences(told: Told, judged: Judged, case: Case) -> list[str]:
    gap, said = judged.to_pay - told.paid, Words(case.rules)
    if gap > 0:
        return [_("The till took {money} less than by its rules.").format(money=said.money(gap))]
    return [_("The till took {money} more than by its rules.").format(money=said.money(-gap))] if gap else []


def _note(told: Told, judged: Judged, sale: Sale) -> None:
    """Let people look at money and points that are not as the rules of the till say."""
    figures: dict[str, Any] = {"gap": judged.to_pay - told.paid, "points": told.order.points - judged.points_spent}
    if not any(figures.values()):
        return
    Alert.objects.create(
        key=key_of(Alert.Kind.OFFLINE, sale.till, sale.number), kind=Alert.Kind.OFFLINE, subject=sale.till,
        customer=sale.customer, sale=sale, begins_at=sale.purchased_at, figures=figures,
        found_at=timezone.now(),
    )  # fmt: skip
