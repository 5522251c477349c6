"""Selling at a till: a quote, and the commit that writes points, stamps and the receipt in one transaction.

The till tells what is bought, at which prices, and by whom. Discounts, points and costs are found here: whatever
a till says of them is compared, never believed.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.loyalty import members, tiers
from regulars.loyalty.balances import Balance
from regulars.loyalty.certificate_deals import Payment, payers, payments, spend_certificates
from regulars.loyalty.codes import Said, look_up, use
from regulars.loyalty.holders import check_holder, holder_of, note_holder
from regulars.loyalty.ledger import Document, Kind, grant, open_account, spend, write
from regulars.loyalty.members import Segments
from regulars.loyalty.models import CardHolder, Certificate, Partner, Programme, Sale, SaleLine
from regulars.loyalty.partners import Room, partner_at, room_of, store_of
from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programme.judging import Judged, JudgedLine, judge
from regulars.loyalty.programme.margin import floor_of
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.returning import bring_waiting
from regulars.loyalty.telling import NotNow, checked_moment, digest_of, hold_number, repeated, wholly
from regulars.loyalty.watching import Beyond, Deed, check_limits, note_refusal
from regulars.purchases.keys import named_key
from regulars.purchases.models import Product, Store
from regulars.purchases.writing import Bought, record_receipt


class OtherSum(NotNow):
    """It costs another sum by now, or certificates pay another part of it; `quote` has it."""

    def __init__(self, quote: "Quote", told: int, in_money: int) -> None:
        if (now := quote.judged.to_pay) != told:
            said = _("This costs {now} minor units, not {told}: show the new sum and commit again.")
        else:
            said = _("Of this {now} minor units are left to pay in money, not {told}: show it and commit again.")
            now, told = quote.in_money, in_money
        super().__init__(said.format(now=now, told=told))
        self.quote = quote


@dataclass(frozen=True)
class Item:
    """One line as the till has it: `price` is that of the whole line before discounts, in minor units."""

    product: str
    quantity: Decimal
    price: int
    name: str = ""
    category: str = ""


@dataclass(frozen=True)
class Order:
    """What somebody is about to buy, and how he is recognised; `till` is the key that asks, never what it says."""

    till: str
    store: str
    items: tuple[Item, ...]
    purchased_at: dt.datetime | None = None
    channel: str = ""
    cashier: str = ""
    card: str = ""
    phone: str = ""
    promo_codes: frozenset[str] = frozenset()
    points: int = 0
    certificates: tuple[str, ...] = ()

    @property
    def has_member(self) -> bool:
        """Whether somebody was named."""
        return bool(self.card or self.phone)


@dataclass(frozen=True)
class Quote:
    """What it costs him, and why. `most_points`: how many he could spend on it. Nothing is written yet."""

    judged: Judged
    why: tuple[str, ...]
    balance: Balance | None
    most_points: int
    payments: tuple[Payment, ...] = ()

    @property
    def by_certificates(self) -> int:
        """What certificates pay of it."""
        return sum(one.pays for one in self.payments)

    @property
    def in_money(self) -> int:
        """What is left to pay."""
        return self.judged.to_pay - self.by_certificates


@dataclass(frozen=True)
class Case:
    """An order with all that it is judged by. `is_offline`: money and points were taken before anybody was asked."""

    order: Order
    at: dt.datetime
    store: Store
    partner: Partner | None
    customer: Customer | None
    programme: Programme
    rules: RuleSet
    basket: Basket
    products: dict[str, int]  # ids of known goods by their codes
    member: Member | None
    said: Said
    certificates: tuple[Certificate, ...]
    holder: CardHolder | None
    is_offline: bool = False


def quote(order: Order, *, segments: Segments) -> Quote:
    """What the till shows before anybody pays."""
    case = _case(order, segments=segments)
    quoted = _quoted(case)
    _check(case, quoted)
    return quoted


def commit(order: Order, number: str, *, to_pay: int, segments: Segments, in_money: int | None = None) -> Sale:
    """Write the receipt, once for each (till, number); the same request again gives the same sale.

    `in_money` is what certificates leave to pay; all of it when left out. Raises `NotNow` when either is another sum
    by now, when it passes a limit of the rules, or when the number has another receipt.
    """
    try:
        return _commit(order, number, to_pay, in_money, segments)
    except Beyond as refused:
        note_refusal(refused.alert)
        raise


def _commit(order: Order, number: str, to_pay: int, in_money: int | None, segments: Segments) -> Sale:
    digest = digest_of(order, number, to_pay, *([] if in_money is None else [in_money]))
    in_money = to_pay if in_money is None else in_money
    with transaction.atomic():
        hold_number(order.till, number)
        if known := repeated(Sale, order.till, number, digest):
            return known
        case = _case(order, segments=segments, hold=True)
        quoted = _quoted(case)
        if (quoted.judged.to_pay, quoted.in_money) != (to_pay, in_money):
            raise OtherSum(quoted, to_pay, in_money)
        _check(case, quoted, hold=True)
        return write_sale(case, quoted.judged, quoted.why, number, digest, paid=quoted.payments)


def case_offline(order: Order, *, at: dt.datetime, segments: Segments) -> Case:
    """What was sold without a line at this moment, which was looked at when it was told; the member is held."""
    return replace(_case(order, at=at, segments=segments, hold=True), is_offline=True)


def _case(order: Order, *, segments: Segments, hold: bool = False, at: dt.datetime | None = None) -> Case:
    # points that are spent now are spent by a card that is good now; of what is over the moment counts
    card_at = at
    if at is None:
        at = checked_moment(order.purchased_at, timezone.now())
        card_at = None if order.points else at
    valid = valid_at(at)
    if valid is None:
        raise InputError(_("No programme was valid at {moment}: publish one first.").format(moment=at.isoformat()))
    programme, rules = valid
    partner, business = partner_at(order.till), Business.current()
    store = store_of(order.store, partner, make=hold)
    zone = store.time_zone or business.time_zone
    goods = {one.code: one for one in Product.objects.filter(code__in={item.product for item in order.items})}
    basket = Basket(
        store=store.name, store_zone=zone, channel=order.channel, purchased_at=at,
        lines=tuple(_line(item, goods.get(item.product), is_own=partner is None) for item in order.items),
        partner=partner.slug if partner else "",
    )  # fmt: skip
    customer = members.find(card=order.card, phone=order.phone, at=card_at) if order.has_member else None
    known = None
    if customer is not None:
        if hold:
            customer = members.hold_member(customer)
        known = members.known(customer, rules, at=at, zone=basket.local.tzinfo or dt.UTC, segments=segments)
    holder = holder_of(customer, order.card) if customer else None
    certificates = payers(order.certificates, partner, hold=hold)
    said = look_up(order.promo_codes, customer, basket.day, hold=hold)
    basket = replace(basket, promo_codes=said.names)
    products = {code: one.pk for code, one in goods.items()}
    return Case(
        order, at, store, partner, customer, programme, rules, basket, products, known, said, certificates, holder
    )


def _line(item: Item, product: Product | None, *, is_own: bool) -> Line:
    """With what the shop knows of its goods: a till could call anything by the category that is cheaper.

    At a partner's till the goods of the same code cost what they cost there: how far a price falls would tell a
    competitor what the operator pays.
    """
    line = Line(
        product=item.product, category=(product.category if product else "") or item.category,
        quantity=item.quantity, price=item.price,
    )  # fmt: skip
    if product is None or not is_own:
        return line
    cost = None if product.cost is None else product.cost * Fraction(item.quantity)
    return replace(line, cost=cost, price_raised_on=product.price_raised_on)


def _quoted(case: Case) -> Quote:
    quoted = _judged(case)
    return replace(quoted, payments=payments(case.certificates, quoted.judged.to_pay))


def _judged(case: Case) -> Quote:
    if case.customer is None:
        judged = judge(case.basket, None, case.rules)
        return Quote(judged, (*case.said.refused, *Words(case.rules).trace(judged)), None, 0)
    balance = members.points_of(case.customer)
    room = room_for(case)
    # nobody spends what he has not, nor more than the partner may take: the rest is money
    usable = balance.available if room.redeem is None else min(balance.available, room.redeem)
    judged = judge(case.basket, case.member, case.rules, min(case.order.points, usable))
    check_earned(case, judged, room)
    most = judge(case.basket, case.member, case.rules, usable).points_spent if usable else 0
    return Quote(judged, (*case.said.refused, *Words(case.rules).trace(judged)), balance, most)


def room_for(case: Case) -> Room:
    """How many points may be given and taken at this till."""
    return Room() if case.partner is None else room_of(case.partner, bought_at=case.at, now=timezone.now())


def check_earned(case: Case, judged: Judged, room: Room) -> None:
    """Raise when the receipt gives more points than can be, or than the partner may give."""
    if judged.earned > MOST_POINTS:
        raise InputError(
            _("This receipt would earn {points} points: the rules give too many. Publish others.").format(
                points=judged.earned
            )
        )
    if room.issue is not None and judged.earned > room.issue:
        raise NotNow(
            _(
                "By its contract {partner} may give {left} more points now, and this receipt earns {points}. Sell "
                "without the card, or agree on a higher limit."
            ).format(partner=case.partner, left=room.issue, points=judged.earned)
        )


def _check(case: Case, quoted: Quote, *, hold: bool = False) -> None:
    """Raise when the receipt passes a limit that refuses."""
    judged = quoted.judged
    deed = Deed(
        case.order.till, case.order.cashier, case.store.pk, case.customer.pk if case.customer else None, case.at,
        receipts=1, earned=judged.earned if case.customer else 0, spent=judged.points_spent,
    )  # fmt: skip
    zone = case.basket.local.tzinfo or dt.UTC
    check_limits(deed, case.rules.watch, zone, hold=hold)
    if case.holder is not None:
        check_holder(case.holder, at=case.at, zone=zone, to_pay=judged.to_pay, points=judged.points_spent)


def write_sale(
    case: Case, judged: Judged, why: Sequence[str], number: str, digest: bytes, *, paid: Sequence[Payment] = ()
) -> Sale:
    """The receipt with its points and stamps, and all that follows from it, in the transaction of the caller."""
    sale = _write(case, judged, why, number, digest, paid)
    if case.customer is not None and case.rules.tiers is not None:
        tiers.review([case.customer.pk], at=sale.recorded_at)
    if bring_waiting(sale) and case.customer is not None:
        sale.balance = members.points_of(case.customer).available
        sale.save(update_fields=["balance"])
    return sale


def _write(case: Case, judged: Judged, why: Sequence[str], number: str, digest: bytes, paid: Sequence[Payment]) -> Sale:
    order, now = case.order, timezone.now()
    moved, stamps = _write_points(case, judged, number, now) if case.customer else (None, [])
    receipt = record_receipt(
        key=named_key("till", f"{order.till}\x1f{number}"), number=number, customer=case.customer, store=case.store,
        cashier=order.cashier, channel=order.channel, at=case.at, lines=list(_bought(case, judged)),
        known=case.products,
    )  # fmt: skip
    sale = Sale.objects.create(
        till=order.till, number=number, digest=digest, customer=case.customer, programme=case.programme,
        transaction_id=moved, receipt=receipt, store=case.store, cashier=order.cashier,
        purchased_at=case.at, recorded_at=now,
        price=sum(one.line.price for one in judged.lines), discount=judged.discount, by_points=judged.by_points,
        by_certificates=sum(one.pays for one in paid),
        points_spent=judged.points_spent, points_earned=judged.earned if case.customer else 0,
        points_as=judged.points_as, stamps=stamps, why=list(why), is_offline=case.is_offline,
        balance=None if case.customer is None else members.points_of(case.customer).available,
    )  # fmt: skip
    SaleLine.objects.bulk_create(_sale_lines(case, judged, sale))
    spend_certificates(paid, sale)
    note_holder(case.holder, sale)
    if case.said.codes:
        use(case.said, judged, case.rules, sale)
    announce(Event.RECEIPTS_RECORDED, {"receipts": 1, "sale": sale.pk})
    return sale


def _write_points(case: Case, judged: Judged, number: str, now: dt.datetime) -> tuple[int | None, list[Any]]:
    """Everything that the ledger is told of this receipt; the ids of what it wrote."""
    assert case.customer is not None
    customer, life, till = case.customer.pk, case.rules.life, case.order.till
    owe = case.is_offline and case.partner is None
    movements = [spend(customer, judged.points_spent, owe=owe)] if judged.points_spent else []
    if judged.earned:
        # from the purchase, not from now: a till that tells of it later leaves the same points
        usable = case.at + dt.timedelta(days=life.after_days)
        movements.append(grant(customer, judged.earned, available_at=usable, expires_at=expiry(usable, life.days)))
    documents, counters = [], []
    if movements:
        documents.append(
            Document(members.points_unit(), Kind.SALE, till, number, till, tuple(movements), happened_at=case.at)
        )
    for one in judged.stamps:
        if one.added or one.spent:
            unit = members.stamps_unit(one.counter)
            open_account(customer, unit, at=now)
            # added first: the sixth cup of this very receipt may be the free one
            moves = [
                *([grant(customer, one.added)] if one.added else []),
                *([spend(customer, one.spent)] if one.spent else []),
            ]
            documents.append(Document(unit, Kind.SALE, till, number, till, tuple(moves), happened_at=case.at))
            counters.append(one)
    written = wholly(write(documents, at=now)) if documents else []
    ids = [one.transaction for one in written]
    first = ids.pop(0) if movements else None
    return first, [[one.counter, one.added, one.spent, key] for one, key in zip(counters, ids, strict=True)]


def expiry(usable: dt.datetime, days: int | None) -> dt.datetime | None:
    """Until when points live that can be spent from this moment."""
    return None if days is None else usable + dt.timedelta(days=days)


def _lowered(one: JudgedLine, judged: Judged) -> int:
    """What is off the price: points lower it, or are a way of paying it."""
    return one.discount + (one.by_points if judged.points_as == "discount" else 0)


def _bought(case: Case, judged: Judged) -> Iterator[Bought]:
    """As the analyses know a purchase."""
    for item, one in zip(case.order.items, judged.lines, strict=True):
        off = _lowered(one, judged)
        yield Bought(
            code=item.product, name=item.name, category=item.category, quantity=float(item.quantity),
            amount=one.line.price - off, discount=off, cost=_whole(one.line.cost),
        )  # fmt: skip


def _whole(cost: int | Fraction | None) -> int | None:
    return None if cost is None else round(cost)


def _sale_lines(case: Case, judged: Judged, sale: Sale) -> Iterator[SaleLine]:
    guard = case.rules.guard
    for position, one in enumerate(judged.lines, start=1):
        yield SaleLine(
            sale=sale, position=position, product=one.line.product, category=one.line.category,
            quantity=one.line.quantity, price=one.line.price, cost=_whole(one.line.cost),
            # what was sold without a line may have been sold for anything
            floor=None if guard is None or case.is_offline else floor_of(one.line, guard),
            discount=one.discount, by_points=one.by_points, lowered=_lowered(one, judged),
            earned=one.earned if case.customer else 0,
        )  # fmt: skip
