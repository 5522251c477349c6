"""What the programme cost in a period, to whom it went, and how much more members must buy for it to pay."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, Count, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from regulars.analytics.estimate import Estimate
from regulars.customers.models import Customer
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import SaleLine, TierChange

FEWEST_DECIDED = 30  # members whose points were spent or expired: below, nobody knows the share that is spent


@dataclass(frozen=True)
class Cost:
    """Of some receipts of members, money in minor units, what came back taken off.

    `turnover` is before all discounts; `discount` is what rules took off, `by_points` what points paid, `earned` the
    points that were promised. `costed` is the part of the turnover whose cost is known, `profit` what it leaves before
    discounts.
    """

    members: int = 0
    receipts: int = 0
    turnover: int = 0
    discount: int = 0
    by_points: int = 0
    earned: int = 0
    costed: int = 0
    profit: int = 0


@dataclass(frozen=True)
class Economics:
    """The period as a whole and by the tier that the buyer had.

    `spent_share` is the share of points that are spent in the end (the rest is breakage), from members whose points
    were either spent or expired; None: too few. `promised` is what the earned points will take off at that share, or at
    most. `cost` is discounts, promised points and `other` costs. `uplift` is how much more members must have bought
    because of the programme for it to pay: cost / (margin - cost); None: the margin is not known, infinite: it cannot.
    """

    whole: Cost
    by_tier: dict[str, Cost]
    spent_share: Estimate | None
    promised: Estimate
    other: int
    cost: Estimate
    margin: int | None  # of the whole turnover, before discounts, at the rate of the goods of known cost
    uplift: Estimate | None


def economics(
    begin: dt.datetime, end: dt.datetime, *, worth: int, other: int = 0, among: "QuerySet[Customer] | None" = None
) -> Economics:
    """Of receipts of members from `begin` up to `end`, without those of partners; a point is worth `worth` minor units.

    `among` are the customers who are looked at; all members when it is None. `other` are costs that only the business
    knows: cards, messages, work.
    """
    lines = SaleLine.objects.filter(
        sale__customer__isnull=False, sale__partner=None, sale__purchased_at__gte=begin, sale__purchased_at__lt=end
    )
    if among is not None:
        lines = lines.filter(sale__customer__in=among)
    whole = _costs(lines, {})
    by_tier = _costs(lines.annotate(tier=_tier()), {"tier": F("tier")})
    return _weighed(whole.get("", Cost()), by_tier, _spent_share(), worth, other)


def _tier() -> Coalesce:
    last = TierChange.objects.filter(customer=OuterRef("sale__customer"), since__lte=OuterRef("sale__purchased_at"))
    return Coalesce(Subquery(last.order_by("-since", "-id").values("tier")[:1]), Value(""))


def _costs(lines: "QuerySet[SaleLine]", by: dict[str, Any]) -> dict[str, Cost]:
    kept = 1 - F("returned") / F("quantity")
    known = Q(cost__isnull=False)

    def total(what: Any) -> Coalesce:
        return Coalesce(Sum(what, output_field=DecimalField()), Value(0), output_field=DecimalField())

    sums = {
        "turnover": total(F("price") * kept),
        "discount": total(F("discount") * kept),
        "by_points": total(F("by_points") * kept),
        "earned": total(F("earned") * kept),
        "costed": total(Case(When(known, then=F("price") * kept), default=0, output_field=DecimalField())),
        "profit": total(
            Case(When(known, then=(F("price") - F("cost")) * kept), default=0, output_field=DecimalField())
        ),
    }
    counts = {
        "members": Count("sale__customer", distinct=True),
        "receipts": Count("sale", distinct=True, filter=Q(returned__lt=F("quantity"))),
    }
    found = lines.values(*by).annotate(**counts, **sums) if by else [lines.aggregate(**counts, **sums)]
    return {row.pop("tier", ""): Cost(**{name: round(value) for name, value in row.items()}) for row in found}


# of lots whose time is over: of each member the points that he spent, less what came back for them, and all of these
# with those that expired
_DECIDED = """
SELECT count(*), sum(spent), sum(decided), sum(spent * spent), sum(decided * decided), sum(spent * decided)
FROM (
    SELECT spent, spent + expired AS decided FROM (
        SELECT coalesce(-sum(p.amount) FILTER (
                WHERE t.kind IN ('sale', 'capture', 'reward') AND p.amount < 0
                OR t.kind IN ('return', 'void', 'unreward') AND p.amount > 0
            ), 0)::float8 AS spent,
            coalesce(-sum(p.amount) FILTER (WHERE t.kind = 'expiry'), 0)::float8 AS expired
        FROM loyalty_lot l JOIN loyalty_posting p ON p.lot_id = l.id
        JOIN loyalty_transaction t ON t.id = p.transaction_id
        WHERE l.expires_at <= now() AND t.unit_id = %s GROUP BY p.account_id
    ) AS member
) AS decided WHERE decided > 0
"""


def _spent_share() -> Estimate | None:
    """Of the points whose fate is known, those that were spent: a ratio of sums over members (Cochran 1977, 6.3)."""
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [points_unit().pk])
        count, spent, decided, spent_2, decided_2, both = cursor.fetchone()
    if count < FEWEST_DECIDED:
        return None
    share = spent / decided
    variance = max(0.0, spent_2 - 2 * share * both + share**2 * decided_2) * count / (count - 1)
    half = 1.96 * math.sqrt(variance) / decided
    return Estimate(share, max(0.0, share - half), min(1.0, share + half))


def _weighed(whole: Cost, by_tier: dict[str, Cost], share: Estimate | None, worth: int, other: int) -> Economics:
    most = whole.earned * worth
    # nobody knows yet how many of them are spent: somewhere between none and all
    shares = share or Estimate(1.0, 0.0, 1.0)
    promised = Estimate(most * shares.value, most * shares.low, most * shares.high)
    fixed = whole.discount + other
    cost = Estimate(fixed + promised.value, fixed + promised.low, fixed + promised.high)
    margin = round(whole.turnover * whole.profit / whole.costed) if whole.costed else None
    uplift = None if margin is None else Estimate(*(_uplift(one, margin) for one in (cost.value, cost.low, cost.high)))
    return Economics(whole, by_tier, share, promised, other, cost, margin, uplift)


def _uplift(cost: float, margin: int) -> float:
    # margin less cost is what the same goods would have left without the programme, had they been bought
    return cost / (margin - cost) if cost < margin else math.inf
