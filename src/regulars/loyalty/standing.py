"""What a customer has in the programme, for the people who look at his card."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Sum
from django.utils import timezone

from regulars.loyalty.balances import Balance, to_spend
from regulars.loyalty.models import Account, Lot, Sale, SaleReturn, Unit


@dataclass(frozen=True)
class Standing:
    """Points of one unit now; `expires` of them go on `expires_at`, before all others."""

    unit: Unit
    balance: Balance
    expires_at: dt.datetime | None
    expires: int


def standings_of(customer: int) -> list[Standing]:
    """One for each unit in which he has an account; none for whoever is no member."""
    now = timezone.now()
    units = Unit.objects.filter(pk__in=Account.objects.filter(customer=customer).values("unit")).order_by("pk")
    return [_standing(customer, unit, now) for unit in units]


def _standing(customer: int, unit: Unit, now: dt.datetime) -> Standing:
    alive = Lot.objects.filter(account__customer=customer, account__unit=unit, remaining__gt=0, expires_at__gt=now)
    first = alive.order_by("expires_at").values_list("expires_at", flat=True).first()
    going = alive.filter(expires_at=first).aggregate(sum=Sum(F("remaining")))["sum"] if first else 0
    return Standing(unit, to_spend(customer, unit, at=now), first, going or 0)


def sale_of(receipt: int) -> Sale | None:
    """The sale of a till that this receipt is."""
    return Sale.objects.filter(receipt=receipt).first()


def return_of(receipt: int) -> SaleReturn | None:
    """The return at a till that this receipt is."""
    return SaleReturn.objects.filter(receipt=receipt).select_related("sale").first()
