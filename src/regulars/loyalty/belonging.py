"""Who has so many points, or points that go soon, or this tier: conditions on customers, as parts of a query.

Points are those that can be spent at this moment. Whoever takes no part is found by none of them.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.db.models.lookups import In
from django.utils import timezone

from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.leftovers import ENOUGH, keys_with, leftovers_of
from regulars.loyalty.models import Account, Lot, TierChange, Unit
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.tiers import tier_at, tier_title

_HAS = Sum(F("remaining") - F("held"))


def members() -> Q:
    """Who takes part."""
    return Q(Exists(_accounts().filter(customer=OuterRef("pk"))))


def who_take_part(customers: Collection[int]) -> set[int]:
    """Of these."""
    return set(_accounts().filter(customer__in=customers).values_list("customer", flat=True))


def joined(since: dt.datetime, *, is_after: bool) -> Q:
    """Who joined at this moment or later, or before it; of merged people the earlier day counts."""
    early = Exists(_accounts().filter(customer=OuterRef("pk"), opened_at__lt=since))
    return members() & ~Q(early) if is_after else Q(early)


def with_points(least: float, *, until: dt.datetime | None = None, one_by_one: bool = False) -> Q:
    """Who has at least so many points, or so many that go before `until`."""
    found = _spendable() if until is None else _spendable().filter(expires_at__lt=until)
    if least <= 0:
        return members()
    if one_by_one:
        return Q(Exists(_by_owner(found.filter(account__customer=OuterRef("pk"))).filter(has__gte=least)))
    return Q(pk__in=_by_owner(found).filter(has__gte=least).values("account__customer"))


def with_points_up_to(most: float) -> Q:
    """Members who have no more than so many."""
    own = _by_owner(_spendable().filter(account__customer=OuterRef("pk")))
    return members() & ~Q(Exists(own.filter(has__gt=most)))


def in_tiers(tiers: Sequence[str]) -> Q:
    """Members whose tier is one of these now; the empty one is that of whoever has none."""
    changes = TierChange.objects.filter(since__lte=timezone.now())
    newest = changes.filter(customer=OuterRef("pk")).order_by("-since", "-id").values("tier")[:1]
    found = Q(In(Coalesce(Subquery(newest), Value("")), list(tiers)))
    if "" in tiers:
        return members() & found
    # few ever had one of them: the others need not be looked at
    return Q(pk__in=changes.filter(tier__in=tiers).values("customer")) & found


def with_a_gift_in_reach() -> Q:
    """Who can take a gift now."""
    return Q(pk__in=RawSQL(*keys_with(ENOUGH, at=timezone.now())))  # noqa: S611 - nobody's words are in it


def best_gift(customer: int) -> str:
    """The dearest that he can take now; empty when there is none."""
    found = leftovers_of([customer], at=timezone.now()).get(customer)
    return found.gift if found else ""


def tiers_of_now() -> list[tuple[str, str]]:
    """Their ids with what they are called."""
    valid = valid_at(timezone.now())
    levels = valid[1].tiers.levels if valid is not None and valid[1].tiers is not None else ()
    return [(one.id, one.title or one.id) for one in levels]


def points_now(customer: int, *, until: dt.datetime | None = None) -> int:
    """What he can spend, or what of it goes before `until`."""
    found = _spendable().filter(account__customer=customer)
    return (found if until is None else found.filter(expires_at__lt=until)).aggregate(has=_HAS)["has"] or 0


def next_to_go(customer: int) -> str:
    """When the first of his points go, in words; empty when none do."""
    first = _spendable().filter(account__customer=customer, expires_at__isnull=False).order_by("expires_at").first()
    if first is None or first.expires_at is None:
        return ""
    return format_date(first.expires_at.astimezone(Business.current().zone).date())


def tier_now(customer: int) -> str:
    """What his tier is called."""
    return tier_title(tier_at(customer, timezone.now())) or _("none")


def joined_at(customer: int) -> dt.datetime | None:
    """When he joined; None: he takes no part."""
    return _accounts().filter(customer=customer).order_by("opened_at").values_list("opened_at", flat=True).first()


def _accounts() -> QuerySet[Account]:
    return Account.objects.filter(unit__slug=Unit.POINTS)


def _spendable() -> QuerySet[Lot]:
    now = timezone.now()
    alive = Lot.objects.filter(account__unit__slug=Unit.POINTS, remaining__gt=F("held"), available_at__lte=now)
    return alive.filter(Q(expires_at=None) | Q(expires_at__gt=now), remaining__gt=0)


def _by_owner(lots: QuerySet[Lot]) -> "QuerySet[Any, Any]":
    return lots.order_by().values("account__customer").annotate(has=_HAS)
