"""Who owes points: for goods that came back, or because a till without a line took what he had not."""

from dataclasses import dataclass

from django.db.models import Sum

from regulars.accounts.models import User
from regulars.customers.models import Customer
from regulars.loyalty.models import Account, Unit

_SHOWN = 100


@dataclass(frozen=True)
class Debtor:
    """A member and the points that he owes; what he earns next pays them."""

    customer: Customer
    points: int


@dataclass(frozen=True)
class Debts:
    """Those with the largest debts, and of all of them how many they are and how much they owe."""

    debtors: tuple[Debtor, ...]
    count: int
    points: int


def debts(user: User) -> Debts:
    """Of members whom this user may see."""
    seen = Customer.objects.seen_by(user)
    owing = Account.objects.filter(unit__slug=Unit.POINTS, debt__gt=0, customer__in=seen)
    by_member = owing.values("customer").annotate(points=Sum("debt"))
    first = by_member.order_by("-points", "customer")[:_SHOWN]
    people = Customer.objects.in_bulk([one["customer"] for one in first])
    return Debts(
        tuple(Debtor(people[one["customer"]], one["points"]) for one in first),
        count=by_member.count(),
        points=owing.aggregate(sum=Sum("debt"))["sum"] or 0,
    )
