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

from django.db import connection, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty import members, tiers, till_codes
from regulars.loyalty.balances import Balance
from regulars.loyalty.certificate_deals import Payment, payers, payments, spend_certificates
from regulars.loyalty.clocks import note_late
from regulars.loyalty.codes import Said, look_up, use
from regulars.loyalty.facts import Asked, Facts, Goods, facts_of
from regulars.loyalty.holders import check_company, check_holder, holder_of, note_holder
from regulars.loyalty.ledger import Document, Kind, capture, grant, open_account, release, spend
from regulars.loyalty.members import NoMember, Segments, Shown
from regulars.loyalty.models import CardHolder, Certificate, Hold, Partner, Sale, Unit
from regulars.loyalty.order_holds import hold_for
from regulars.loyalty.partners import Room, check_store, room_of, store_of
from regulars.loyalty.programme.basket import MOST_QUANTITY, Basket, Line, Member
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programme.judging import Judged, JudgedLine, judge
from regulars.loyalty.programme.margin import floor_of, floor_of_receipt, is_in_receipt
from regulars.loyalty.programme.rules import Guard, RuleSet
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import rules_of_version
from regulars.loyalty.recording import Draft, record
from regulars.loyalty.returning import bring_waiting
from regulars.loyalty.telling import NotNow, checked_moment, digest_of, repeated
from regulars.loyalty.watching import Beyond, Deed, check_limits, note_refusal
from regulars.purchases.keys import named_key
from regulars.purchases.models import Store
from regulars.purchases.writing import Bought, draft_receipt, seller_named


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
    code: str = ""  # of his own page
    hold: str = ""  # the number of the order for which points are set aside

    @property
    def has_member(self) -> bool:
        """Whether somebody was named."""
        return bool(self.card or self.phone or self.code)

    @property
    def shown(self) -> Shown:
        """By what he is recognised."""
        return Shown(self.card, self.phone, self.code)


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
class Paid:
    """A receipt that was paid: its number at the till, what it cost, and what of it certificates left to pay.

    `in_money` may be left out when it is all of it. `has_clock`: the till said what its clock shows, and it was right.
    """

    order: Order
    number: str
    to_pay: int
    in_money: int | None = None
    has_clock: bool = True

    @property
    def digest(self) -> bytes:
        """By which a repetition is known."""
        return digest_of(self.order, self.number, self.to_pay, *([] if self.in_money is None else [self.in_money]))


@dataclass(frozen=True)
class Case:
    """An order with all that it is judged by. `is_offline`: money and points were taken before anybody was asked."""

    order: Order
    at: dt.datetime
    facts: Facts
    store: Store
    partner: Partner | None
    customer: Customer | None
    programme: int
    rules: RuleSet
    basket: Basket
    member: Member | None
    said: Said
    certificates: tuple[Certificate, ...]
    holder: CardHolder | None
    held: Hold | None = None
    is_offline: bool = False


def quote(order: Order, *, segments: Segments) -> Quote:
    """What the till shows before anybody pays. A code is this till's from now on."""
    if order.code:
        members.find(code=order.code, till=order.till)
    (facts,) = facts_of([asked_of(order, "")], at=timezone.now(), hold=False)
    case = case_of(order, facts, segments=segments)
    quoted = quoted_for(case)
    _check(case, quoted)
    return quoted


def is_sold(till: str, number: str) -> bool:
    """Whether this till has written a receipt with the number."""
    return Sale.objects.filter(till=till, number=number).exists()


def commit(
    order: Order, number: str, *, to_pay: int, segments: Segments, in_money: int | None = None, has_clock: bool = True
) -> Sale:
    """Write the receipt, once for each (till, number); the same request again gives the same sale.

    `in_money` is what certificates leave to pay; all of it when left out. Raises `NotNow` when either is another sum
    by now, when it passes a limit of the rules, or when the number has another receipt.
    """
    try:
        return _commit(Paid(order, number, to_pay, in_money, has_clock), segments)
    except Beyond as refused:
        note_refusal(refused.alert)
        raise


def _commit(paid: Paid, segments: Segments) -> Sale:
    with transaction.atomic():
        (facts,) = facts_of([asked_of(paid.order, paid.number)], at=timezone.now(), hold=True)
        if known := known_sale(paid, facts):
            return known
        case = case_of(paid.order, facts, segments=segments, hold=True)
        quoted = agreed(paid, case, hold=True)
        (sale,) = write_sales([(paid, case, quoted)])
        follow(case, sale)
        if not paid.has_clock:
            note_late([sale])
        return sale


def case_offline(order: Order, number: str, *, at: dt.datetime, segments: Segments) -> Case:
    """What was sold without a line at this moment, which was looked at when it was told; the member is held."""
    # of what is over the moment counts, for the card too
    asked = replace(asked_of(order, number), at=at, card_at=at)
    (facts,) = facts_of([asked], at=timezone.now(), hold=True)
    return replace(case_of(order, facts, segments=segments, hold=True, at=at), is_offline=True)


def asked_of(order: Order, number: str) -> Asked:
    """What has to be known to judge it. Raises `InputError` when nobody could have such a card or phone."""
    return Asked(
        till=order.till, number=number, store=order.store, cashier=order.cashier, at=_told_at(order),
        codes=tuple({item.product for item in order.items}),
        contact=members.asked_by(order.card, order.phone, order.code) if order.has_member else None,
        card_at=_card_at(order),
    )  # fmt: skip


def _told_at(order: Order) -> dt.datetime | None:
    """The moment that the till tells; one without a zone is refused later."""
    told = order.purchased_at
    return None if told is None or told.utcoffset() is None else told


def _card_at(order: Order) -> dt.datetime | None:
    """Points are spent now, so the card must be good now; what was only earned may be told after it was blocked."""
    return None if order.points else _told_at(order)


def known_sale(paid: Paid, facts: Facts) -> Sale | None:
    """What this very request wrote before."""
    return repeated(Sale, paid.order.till, paid.number, paid.digest) if facts.is_known else None


def case_of(
    order: Order, facts: Facts, *, segments: Segments, hold: bool = False, at: dt.datetime | None = None
) -> Case:
    """The order by these facts; with `hold` what it takes from others is held until the end of the transaction."""
    card_at = _card_at(order) if at is None else at
    at = checked_moment(order.purchased_at, facts.now) if at is None else at
    if facts.programme is None:
        raise InputError(_("No programme was valid at {moment}: publish one first.").format(moment=at.isoformat()))
    rules = rules_of_version(*facts.programme)
    partner = None if facts.partner is None else Partner.objects.get(pk=facts.partner)
    store = _store(order, facts, partner, make=hold)
    basket = Basket(
        store=store.name, store_zone=store.time_zone or facts.zone, channel=order.channel, purchased_at=at,
        lines=tuple(_line(item, facts.goods.get(item.product), is_own=partner is None) for item in order.items),
        partner=partner.slug if partner else "",
    )  # fmt: skip
    customer = _recognised(order, facts, card_at)
    known = None
    if customer is not None:
        known = members.known(customer, rules, at=at, zone=basket.local.tzinfo or dt.UTC, segments=segments)
        known = replace(known, card=_kinds_of_card(order, facts, customer))
    holder = holder_of(customer, order.card) if customer else None
    held = None
    if order.hold:
        held = hold_for(partner, order.hold, customer, wanted=order.points, now=facts.now)
    certificates = payers(order.certificates, partner, hold=hold)
    said = look_up(order.promo_codes, customer, basket.day, hold=hold)
    if said.names:
        basket = replace(basket, promo_codes=said.names)
    return Case(
        order, at, facts, store, partner, customer, facts.programme[0], rules, basket, known, said, certificates,
        holder, held,
    )  # fmt: skip


def _kinds_of_card(order: Order, facts: Facts, customer: Customer) -> frozenset[str]:
    """As rules call them; of a card from elsewhere nothing is known, but somebody holds it in his hand."""
    if not order.card:
        return frozenset()
    is_virtual, is_paid = facts.card or (False, False)
    kinds = {
        "virtual": is_virtual, "plastic": not is_virtual, "paid": is_paid, "corporate": customer.kind == "company",
    }  # fmt: skip
    return frozenset(kind for kind, holds in kinds.items() if holds)


def _store(order: Order, facts: Facts, partner: Partner | None, *, make: bool) -> Store:
    if facts.store is None:
        return store_of(order.store, partner, make=make)
    check_store(order.store, facts.store.partner, partner)
    names = ["id", "name", "time_zone"]
    return Store.from_db(connection.alias, names, [facts.store.key, order.store, facts.store.time_zone])


def _recognised(order: Order, facts: Facts, card_at: dt.datetime | None) -> Customer | None:
    if facts.customer is not None and not facts.is_blocked:
        return facts.customer
    if order.has_member:
        # says what is wrong, in as many statements for whoever is not known as for whoever is no member
        members.find(card=order.card, phone=order.phone, code=order.code, till=order.till, at=card_at)
        raise NoMember(_("No member has this card or phone."))
    return None


def _line(item: Item, known: Goods | None, *, is_own: bool) -> Line:
    """With what the shop knows of its goods: a till could call anything by the category that is cheaper.

    At a partner's till the goods of the same code cost what they cost there: how far a price falls would tell a
    competitor what the operator pays.
    """
    category = (known.category if known else "") or item.category
    if known is None or not is_own:
        return Line(item.product, category, item.quantity, item.price)
    cost = _cost(known.cost, item.quantity)
    return Line(item.product, category, item.quantity, item.price, cost, known.price_raised_on)


def _cost(of_one: int | None, quantity: Decimal) -> int | Fraction | None:
    """None also for a quantity that no line has."""
    if of_one is None or not quantity.is_finite() or not 0 < quantity <= MOST_QUANTITY:
        return None
    # nearly all goods are sold by the piece, and need no fractions
    whole = int(quantity)
    return of_one * (whole if whole == quantity else Fraction(quantity))


def quoted_for(case: Case) -> Quote:
    """What it costs him now, and what certificates pay of it."""
    if case.order.points and case.order.has_member:
        members.check_proof(case.order.shown)
    quoted = _judged(case)
    return replace(quoted, payments=payments(case.certificates, quoted.judged.to_pay))


def _judged(case: Case) -> Quote:
    if case.customer is None or case.facts.balance is None:
        judged = judge(case.basket, None, case.rules)
        return Quote(judged, _why(case, judged), None, 0)
    balance = case.facts.balance
    room = room_for(case)
    # nobody spends what he has not, nor more than the partner may take: the rest is money
    has, wanted = (case.held.amount,) * 2 if case.held else (balance.available, case.order.points)
    usable = has if room.redeem is None else min(has, room.redeem)
    judged = judge(case.basket, case.member, case.rules, min(wanted, usable))
    check_earned(case, judged, room)
    why, most = _why(case, judged), min(usable, judged.most_points)
    # that it was he was shown when the points were set aside
    if most and not case.held and not case.order.shown.is_proof:
        why, most = (*why, members.proof_wanted()), 0
    return Quote(judged, why, balance, most)


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


def _why(case: Case, judged: Judged) -> tuple[str, ...]:
    return (*case.said.refused, *Words(case.rules).trace(judged))


def agreed(paid: Paid, case: Case, *, hold: bool) -> Quote:
    """The quote, when it is the sum that was paid and passes no limit."""
    quoted = quoted_for(case)
    in_money = paid.to_pay if paid.in_money is None else paid.in_money
    if (quoted.judged.to_pay, quoted.in_money) != (paid.to_pay, in_money):
        raise OtherSum(quoted, paid.to_pay, in_money)
    _check(case, quoted, hold=hold)
    return quoted


def follow(case: Case, sale: Sale) -> None:
    """What comes after a receipt that is written: whose card it was, tiers change, returns waited for it."""
    note_holder(case.holder, sale)
    if case.customer is not None and case.rules.tiers is not None:
        tiers.review([case.customer.pk], at=sale.recorded_at)
    if case.facts.is_awaited and bring_waiting(sale) and case.customer is not None:
        sale.balance = members.points_of(case.customer).available
        sale.save(update_fields=["balance"])


def _check(case: Case, quoted: Quote, *, hold: bool = False) -> None:
    """Raise when the receipt passes a limit that refuses."""
    judged = quoted.judged
    deed = Deed(
        case.order.till, case.order.cashier, case.store.pk, case.customer.pk if case.customer else None, case.at,
        receipts=1, earned=judged.earned if case.customer else 0, spent=judged.points_spent,
    )  # fmt: skip
    zone = case.basket.local.tzinfo or dt.UTC
    check_limits(deed, case.rules.watch, zone, hold=hold)
    if case.customer is not None:
        check_company(case.customer, case.order.card)
    if case.holder is not None:
        check_holder(case.holder, at=case.at, zone=zone, to_pay=judged.to_pay, points=judged.points_spent)


def write_sales(agreed: Sequence[tuple[Paid, Case, Quote]]) -> list[Sale]:
    """Write receipts, all of them or none; the caller has a transaction and holds what they are judged by."""
    now = timezone.now()
    drafts = [_draft_of(paid, case, quoted, now) for paid, case, quoted in agreed]
    record(drafts, at=now)
    for draft, (_paid, case, quoted) in zip(drafts, agreed, strict=True):
        spend_certificates(quoted.payments, draft.sale)
        if case.held and not quoted.judged.points_spent:
            release(case.held.key, at=now)
        if case.order.code:
            till_codes.use_up(case.order.code)
        if case.said.codes:
            use(case.said, quoted.judged, case.rules, draft.sale)
    return [one.sale for one in drafts]


def _draft_of(paid: Paid, case: Case, quoted: Quote, now: dt.datetime) -> Draft:
    draft = _draft(case, quoted.judged, quoted.why, paid.number, paid.digest, now)
    draft.sale.by_certificates = quoted.by_certificates
    return draft


def write_sale(case: Case, judged: Judged, why: Sequence[str], number: str, digest: bytes) -> Sale:
    """A receipt that was sold without a line, and all that follows from it, in the transaction of the caller."""
    now = timezone.now()
    draft = _draft(case, judged, why, number, digest, now)
    record([draft], at=now)
    follow(case, draft.sale)
    return draft.sale


def _draft(case: Case, judged: Judged, why: Sequence[str], number: str, digest: bytes, now: dt.datetime) -> Draft:
    order = case.order
    documents, moves_points, stamps = _points(case, judged, number, now) if case.customer else ((), False, [])
    receipt, lines = draft_receipt(
        key=named_key("till", f"{order.till}\x1f{number}"), number=number, customer=case.customer, store=case.store,
        seller=case.facts.seller or seller_named(order.cashier), channel=order.channel, at=case.at,
        lines=list(_bought(case, judged)), known={code: one.key for code, one in case.facts.goods.items()},
    )  # fmt: skip
    guard = _guard_of(case)
    sale = Sale(
        till=order.till, number=number, digest=digest, customer=case.customer, programme_id=case.programme,
        store=case.store, cashier=order.cashier, purchased_at=case.at, recorded_at=now,
        price=sum(one.line.price for one in judged.lines), discount=judged.discount, by_points=judged.by_points,
        points_spent=judged.points_spent, points_earned=judged.earned if case.customer else 0,
        points_as=judged.points_as, stamps=stamps, why=list(why), is_offline=case.is_offline,
        floor=None if guard is None else floor_of_receipt([one.line for one in judged.lines], guard),
    )  # fmt: skip
    return Draft(receipt, lines, sale, list(_sale_lines(case, judged)), documents, moves_points)


def _points(case: Case, judged: Judged, number: str, now: dt.datetime) -> tuple[tuple[Document, ...], bool, list[Any]]:
    """What the ledger is told of this receipt, whether the first of it is about points, and the stamps with theirs."""
    assert case.customer is not None
    customer, life, till = case.customer.pk, case.rules.life, case.order.till
    owe = case.is_offline and case.partner is None
    movements = []
    if judged.points_spent and case.held:
        movements.append(capture(case.held.key, judged.points_spent))
    elif judged.points_spent:
        movements.append(spend(customer, judged.points_spent, owe=owe))
    if judged.earned:
        # from the purchase, not from now: a till that tells of it later leaves the same points
        usable = case.at + dt.timedelta(days=life.after_days)
        movements.append(grant(customer, judged.earned, available_at=usable, expires_at=expiry(usable, life.days)))
    documents, stamps = [], []
    if movements:
        unit = Unit(pk=case.facts.points, slug=Unit.POINTS)
        documents.append(Document(unit, Kind.SALE, till, number, till, tuple(movements), happened_at=case.at))
    for one in judged.stamps:
        if one.added or one.spent:
            unit = members.stamps_unit(one.counter)
            open_account(customer, unit, at=now)
            # added first: the sixth cup of this very receipt may be the free one
            moves = [
                *([grant(customer, one.added)] if one.added else []),
                *([spend(customer, one.spent)] if one.spent else []),
            ]
            stamps.append([one.counter, one.added, one.spent, len(documents)])
            documents.append(Document(unit, Kind.SALE, till, number, till, tuple(moves), happened_at=case.at))
    return tuple(documents), bool(movements), stamps


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


def _guard_of(case: Case) -> Guard | None:
    """What was sold without a line may have been sold for anything."""
    return None if case.is_offline else case.rules.guard


def _sale_lines(case: Case, judged: Judged) -> Iterator[dict[str, Any]]:
    guard = _guard_of(case)
    for position, one in enumerate(judged.lines, start=1):
        yield {
            "position": position, "product": one.line.product, "category": one.line.category,
            "quantity": one.line.quantity, "price": one.line.price, "cost": _whole(one.line.cost),
            "floor": None if guard is None else floor_of(one.line, guard),
            "in_receipt": guard is not None and is_in_receipt(one.line, guard),
            "discount": one.discount, "by_points": one.by_points, "lowered": _lowered(one, judged),
            "earned": one.earned if case.customer else 0,
        }  # fmt: skip
