"""Why members leave: what happened to those who left shortly before it, against those who went on buying."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from scipy import stats

from regulars.analytics.corrections import q_values
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import wilson
from regulars.loyalty.members import points_unit
from regulars.loyalty.programmes import valid_at

FEWEST = 50  # members of both kinds to whom a sign can apply
REPORTED_BELOW = 0.05  # false discovery rate over all signs (Benjamini & Hochberg 1995)
MOST = 20_000  # of each kind are looked at, drawn by lot

# Each sign: to whom it can apply, and whether it is there. `at` is the last purchase of who left. Who stayed gets the
# moment of somebody who left, so that a season or a change of rules is the same for both, and his last purchase before.
# Nothing after `at` counts that may come of not buying; only a change of the rules is nobody's effect.
_SIGNS = {
    "no_reward": (
        "m.joined <= m.at - interval '90 days'",
        """NOT EXISTS (SELECT 1 FROM loyalty_account a JOIN loyalty_posting p ON p.account_id = a.id
            JOIN loyalty_transaction t ON t.id = p.transaction_id
            WHERE a.customer_id = m.id AND a.unit_id = %(unit)s AND p.amount < 0 AND p.lot_id IS NOT NULL
            AND t.kind IN ('sale', 'capture', 'reward') AND t.happened_at <= m.at)""",
    ),
    "rules_changed": (
        "true",
        """EXISTS (SELECT 1 FROM loyalty_programme v WHERE v.valid_from > m.at - interval '30 days'
            AND v.valid_from <= m.at + interval '30 days'
            AND v.valid_from > (SELECT min(valid_from) FROM loyalty_programme))""",
    ),
    "tier_lost": (
        "EXISTS (SELECT 1 FROM loyalty_tierchange c WHERE c.customer_id = m.id AND c.tier <> '' AND c.since <= m.at)",
        """EXISTS (SELECT 1 FROM (
                SELECT c.since, c.tier, lag(c.tier) OVER (ORDER BY c.since, c.id) AS was
                FROM loyalty_tierchange c WHERE c.customer_id = m.id
            ) AS moved WHERE moved.since > m.at - interval '90 days' AND moved.since <= m.at
            AND coalesce(array_position(%(tiers)s::text[], moved.tier::text), 0)
                < coalesce(array_position(%(tiers)s::text[], moved.was::text), 0))""",
    ),
    "points_expired": (
        "m.joined <= m.at",
        """EXISTS (SELECT 1 FROM loyalty_account a JOIN loyalty_posting p ON p.account_id = a.id
            JOIN loyalty_transaction t ON t.id = p.transaction_id
            WHERE a.customer_id = m.id AND a.unit_id = %(unit)s AND t.kind = 'expiry'
            AND t.happened_at > m.at - interval '60 days' AND t.happened_at <= m.at)""",
    ),
    "brought_back": (
        "true",
        """EXISTS (SELECT 1 FROM loyalty_sale s JOIN loyalty_salereturn b ON b.sale_id = s.id
            WHERE s.customer_id = m.id AND NOT b.is_void AND b.returned_at > m.at - interval '60 days'
            AND b.returned_at <= m.at)""",
    ),
    # how often he was written to nobody tells; that it was too often he says himself. A refusal at the first meeting
    # withdraws nothing
    "consent_withdrawn": (
        """EXISTS (SELECT 1 FROM customers_consent c WHERE c.customer_id = m.id AND c.is_given
            AND c.at <= m.at - interval '60 days')""",
        """EXISTS (SELECT 1 FROM customers_consent c WHERE c.customer_id = m.id AND NOT c.is_given
            AND c.at > m.at - interval '60 days' AND c.at <= m.at AND EXISTS (
                SELECT 1 FROM customers_consent given WHERE given.customer_id = c.customer_id AND given.is_given
                AND given.purpose = c.purpose AND given.channel = c.channel AND given.at <= c.at))""",
    ),
}

_COUNTS = """
WITH m AS MATERIALIZED (
    SELECT w.id, w.at, w.is_left, (
        SELECT min(a.opened_at) FROM loyalty_account a WHERE a.customer_id = w.id AND a.unit_id = %(unit)s
    ) AS joined
    FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[], %(left)s::bool[]) AS w (id, at, is_left)
)
SELECT {columns} FROM m
"""

# the last purchase of each before a moment that may be his own
_LAST = """
SELECT w.id, max(r.purchased_at) FROM unnest(%(ids)s::bigint[], %(until)s::timestamptz[]) AS w (id, until)
JOIN purchases_receipt r ON r.customer_id = w.id AND r.amount > 0 AND r.purchased_at <= w.until
WHERE EXISTS (SELECT 1 FROM loyalty_account a WHERE a.customer_id = w.id AND a.unit_id = %(unit)s
    AND a.opened_at <= w.until)
GROUP BY w.id ORDER BY hashint8extended(w.id, 0), w.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Sign:
    """How often it was there before members left, and before a purchase of those who stayed; None: too few to tell.

    `q_value` is what is false among signs that are reported at it or below.
    """

    id: str
    left: Estimate | None
    stayed: Estimate | None
    more: Estimate | None  # the difference of both shares
    q_value: float | None

    @property
    def is_shown(self) -> bool:
        """Whether it comes before leaving more often than chance would have it."""
        return (
            self.q_value is not None and self.more is not None and self.q_value < REPORTED_BELOW and self.more.low > 0
        )


@dataclass(frozen=True)
class Leaving:
    """How many members of each kind were looked at, and every sign that was."""

    left: int
    stayed: int
    signs: tuple[Sign, ...]


def why_they_leave(left: Sequence[int], stayed: Sequence[int], *, at: dt.datetime) -> Leaving:
    """Compare members who left with members who went on; whoever of them is no member is passed over.

    Who left is for the audit to say. What comes before leaving need not be its reason.
    """
    unit = points_unit().pk
    gone = _last(list(left), [at] * len(left), unit)
    moments = [moment for _key, moment in gone]
    # in the order of the lot, not of the ids: those who came first are not set beside those who left first
    going = _last(list(stayed), [moments[n % len(moments)] for n in range(len(stayed))], unit) if moments else []
    valid = valid_at(at)
    tiers = list(valid[1].tiers.ids) if valid is not None and valid[1].tiers is not None else []
    values: dict[str, Any] = {
        "unit": unit, "tiers": tiers,
        "ids": [key for key, _at in (*gone, *going)], "moments": [moment for _key, moment in (*gone, *going)],
        "left": [True] * len(gone) + [False] * len(going),
    }  # fmt: skip
    return Leaving(len(gone), len(going), _signs(_counted(values)))


def _last(ids: list[int], until: list[dt.datetime], unit: int) -> list[tuple[int, dt.datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"ids": ids, "until": until, "unit": unit, "most": MOST})
        return [(int(key), moment) for key, moment in cursor.fetchall()]


def _counted(values: dict[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    """Of each sign: of those who left how many had it, and how many could; the same of those who stayed."""
    columns = [
        f"count(*) FILTER (WHERE {who} AND ({applies}){holds})"
        for applies, is_there in _SIGNS.values()
        for who in ("m.is_left", "NOT m.is_left")
        for holds in (f" AND ({is_there})", "")
    ]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(columns=", ".join(columns)), values)
        row = [int(one) for one in cursor.fetchone()]
    return {sign: (row[4 * n], row[4 * n + 1], row[4 * n + 2], row[4 * n + 3]) for n, sign in enumerate(_SIGNS)}


def _signs(counts: dict[str, tuple[int, int, int, int]]) -> tuple[Sign, ...]:
    told = {sign: one for sign, one in counts.items() if min(one[1], one[3]) >= FEWEST}
    q = dict(zip(told, q_values(np.array([_p_value(*one) for one in told.values()])), strict=True)) if told else {}
    return tuple(_sign(sign, one, float(q[sign]) if sign in q else None) for sign, one in counts.items())


def _sign(sign: str, counts: tuple[int, int, int, int], q: float | None) -> Sign:
    if q is None:
        return Sign(sign, None, None, None, None)
    left, stayed = wilson(counts[0], counts[1]), wilson(counts[2], counts[3])
    assert left is not None and stayed is not None
    more = left.value - stayed.value
    # the interval of a difference from those of both shares (Newcombe 1998, method 10)
    low = more - math.hypot(left.value - left.low, stayed.high - stayed.value)
    high = more + math.hypot(left.high - left.value, stayed.value - stayed.low)
    return Sign(sign, left, stayed, Estimate(more, low, high), q)


def _p_value(left: int, of_left: int, stayed: int, of_stayed: int) -> float:
    """Two-sided, of no difference between two shares (Fisher's exact test)."""
    table = [[left, of_left - left], [stayed, of_stayed - stayed]]
    return float(stats.fisher_exact(table).pvalue)
