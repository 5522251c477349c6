"""Who left with a sign before it: those whom the reader may see, with what they spent."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Sum

from regulars.accounts.models import User
from regulars.customers.models import Customer
from regulars.loyalty.leaving import Leaving
from regulars.purchases.models import Receipt

NAMED = 50  # under each sign


@dataclass(frozen=True)
class Leaver:
    """A member who left, all that he spent in minor units, and every sign that he has."""

    customer: Customer
    spent: int
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Leavers:
    """Those with one sign who spent most, and how many with it the reader sees."""

    sign: str
    count: int
    first: tuple[Leaver, ...]


def leavers_of(found: Leaving, user: User) -> list[Leavers]:
    """Of each sign that is shown, in its order; who spent alike stand by their ids."""
    shown = [one.id for one in found.signs if one.is_shown]
    having = [key for key, signs in found.had.items() if not set(shown).isdisjoint(signs)]
    seen = Customer.objects.whole().seen_by(user)
    spent = _spent(seen.filter(pk__in=having).values_list("pk", flat=True))
    by_sign = {
        sign: sorted((key for key in spent if sign in found.had[key]), key=lambda key: (-spent[key], key))
        for sign in shown
    }
    first = {sign: keys[:NAMED] for sign, keys in by_sign.items()}
    people = seen.defer("search_text", "search_parts").in_bulk({key for keys in first.values() for key in keys})
    return [
        Leavers(
            sign,
            len(by_sign[sign]),
            tuple(Leaver(people[key], spent[key], found.had[key]) for key in keys if key in people),
        )
        for sign, keys in first.items()
    ]


def _spent(ids: Collection[int]) -> dict[int, int]:
    sums = Receipt.objects.filter(customer__in=list(ids)).values_list("customer").annotate(sum=Sum("amount"))
    return dict(sums.order_by())
