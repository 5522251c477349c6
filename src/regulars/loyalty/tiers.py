"""Which tier each member has: looked at when he buys or brings back, and every night for everybody."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce_each
from regulars.loyalty.models import TierChange, TierEnding
from regulars.loyalty.periods import windows
from regulars.loyalty.programme.tiers import NONE, Place, Tiers
from regulars.loyalty.programmes import rules_at, valid_at

_AT_ONCE = 5_000

# a member and all who became part of him are one; of two windows the better one counts, but what he buys adds to the
# present one; what came back counts on the day on which it was bought, as if it never had been
_STANDS = """
WITH RECURSIVE part (id, whole) AS (
    SELECT c.id, c.id FROM customers_customer c WHERE c.id = ANY (%(ids)s)
    UNION ALL
    SELECT below.id, part.whole FROM part JOIN customers_customer below ON below.merged_into_id = part.id
), moved (whole, at, amount) AS (
    SELECT part.whole, coalesce(s.purchased_at, r.purchased_at), r.amount
    FROM part JOIN purchases_receipt r ON r.customer_id = part.id
    LEFT JOIN loyalty_salereturn back ON back.receipt_id = r.id LEFT JOIN loyalty_sale s ON s.id = back.sale_id
    WHERE r.purchased_at >= %(before)s
), bought (whole, present, past) AS (
    SELECT whole, sum(amount) FILTER (WHERE at >= %(begin)s),
        sum(amount) FILTER (WHERE at >= %(before)s AND at < %(begin)s)
    FROM moved GROUP BY whole
)
SELECT c.id, greatest(0, b.present), greatest(0, b.present, b.past), coalesce((
        SELECT t.tier FROM loyalty_tierchange t WHERE t.customer_id = c.id ORDER BY t.since DESC, t.id DESC LIMIT 1
    ), ''), e.ends_on
FROM customers_customer c LEFT JOIN bought b ON b.whole = c.id LEFT JOIN loyalty_tierending e ON e.customer_id = c.id
WHERE c.id = ANY (%(ids)s) ORDER BY c.id
"""

_MEMBERS = """
SELECT c.id FROM customers_customer c
WHERE c.id > %s AND c.merged_into_id IS NULL AND NOT c.is_erased AND EXISTS (
    SELECT 1 FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
    WHERE a.customer_id = c.id AND u.slug = 'points'
) ORDER BY c.id LIMIT %s
"""


@dataclass(frozen=True)
class _Stand:
    """Where a member stands now; `best` decides, `present` is what he adds to when he buys."""

    customer: int
    present: int
    best: int
    place: Place


@dataclass(frozen=True)
class _Step:
    """A member whose place changes."""

    stand: _Stand
    will: Place


def tier_at(customer: int, moment: dt.datetime) -> str:
    """The id of his tier at that moment, empty when he had none."""
    found = TierChange.objects.filter(customer=customer, since__lte=moment).order_by("-since", "-id")
    return found.values_list("tier", flat=True).first() or NONE


@dataclass(frozen=True)
class TierStanding:
    """For people: the tier's title, since when he has it, and when it ends unless he buys for `missing` more."""

    title: str
    since: dt.datetime
    ends_on: dt.date | None
    missing: int


def tier_title(tier: str) -> str:
    """What the rules of now call it."""
    valid = valid_at(timezone.now())
    return valid[1].tiers.title(tier) if valid is not None and valid[1].tiers is not None else tier


def tier_of(customer: int) -> TierStanding | None:
    """What he has now; None without a tier."""
    now = timezone.now()
    valid = valid_at(now)
    tiers = None if valid is None else valid[1].tiers
    if tiers is None:
        return None
    last = TierChange.objects.filter(customer=customer).order_by("-since", "-id").first()
    if last is None or last.tier == NONE:
        return None
    (stand,) = _stands([customer], tiers, now)
    ends_on = stand.place.ends_on
    missing = 0 if ends_on is None else tiers.missing(last.tier, stand.present)
    return TierStanding(tiers.title(last.tier), last.since, ends_on, missing)


@dataclass(frozen=True)
class TierWay:
    """For the member: what he bought in the period, what keeps his tier, and what lifts him to the next one.

    `kept_from` is 0 without a tier, and `next_title` empty at the top. `missing` and `next_missing` are money.
    """

    title: str
    ends_on: dt.date | None
    bought: int
    kept_from: int
    missing: int
    next_title: str
    next_from: int
    next_missing: int
    period: str


def tier_way(customer: int, tiers: Tiers, *, at: dt.datetime) -> TierWay:
    """Where he stands among the tiers at this moment."""
    (stand,) = _stands([customer], tiers, at)
    tier, above = tiers.level(stand.place.tier), tiers.above(stand.place.tier)
    return TierWay(
        title=tiers.title(tier.id) if tier else "", ends_on=stand.place.ends_on, bought=stand.present,
        kept_from=tier.least if tier else 0, missing=tiers.missing(stand.place.tier, stand.present),
        next_title=tiers.title(above.id) if above else "", next_from=above.from_ if above else 0,
        next_missing=max(0, above.from_ - stand.present) if above else 0, period=tiers.period,
    )  # fmt: skip


def review(customers: Sequence[int], *, at: dt.datetime, is_return: bool = False) -> int:
    """Put these members where they belong by now; of how many something changed. Nothing does without tiers."""
    rules = rules_at(at)
    if rules is None or rules.tiers is None:
        return 0
    tiers = rules.tiers
    changed = [one.stand.customer for one in _steps(customers, tiers, at, is_return=is_return)]
    if not changed:
        return 0
    with transaction.atomic():
        # a sale at this moment may have lifted somebody: looked at again, now, while nobody else can
        list(Customer.objects.select_for_update(no_key=True).filter(pk__in=changed).order_by("pk").values("pk"))
        at = max(at, timezone.now())
        steps = list(_steps(changed, tiers, at, is_return=is_return))
        _write(steps, tiers, at)
    return len(steps)


def review_all(at: dt.datetime) -> int:
    """Every member, some thousands in a transaction; of how many something changed."""
    last, count = 0, 0
    while ids := _members_after(last):
        count += review(ids, at=at)
        last = ids[-1]
    return count


def _members_after(last: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, [last, _AT_ONCE])
        return [int(key) for (key,) in cursor.fetchall()]


def _steps(customers: Sequence[int], tiers: Tiers, at: dt.datetime, *, is_return: bool) -> Iterator[_Step]:
    day = at.astimezone(Business.current().zone).date()
    for one in _stands(customers, tiers, at):
        will = tiers.after(one.place, one.best, day, is_return=is_return)
        if will != one.place:
            yield _Step(one, will)


def _stands(customers: Sequence[int], tiers: Tiers, at: dt.datetime) -> list[_Stand]:
    begin, before = windows(tiers.period, at.astimezone(Business.current().zone))
    values: dict[str, Any] = {"ids": list(customers), "begin": begin, "before": before}
    with connection.cursor() as cursor:
        cursor.execute(_STANDS, values)
        return [
            _Stand(key, int(present), int(best), Place(tier, ends_on))
            for key, present, best, tier, ends_on in cursor.fetchall()
        ]


def _write(steps: Sequence[_Step], tiers: Tiers, at: dt.datetime) -> None:
    moved = [one for one in steps if one.will.tier != one.stand.place.tier]
    TierChange.objects.bulk_create(
        TierChange(customer_id=one.stand.customer, tier=one.will.tier, since=at, turnover=one.stand.best)
        for one in moved
    )
    TierEnding.objects.filter(customer__in=[one.stand.customer for one in steps]).delete()
    ending = [(one, one.will.ends_on) for one in steps if one.will.ends_on is not None]
    TierEnding.objects.bulk_create(
        TierEnding(customer_id=one.stand.customer, ends_on=day, told_at=at) for one, day in ending
    )
    announce_each(
        Event.TIER_CHANGED,
        [{"id": one.stand.customer, "tier": one.will.tier, "was": one.stand.place.tier} for one in moved],
    )
    announce_each(
        Event.TIER_ENDING,
        [
            {"id": one.stand.customer, "tier": one.will.tier, "ends_on": day.isoformat(),
             "missing": tiers.missing(one.will.tier, one.stand.present)}
            for one, day in ending
        ],
    )  # fmt: skip
