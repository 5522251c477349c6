"""Why members leave: what happened to those who left shortly before it, against those who went on buying.

Each sign is looked for before the last purchase of who left. Who stayed gets the moment of somebody who left, so that a
season is the same for both, and his last purchase before.

A change of the rules would so be the same for both, too, and never be found. It is asked about otherwise: if a change
does nothing, every purchase around it is as likely to be the last one as any other. Of the last purchases of who left
within 30 days before and after a change, `left` is the share after it; `stayed` is that of one purchase of each who
stayed, drawn by lot from all his purchases in these 60 days. Only days beside a change are compared, and members of
three months at least, so growth and newcomers weigh little. The first rules are no change. Of a change after whose 30
days less than a tenth of the leavers left too few are known to have left yet: it is not looked at.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy
from django.db import connection

from regulars.analytics.corrections import q_values
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import wilson
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Programme
from regulars.loyalty.programmes import valid_at

FEWEST = 50  # members of both kinds to whom a sign can apply
REPORTED_BELOW = 0.05  # false discovery rate over all signs (Benjamini & Hochberg 1995)
MOST = 10_000  # of each kind are looked at, drawn by lot: the page waits for them
_MONTH = dt.timedelta(days=30)
_STILL_LEFT = 0.9  # of the leavers: what changed later is too new

# Each sign: to whom it can apply, and whether it is there (null: it cannot be told). `at` is the last purchase, `near`
# the one beside a change of the rules. Nothing after `at` counts: it may come of not buying.
_SIGNS = {
    "no_reward": (
        "m.joined <= m.at - interval '90 days'",
        """NOT EXISTS (SELECT 1 FROM loyalty_account a JOIN loyalty_posting p ON p.account_id = a.id
            JOIN loyalty_transaction t ON t.id = p.transaction_id
            WHERE a.customer_id = m.id AND a.unit_id = %(unit)s AND p.amount < 0 AND p.lot_id IS NOT NULL
            AND t.kind IN ('sale', 'capture', 'reward') AND t.happened_at <= m.at)""",
    ),
    "rules_changed": (
        "m.near IS NOT NULL",
        """EXISTS (SELECT 1 FROM unnest(%(changes)s::timestamptz[]) AS c (since)
            WHERE m.near >= c.since AND m.near < c.since + interval '30 days')""",
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
    # offers of rivals nobody knows. That he came for lower prices in the end can be seen: of his last three receipts at
    # tills a share of the lines was discounted that is higher by a quarter of all lines than of up to nine before
    "bought_on_price": (
        """6 = (SELECT count(*) FROM (SELECT 1 FROM loyalty_sale s
            WHERE s.customer_id = m.id AND s.purchased_at <= m.at LIMIT 6) AS enough)""",
        """(SELECT avg((l.discount > 0)::int) FILTER (WHERE s.place <= 3)
                >= avg((l.discount > 0)::int) FILTER (WHERE s.place > 3) + 0.25
            FROM (
                SELECT s.id, row_number() OVER (ORDER BY s.purchased_at DESC, s.id DESC) AS place FROM loyalty_sale s
                WHERE s.customer_id = m.id AND s.purchased_at <= m.at ORDER BY s.purchased_at DESC, s.id DESC LIMIT 12
            ) AS s JOIN loyalty_saleline l ON l.sale_id = s.id)""",
    ),
}

_FLAGS = """
WITH m AS MATERIALIZED (
    SELECT w.id, w.at, w.is_left, w.near, (
        SELECT min(a.opened_at) FROM loyalty_account a WHERE a.customer_id = w.id AND a.unit_id = %(unit)s
    ) AS joined
    FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[], %(left)s::bool[], %(near)s::timestamptz[])
        AS w (id, at, is_left, near)
)
SELECT m.id, m.is_left, {columns} FROM m
"""

# one purchase of each beside a change of the rules, drawn by lot
_NEAR = """
SELECT DISTINCT ON (w.id) w.id, r.purchased_at
FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[]) AS w (id, since, until)
JOIN purchases_receipt r ON r.customer_id = w.id AND r.amount > 0 AND r.purchased_at BETWEEN w.since AND w.until
WHERE EXISTS (SELECT 1 FROM loyalty_account a WHERE a.customer_id = w.id AND a.unit_id = %(unit)s
    AND a.opened_at <= r.purchased_at - interval '90 days')
AND EXISTS (SELECT 1 FROM unnest(%(changes)s::timestamptz[]) AS c (since)
    WHERE r.purchased_at >= c.since - interval '30 days' AND r.purchased_at < c.since + interval '30 days')
ORDER BY w.id, hashint8extended(r.id, 0), r.id
"""

# the last purchase of each before a moment that may be his own
_LAST = """
SELECT w.id, max(r.purchased_at) FROM unnest(%(ids)s::bigint[], %(until)s::timestamptz[]) AS w (id, until)
JOIN purchases_receipt r ON r.customer_id = w.id AND r.amount > 0 AND r.purchased_at <= w.until
WHERE EXISTS (SELECT 1 FROM loyalty_account a WHERE a.customer_id = w.id AND a.unit_id = %(unit)s
    AND a.opened_at <= w.until)
GROUP BY w.id ORDER BY hashint8extended(w.id, 0), w.id LIMIT %(most)s
"""

# a member, whether he left, and of each sign whether he had it; None: it could not be
Flags = tuple[int, bool, dict[str, bool | None]]


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
    """How many members of each kind were looked at, every sign that was, and the signs of each who left with any."""

    left: int
    stayed: int
    signs: tuple[Sign, ...]
    had: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


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
    changes = _changes(moments)
    near = _near(gone, going, changes, unit)
    both = (*gone, *going)
    values: dict[str, Any] = {
        "unit": unit, "tiers": tiers, "changes": changes, "ids": [key for key, _at in both],
        "moments": [moment for _key, moment in both], "near": [near.get(key) for key, _at in both],
        "left": [True] * len(gone) + [False] * len(going),
    }  # fmt: skip
    flags = _flags(values)
    had = {key: tuple(sign for sign, has in told.items() if has) for key, is_left, told in flags if is_left}
    signs = _signs({sign: _counted(sign, flags) for sign in _SIGNS})
    return Leaving(len(gone), len(going), signs, {key: some for key, some in had.items() if some})


def _changes(moments: list[dt.datetime]) -> list[dt.datetime]:
    """When the rules changed, and a tenth of the leavers left more than 30 days after it."""
    if not moments:
        return []
    newest = sorted(moments)[int(_STILL_LEFT * (len(moments) - 1))] - _MONTH
    begun = Programme.objects.order_by("valid_from").values_list("valid_from", flat=True)
    return [since for since in begun[1:] if since <= newest]


def _near(
    gone: list[tuple[int, dt.datetime]], going: list[tuple[int, dt.datetime]], changes: list[dt.datetime], unit: int
) -> dict[int, dt.datetime]:
    """Of each his purchase beside a change: of who left only the last one, of who stayed any."""
    if not changes:
        return {}
    first, last = min(changes) - _MONTH, max(changes) + _MONTH
    values: dict[str, Any] = {
        "unit": unit, "changes": changes, "ids": [key for key, _at in (*gone, *going)],
        "since": [at for _key, at in gone] + [first] * len(going),
        "until": [at for _key, at in gone] + [last] * len(going),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, values)
        return {int(key): moment for key, moment in cursor.fetchall()}


def _last(ids: list[int], until: list[dt.datetime], unit: int) -> list[tuple[int, dt.datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST, {"ids": ids, "until": until, "unit": unit, "most": MOST})
        return [(int(key), moment) for key, moment in cursor.fetchall()]


def _flags(values: dict[str, Any]) -> list[Flags]:
    columns = ", ".join(f"CASE WHEN {applies} THEN {is_there} END" for applies, is_there in _SIGNS.values())
    with connection.cursor() as cursor:
        cursor.execute(_FLAGS.format(columns=columns), values)
        return [
            (int(key), bool(is_left), dict(zip(_SIGNS, told, strict=True))) for key, is_left, *told in cursor.fetchall()
        ]


def _counted(sign: str, flags: list[Flags]) -> tuple[int, int, int, int]:
    """Of those who left how many had it, and how many could; the same of those who stayed."""
    of_left = [told[sign] for _key, is_left, told in flags if is_left and told[sign] is not None]
    of_stayed = [told[sign] for _key, is_left, told in flags if not is_left and told[sign] is not None]
    return of_left.count(True), len(of_left), of_stayed.count(True), len(of_stayed)


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
    return float(scipy.stats.fisher_exact(table).pvalue)
