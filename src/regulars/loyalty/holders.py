"""Corporate cards: several people buy on the account of one company, each with a card and limits of his own.

A card that was replaced counts as the one that replaced it. Receipts count as they were sold, like those of the watch:
what comes back frees nothing in the same month.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import models, transaction
from django.db.models import Count, F, Sum

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.customers.models.customer import Kind
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.loyalty.models import Card, CardHolder, HolderSale, Sale, SaleReturn
from regulars.loyalty.periods import begin_of
from regulars.loyalty.telling import NotNow

MOST = 10**13
_LONGEST_NAME = 120


@transaction.atomic
def set_holder(
    contact: Contact, *, name: str, most_turnover: int | None, most_points: int | None, by: User
) -> CardHolder:
    """Who holds this card of a company, and how much he may buy and spend in a month (None: as much as he likes)."""
    name = " ".join(name.split())
    if contact.customer.kind != Kind.COMPANY:
        raise InputError(_("Only cards of a company have holders."))
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(_("Name the holder with 1 to {most} signs.").format(most=_LONGEST_NAME))
    for value in (most_turnover, most_points):
        if value is not None and not 0 <= value <= MOST:
            raise InputError(_("{value} is not between 0 and {most}.").format(value=value, most=MOST))
    with acting(by.pk, "web"):
        card = Card.objects.get_or_create(number=contact.value)[0]
        values = {"name": name, "most_turnover": most_turnover, "most_points": most_points}
        return CardHolder.objects.update_or_create(card=card, defaults=values)[0]


# the nearest one after which somebody is named; a till may tell late of a card that was replaced since
_HOLDER = """
WITH RECURSIVE chain AS (
    SELECT id, replaced_by_id, 0 AS step FROM loyalty_card WHERE number = %s
    UNION ALL
    SELECT above.id, above.replaced_by_id, step + 1
    FROM chain JOIN loyalty_card above ON above.id = chain.replaced_by_id WHERE step < 1000
) SELECT held.* FROM chain JOIN loyalty_cardholder held ON held.card_id = chain.id ORDER BY step LIMIT 1
"""


def holder_of(customer: Customer, card: str) -> CardHolder | None:
    """Who holds the card that was shown, or the one that replaced it.

    None for other cards and for a company that is none any more.
    """
    if not card or customer.kind != Kind.COMPANY:
        return None
    number = normalised(Contact.Kind.CARD, card, region=region())
    return next(iter(CardHolder.objects.raw(_HOLDER, [number])), None)


def check_company(customer: Customer, card: str) -> None:
    """Raise `NotNow` when a company whose cards have limits is named by something else: whose limit would count?"""
    if card or customer.kind != Kind.COMPANY:
        return
    numbers = Contact.objects.filter(customer=customer, kind=Contact.Kind.CARD).values("value")
    limited = CardHolder.objects.filter(card__number__in=numbers).exclude(most_turnover=None, most_points=None)
    if limited.exists():
        raise NotNow(_("This company buys with cards that have limits: ask for the card."))


def check_holder(holder: CardHolder, *, at: dt.datetime, zone: dt.tzinfo, to_pay: int, points: int) -> None:
    """Raise `NotNow` when this receipt passes a limit of its month. The company is held: cards follow each other."""
    sold = _sales(holder, at, zone).aggregate(
        sum=Sum(F("price") - F("discount") - F("by_points")), points=Sum("points_spent")
    )
    turnover, spent = (sold["sum"] or 0) + to_pay, (sold["points"] or 0) + points
    if holder.most_turnover is not None and turnover > holder.most_turnover:
        currency = Business.current().currency
        raise NotNow(
            _("{name} may buy for {most} in a month, and would have bought for {sum} with this receipt.").format(
                name=holder.name, most=format_money(holder.most_turnover, currency, exact=True),
                sum=format_money(turnover, currency, exact=True),
            )
        )  # fmt: skip
    if points and holder.most_points is not None and spent > holder.most_points:
        raise NotNow(
            _("{name} may spend {most} points in a month, and would have spent {points} with this receipt.").format(
                name=holder.name, most=holder.most_points, points=spent
            )
        )


def points_left(holder: CardHolder, *, at: dt.datetime, zone: dt.tzinfo) -> int | None:
    """How many points he may still spend in the month of this moment; None: no limit."""
    if holder.most_points is None:
        return None
    spent: int = _sales(holder, at, zone).aggregate(sum=Sum("points_spent"))["sum"] or 0
    return max(0, holder.most_points - spent)


def note_holder(holder: CardHolder | None, sale: Sale) -> None:
    """Write down whose receipt it is."""
    if holder is not None:
        HolderSale.objects.create(holder=holder, sale=sale)


@dataclass(frozen=True)
class HolderMonth:
    """What a holder did in a month: receipts, what they cost less what came back, points that he spent."""

    holder: CardHolder
    receipts: int
    turnover: int
    points: int


def statement(customer: Customer, *, at: dt.datetime) -> list[HolderMonth]:
    """Of each holder of a card of this company, in the month of the moment by the clock of the business."""
    numbers = customer.contacts.filter(kind=Contact.Kind.CARD).values("value")
    found = CardHolder.objects.filter(card__number__in=numbers).select_related("card").order_by("name", "pk")
    return [_month(one, at) for one in found[:500]]


def _month(holder: CardHolder, at: dt.datetime) -> HolderMonth:
    sales = _sales(holder, at, Business.current().zone)
    told = sales.aggregate(
        receipts=Count("pk"), sum=Sum(F("price") - F("discount") - F("by_points")), points=Sum("points_spent")
    )
    back = SaleReturn.objects.filter(sale__in=sales).aggregate(
        sum=Sum(F("refund") + F("to_certificates")), points=Sum("points_back")
    )
    return HolderMonth(
        holder, told["receipts"], (told["sum"] or 0) - (back["sum"] or 0), (told["points"] or 0) - (back["points"] or 0)
    )


def _sales(holder: CardHolder, at: dt.datetime, zone: dt.tzinfo) -> "models.QuerySet[Sale]":
    begin = begin_of("month", at.astimezone(zone))
    assert begin is not None
    end = begin_of("month", begin + dt.timedelta(days=32))
    ids = HolderSale.objects.filter(holder=holder).values("sale")
    return Sale.objects.filter(pk__in=ids, purchased_at__gte=begin, purchased_at__lt=end)
