"""What comes back of a sale: in parts, in any order, at any till, even before the sale itself is told.

Of each line comes back the share of its money and points that its returned quantity makes, rounded down as a whole:
after the last unit everything has come back, and what is back after some units does not depend on the order.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.services.moving import note_follower
from regulars.loyalty import codes, tiers
from regulars.loyalty.alerts import tell_forgiven
from regulars.loyalty.certificate_deals import give_back_to, hold_shares, split
from regulars.loyalty.ledger import Document, Kind, Written, give_back, take_back, write
from regulars.loyalty.members import allow_debt, hold_survivor, points_unit, stamps_unit
from regulars.loyalty.models import Sale, SaleLine, SaleReturn, Unit, WaitingReturn
from regulars.loyalty.partners import check_same_partner
from regulars.loyalty.programme.conditions import Scope
from regulars.loyalty.programme.effects import NthFree
from regulars.loyalty.programme.rules import Life
from regulars.loyalty.programmes import rules_of
from regulars.loyalty.telling import AHEAD, OLDEST, checked_moment, digest_of, hold_numbers, repeated, wholly
from regulars.purchases.keys import named_key
from regulars.purchases.models import Receipt
from regulars.purchases.writing import Bought, record_receipt

_SHOWN = 100


@dataclass(frozen=True)
class Coming:
    """What a till takes back: of which receipt of which till, and how much of which lines (by place, from 1).

    No lines: all that is left. `is_void`: the sale was a mistake and nothing of it counts.
    """

    till: str
    number: str
    sale_till: str
    sale_number: str
    lines: tuple[tuple[int, Decimal], ...] = ()
    returned_at: dt.datetime | None = None
    cashier: str = ""
    is_void: bool = False


def bring_back(coming: Coming) -> SaleReturn | WaitingReturn:
    """Write the return, once for each (till, number). One whose sale is not here yet waits for it; a void does not.

    What waits takes back only what was bought before it, so a number that was misread does no harm to a later sale.
    """
    digest = digest_of(coming)
    check_same_partner(coming.till, coming.sale_till)
    with transaction.atomic():
        # in one order, because the number of one may be that of the other's sale
        hold_numbers(sorted({(coming.sale_till, coming.sale_number), (coming.till, coming.number)}))
        if _is_told(coming) and (
            known := repeated(SaleReturn, coming.till, coming.number, digest)
            or repeated(WaitingReturn, coming.till, coming.number, digest)
        ):
            return known
        at = checked_moment(coming.returned_at, timezone.now())
        sale = (
            Sale.objects.select_related("programme", "receipt__store").defer("programme__rules")
            .filter(till=coming.sale_till, number=coming.sale_number).first()
        )  # fmt: skip
        if sale is not None:
            return _write(coming, sale, digest, at)
        if coming.is_void:
            raise InputError(_("This till has no receipt {number!r}.").format(number=coming.sale_number))
        return WaitingReturn.objects.create(
            till=coming.till, number=coming.number, digest=digest, sale_till=coming.sale_till,
            sale_number=coming.sale_number, wanted=_as_json(coming, at), came_at=timezone.now(),
        )  # fmt: skip


def _is_told(coming: Coming) -> bool:
    """Whether this till has told of a return with this number before."""
    named = [coming.till, coming.number]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM loyalty_salereturn WHERE till = %s AND number = %s) "
            "OR EXISTS (SELECT FROM loyalty_waitingreturn WHERE till = %s AND number = %s)",
            [*named, *named],
        )
        return bool(cursor.fetchone()[0])


def bring_waiting(sale: Sale) -> list[SaleReturn]:
    """The returns that came before the sale; those that cannot be done stay, with the reason."""
    done = []
    waiting = WaitingReturn.objects.filter(sale_till=sale.till, sale_number=sale.number)
    for one in waiting.exclude(wanted__has_key="refused").order_by("pk"):
        coming = _of_json(one)
        try:
            with transaction.atomic():
                _check_age(one, coming, sale)
                done.append(_write(coming, sale, bytes(one.digest), coming.returned_at or one.came_at))
                one.delete()
        except InputError as refused:
            one.wanted["refused"] = str(refused)
            one.save(update_fields=["wanted"])
    return done


def _check_age(one: WaitingReturn, coming: Coming, sale: Sale) -> None:
    if coming.returned_at is not None and coming.returned_at < sale.purchased_at - AHEAD:
        raise InputError(_("It was returned before the receipt of that number was sold."))
    if one.came_at < timezone.now() - OLDEST:
        raise InputError(_("It waited for its receipt for more than {days} days.").format(days=OLDEST.days))


def waiting_returns() -> list[WaitingReturn]:
    """Those that wait, and those that cannot be done, the newest first."""
    return list(WaitingReturn.objects.order_by("-pk")[:_SHOWN])


def share(whole: int, part: Decimal, quantity: Decimal) -> int:
    """What of a line's money or points belongs to so much of it, rounded down.

    >>> share(100, Decimal(1), Decimal(3)), share(100, Decimal(3), Decimal(3))
    (33, 100)
    """
    return int(whole * Fraction(part) / Fraction(quantity))


def _write(coming: Coming, sale: Sale, digest: bytes, at: dt.datetime) -> SaleReturn:
    # before everything else, as a merge does: neither waits for the other in a circle
    customer = None if sale.customer_id is None else hold_survivor(sale.customer_id)
    shares = hold_shares(sale)
    lines = list(sale.lines.select_for_update().order_by("position"))
    before = _Back.of(sale, lines)
    moved = _count(coming, lines)
    now = _Back.of(sale, lines).less(before)
    _note_returned([one for one in lines if one.position in moved])
    if customer is not None and now.earned:
        allow_debt(customer.pk)
    written = _write_points(coming, sale, now, at)
    done = written.points if written else {}
    parts = split(shares, now.money)
    to_certificates = sum(one.amount for one in parts)
    made = SaleReturn.objects.create(
        till=coming.till, number=coming.number, digest=digest, sale=sale,
        transaction_id=None if written is None else written.transaction,
        receipt=_write_receipt(coming, sale, customer, lines, moved, at), is_void=coming.is_void, returned_at=at,
        recorded_at=timezone.now(), lines=[[place, _text(quantity)] for place, quantity in moved.items()],
        refund=now.money - to_certificates, to_certificates=to_certificates, points_back=done.get("given_back", 0),
        points_taken=done.get("taken_back", 0) + done.get("owed", 0), points_forgiven=done.get("forgiven", 0),
    )  # fmt: skip
    give_back_to(parts, made)
    if customer is not None and made.points_forgiven:
        tell_forgiven(
            made.points_forgiven, customer, source=made.till, number=made.number, subject=made.till, sale=sale,
            came_at=made.returned_at, at=made.recorded_at,
        )  # fmt: skip
    if coming.is_void:
        codes.give_back(sale)
    if customer is not None:
        tiers.review([customer.pk], at=made.recorded_at, is_return=True)
    return made


def _note_returned(lines: Sequence[SaleLine]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE loyalty_saleline l SET returned = w.returned "
            "FROM unnest(%s::bigint[], %s::numeric[]) AS w (id, returned) WHERE l.id = w.id",
            [[one.pk for one in lines], [one.returned for one in lines]],
        )


@dataclass(frozen=True)
class _Back:
    """All that has come back of a sale so far; `stamps` are (taken, given back) for each of the sale's counters."""

    money: int
    spent: int
    earned: int
    stamps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, sale: Sale, lines: Sequence[SaleLine]) -> "_Back":
        """By what is returned of its lines."""
        by_points = sum(share(one.by_points, one.returned, one.quantity) for one in lines)
        return cls(
            money=sum(share(one.to_pay, one.returned, one.quantity) for one in lines),
            spent=sale.points_spent * by_points // sale.by_points if sale.by_points else 0,
            earned=sum(share(one.earned, one.returned, one.quantity) for one in lines),
            stamps=tuple(_stamps(sale, lines)),
        )

    def less(self, before: "_Back") -> "_Back":
        """What is new."""
        stamps = zip(self.stamps, before.stamps, strict=True)
        return _Back(
            self.money - before.money, self.spent - before.spent, self.earned - before.earned,
            tuple((new[0] - old[0], new[1] - old[1]) for new, old in stamps),
        )  # fmt: skip


def _stamps(sale: Sale, lines: Sequence[SaleLine]) -> Iterator[tuple[int, int]]:
    """By the units that each counter counted, and how many of them are back."""
    for counter, added, spent, _transaction in sale.stamps:
        assert sale.programme is not None
        scope = next(
            one.on for one in rules_of(sale.programme).discounts
            if isinstance(one.gives, NthFree) and one.gives.counter == counter
        )  # fmt: skip
        counted = [one for one in lines if _is_stamped(one, scope, rules_of(sale.programme).never_discounted)]
        units, back = sum(one.quantity for one in counted), sum(one.returned for one in counted)
        yield share(added, Decimal(back), Decimal(units)), share(spent, Decimal(back), Decimal(units))


def _is_stamped(line: SaleLine, scope: Scope, never: Scope | None) -> bool:
    """As the judge counts: goods by weight, free ones and those that are never discounted get no stamps."""
    is_in = scope.names(line.product, line.category) and not (never and never.names(line.product, line.category))
    return bool(is_in and line.price > 0 and line.quantity == int(line.quantity))


def _count(coming: Coming, lines: Sequence[SaleLine]) -> dict[int, Decimal]:
    """Write down on each line how much of it comes back; how much by place."""
    if coming.is_void and any(one.returned for one in lines):
        raise InputError(_("Some of this receipt came back already: return the rest instead of cancelling it."))
    left = {one.position: one.quantity - one.returned for one in lines}
    wanted = coming.lines or tuple((place, quantity) for place, quantity in left.items() if quantity)
    if not wanted:
        raise InputError(_("Everything of this receipt came back already."))
    if {place for place, _quantity in wanted} - left.keys() or len(dict(wanted)) < len(wanted):
        raise InputError(_("The receipt has lines from 1 to {last}; name each of them once.").format(last=len(lines)))
    for place, quantity in wanted:
        if not (quantity.is_finite() and 0 < quantity <= left[place]):
            raise InputError(
                _("Of line {place} {left} can come back, not {quantity}.").format(
                    place=place, left=_text(left[place]), quantity=_text(quantity)
                )
            )
    moved = dict(wanted)
    for line in lines:
        line.returned += moved.get(line.position, Decimal(0))
    return moved


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _write_points(coming: Coming, sale: Sale, now: _Back, at: dt.datetime) -> Written | None:
    """Points and stamps; what became of the points, when there was something to move."""
    moment, documents = timezone.now(), []
    life = rules_of(sale.programme).life if sale.programme else Life()
    late_until = moment + dt.timedelta(days=life.late_days) if life.late_days else None
    expires_at = moment + dt.timedelta(days=life.days) if life.days else None
    if moves := _moves(now.spent, now.earned, late_until, expires_at):
        documents.append(_document(points_unit(), coming, moves, sale.transaction_id, at))
    for (counter, _added, _spent, written), (taken, given) in zip(sale.stamps, now.stamps, strict=True):
        if stamps := _moves(given, taken):
            documents.append(_document(stamps_unit(counter), coming, stamps, written, at))
    done = wholly(write(documents, at=moment)) if documents else []
    return done[0] if moves else None


def _moves(
    spent: int, earned: int, late_until: dt.datetime | None = None, expires_at: dt.datetime | None = None
) -> tuple[dict[str, Any], ...]:
    # first back what he spent: what he earned is taken from what he has
    given = (give_back(spent, late_until=late_until, expires_at=expires_at),) if spent else ()
    return given + ((take_back(earned),) if earned else ())


def _document(
    unit: Unit, coming: Coming, moves: tuple[dict[str, Any], ...], reverses: int | None, at: dt.datetime
) -> Document:
    kind = Kind.VOID if coming.is_void else Kind.RETURN
    return Document(unit, kind, coming.till, coming.number, coming.till, moves, happened_at=at, reverses=reverses)


def _write_receipt(
    coming: Coming, sale: Sale, customer: Customer | None, lines: Sequence[SaleLine], moved: Mapping[int, Decimal],
    at: dt.datetime,
) -> Receipt:  # fmt: skip
    """The sale's receipt again with the sign turned, for what is back now."""
    sold = sale.receipt
    written = {one.position: one for one in sold.lines.select_related("product")}
    back = []
    for line in lines:
        if line.position not in moved:
            continue
        whole, before = written[line.position], line.returned - moved[line.position]
        part = {
            name: share(getattr(whole, name) or 0, line.returned, line.quantity)
            - share(getattr(whole, name) or 0, before, line.quantity)
            for name in ("amount", "discount", "cost")
        }
        back.append(
            Bought(
                code=line.product, name="", category=line.category, quantity=-float(moved[line.position]),
                amount=-part["amount"], discount=-part["discount"],
                cost=None if whole.cost is None else -part["cost"],
            )
        )  # fmt: skip
    receipt = record_receipt(
        key=named_key("till-return", f"{coming.till}\x1f{coming.number}"), number=coming.number,
        customer=customer, store=sold.store, cashier=coming.cashier, channel=sold.channel, at=at, lines=back,
        known={one.product.code: one.product.pk for one in written.values() if one.product},
    )  # fmt: skip
    if customer is not None:
        note_follower("purchases.Receipt.customer", sold.pk, receipt.pk, of=customer.pk)
    return receipt


def _as_json(coming: Coming, at: dt.datetime) -> dict[str, Any]:
    return {
        "lines": [[place, str(quantity)] for place, quantity in coming.lines], "returned_at": at.isoformat(),
        "cashier": coming.cashier, "is_void": coming.is_void,
    }  # fmt: skip


def _of_json(one: WaitingReturn) -> Coming:
    wanted = one.wanted
    return Coming(
        one.till, one.number, one.sale_till, one.sale_number,
        tuple((place, Decimal(quantity)) for place, quantity in wanted["lines"]),
        dt.datetime.fromisoformat(wanted["returned_at"]), wanted["cashier"], wanted["is_void"],
    )  # fmt: skip
