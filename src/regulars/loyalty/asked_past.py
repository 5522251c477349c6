"""What rules ask of a member's past: in one statement for all of it, and none when they ask for nothing."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone

from regulars.loyalty.periods import begin_of
from regulars.loyalty.programme.conditions import PurchaseNumber, Repeat
from regulars.loyalty.programme.rules import RuleSet

# he and all who became part of him
_FAMILY = """
WITH RECURSIVE part (id) AS (
    SELECT %(customer)s::bigint
    UNION ALL
    SELECT below.id FROM part JOIN customers_customer below ON below.merged_into_id = part.id
) SELECT
"""

# what came back whole was no purchase: else a first one could be made again and again
_PURCHASES = """(
    SELECT jsonb_build_array(count(*), max(r.purchased_at)) FROM purchases_receipt r
    WHERE r.customer_id IN (SELECT id FROM part) AND r.purchased_at < %(at)s AND r.amount > 0 AND NOT EXISTS (
        SELECT FROM loyalty_sale s WHERE s.receipt_id = r.id AND NOT EXISTS (
            SELECT FROM loyalty_saleline l WHERE l.sale_id = s.id AND l.returned < l.quantity
        )
    )
)"""

_TIER = """(
    SELECT t.tier FROM loyalty_tierchange t WHERE t.customer_id = %(customer)s AND t.since <= %(at)s
    ORDER BY t.since DESC, t.id DESC LIMIT 1
)"""

# what he paid, less what he brought back
_TURNOVER = """(
    SELECT greatest(0, coalesce(sum(r.amount), 0)) FROM purchases_receipt r
    WHERE r.customer_id IN (SELECT id FROM part) AND r.purchased_at < %(at)s AND r.purchased_at >= %({begin})s
)"""

# those that he has now, because they are spent once; a counter begins with its first stamp
_STAMPS = """(
    loyalty_has(%(customer)s, (SELECT u.id FROM loyalty_unit u WHERE u.slug = %({slug})s), %(now)s)
)[1]"""

_EVER = dt.datetime(1, 1, 2, tzinfo=dt.UTC)


@dataclass(frozen=True)
class AskedPast:
    """So much of it as rules look at; the rest is as if there were none."""

    purchases: int = 0
    last_purchase_at: dt.datetime | None = None
    tier: str = ""
    turnover: Mapping[str, int] = field(default_factory=dict)
    stamps: Mapping[str, int] = field(default_factory=dict)


def asked_past(
    customer: int, rules: RuleSet, counters: Mapping[str, str], *, at: dt.datetime, zone: dt.tzinfo
) -> AskedPast:
    """Before a purchase of this moment. `counters` of stamps come with the slugs of their units."""
    asked, values = {}, {"customer": customer, "at": at, "now": timezone.now()}
    if any(isinstance(leaf, Repeat | PurchaseNumber) for leaf in rules.asked):
        asked["purchases"] = _PURCHASES
    if rules.tiers:
        asked["tier"] = _TIER
    for number, period in enumerate(rules.periods):
        asked[f"turnover {period}"] = _TURNOVER.format(begin=f"begin_{number}")
        values[f"begin_{number}"] = begin_of(period, at.astimezone(zone)) or _EVER
    for number, (counter, slug) in enumerate(counters.items()):
        asked[f"stamps {counter}"] = _STAMPS.format(slug=f"slug_{number}")
        values[f"slug_{number}"] = slug
    found = dict(zip(asked, _row(list(asked.values()), values), strict=True)) if asked else {}
    count, last = json.loads(found["purchases"]) if "purchases" in found else (0, None)
    return AskedPast(
        purchases=count, last_purchase_at=last and dt.datetime.fromisoformat(last), tier=found.get("tier") or "",
        turnover={one: int(found[f"turnover {one}"]) for one in rules.periods},
        stamps={one: int(found[f"stamps {one}"]) for one in counters},
    )  # fmt: skip


def _row(wanted: list[str], values: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY + ", ".join(wanted), values)
        found: tuple[Any, ...] = cursor.fetchone()
        return found
