"""Paid cards: sold at a till to whoever has one, they give a privilege for so many days; paid again, for so many more.

What is paid for them is income of the programme, and no sale of goods: it earns no points.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.foundation.models import Business
from regulars.loyalty import members
from regulars.loyalty.models import Card, CardSale
from regulars.loyalty.partners import partner_at
from regulars.loyalty.privileges import prolong_privilege, standing_privileges
from regulars.loyalty.telling import NotNow, digest_of, hold_number, repeated


@dataclass(frozen=True)
class CardWish:
    """A card that somebody has and pays for, and what he paid."""

    till: str
    number: str
    card: str
    paid: int
    cashier: str = ""


@dataclass(frozen=True)
class CardOffer:
    """What a card of somebody costs, and until when he would have the privilege; `until`: he has it now."""

    card: Card
    batch: int
    privilege: str
    price: int
    days: int
    until: dt.date | None
    is_for_good: bool = False

    @property
    def until_then(self) -> dt.date:
        """The last day when it is paid now."""
        today = timezone.now().astimezone(Business.current().zone).date()
        return max(today, self.until or today) + dt.timedelta(days=self.days)


def offers_of(customer: Customer) -> list[CardOffer]:
    """Of his cards those that are paid for."""
    numbers = customer.contacts.filter(kind=Contact.Kind.CARD).values("value")
    held = Card.objects.filter(number__in=numbers, batch__price__isnull=False, blocked_at=None).select_related("batch")
    return [_offer(one, customer) for one in held.order_by("pk")[:20]]


def offer_for(card: str) -> CardOffer:
    """What this card costs. Raises `NoMember` when nobody has it, and `NotNow` when it costs nothing."""
    return _offer_of(members.find(card=card), card)


def _offer_of(customer: Customer, card: str) -> CardOffer:
    value = normalised(Contact.Kind.CARD, card, region=region())
    found = next((one for one in offers_of(customer) if one.card.number == value), None)
    if found is None:
        raise NotNow(_("This card is not one that is paid for."))
    return found


def _offer(card: Card, customer: Customer) -> CardOffer:
    batch = card.batch
    assert batch is not None and batch.price is not None and batch.privilege_days is not None
    has = [one.until for one in standing_privileges(customer) if one.name == batch.privilege]
    until = max((one for one in has if one is not None), default=None)
    return CardOffer(card, batch.pk, batch.privilege, batch.price, batch.privilege_days, until, None in has)


def sell_card(wish: CardWish) -> CardSale:
    """He has the privilege from now on, or longer than before: once for each (till, number).

    Raises `NoMember` when nobody has the card, and `NotNow` when it costs another sum than was paid.
    """
    digest = digest_of(wish)
    if partner_at(wish.till) is not None:
        raise NotNow(_("Paid cards are sold by the operator of the programme, not by partners."))
    with transaction.atomic():
        hold_number(wish.till, f"card\x1f{wish.number}")
        if known := repeated(CardSale, wish.till, wish.number, digest):
            return known
        customer = members.hold_member(members.find(card=wish.card))
        offer = _offer_of(customer, wish.card)
        if offer.price != wish.paid:
            raise NotNow(_("This card costs {now} minor units, not {told}: tell the customer.").format(
                now=offer.price, told=wish.paid
            ))  # fmt: skip
        until = prolong_privilege(
            customer, name=offer.privilege, days=offer.days, proof=_("Paid card"), source=wish.till
        )
        assert until is not None
        return CardSale.objects.create(
            till=wish.till, number=wish.number, digest=digest, cashier=wish.cashier, batch_id=offer.batch,
            card=offer.card, customer=customer, price=offer.price, until=until, sold_at=timezone.now(),
        )  # fmt: skip


def cancel_card_sale(till: str, number: str, *, cashier: str = "") -> CardSale:
    """The money goes back, and the days that it paid for are taken off. A second time changes nothing.

    Raises `NotNow` when this till sold none by that number, or when its time is over.
    """
    with transaction.atomic():
        hold_number(till, f"card\x1f{number}")
        sale = CardSale.objects.select_related("batch").filter(till=till, number=number).first()
        if sale is None:
            raise NotNow(_("This till sold no card with the number {number!r}.").format(number=number))
        if sale.cancelled_at is not None:
            return sale
        customer, now = members.hold_survivor(sale.customer_id), timezone.now()
        if sale.until < now.astimezone(Business.current().zone).date():
            raise NotNow(_("What it paid for ended on {day}.").format(day=format_date(sale.until)))
        if any(one.name == sale.batch.privilege and one.until for one in standing_privileges(customer)):
            prolong_privilege(
                customer, name=sale.batch.privilege, days=-(sale.batch.privilege_days or 0), proof=_("Paid card"),
                source=till,
            )  # fmt: skip
        sale.cancelled_at, sale.cancelled_by = now, f"{till} {cashier}".strip()
        sale.save(update_fields=["cancelled_at", "cancelled_by"])
        return sale
