"""Members beside comparable customers: who joined, against those who bought alike before and had not joined by then.

An association, not an effect: who joins wants to buy. The same comparison on the time before joining shows how far
both differed already. Only a holdout proves what the programme does.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.matching import Matched, matched_difference
from regulars.loyalty.members import points_unit

FEWEST = 100  # who joined and found their like: below, chance decides
MOST = 60_000  # customers are looked at, drawn by lot
SPAN = dt.timedelta(days=30)
_SPANS = 6  # that are looked back, and forward when so many have passed
_COHORTS = 6  # spans in which customers joined
_DUE = np.array([7, 14, 30, 60, 120])  # days since the last purchase that part strata

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# what each customer who was drawn bought in each span of thirty days, in one pass
_BOUGHT = """
WITH person AS MATERIALIZED (
    SELECT c.id, min(a.opened_at) AS joined
    FROM customers_customer c LEFT JOIN loyalty_account a ON a.customer_id = c.id AND a.unit_id = %(unit)s
    WHERE c.merged_into_id IS NULL AND NOT c.is_erased
        AND abs(mod(hashint8extended(c.id, 5), 10000)) < %(share)s
    GROUP BY c.id
)
SELECT p.id, coalesce(floor(extract(epoch FROM p.joined - %(origin)s) / %(span)s), 1000000)::int AS joined,
    floor(extract(epoch FROM r.purchased_at - %(origin)s) / %(span)s)::int AS place,
    count(*) FILTER (WHERE m.paid > 0), sum(m.paid)::float8,
    coalesce(max(extract(epoch FROM r.purchased_at - %(origin)s)) FILTER (WHERE m.paid > 0), -1)::float8
FROM person p JOIN purchases_receipt r ON r.customer_id = p.id
LEFT JOIN loyalty_sale s ON s.receipt_id = r.id LEFT JOIN loyalty_salereturn b ON b.receipt_id = r.id
CROSS JOIN LATERAL (SELECT coalesce(s.price - s.discount - s.by_points, -b.refund, r.amount) AS paid) m
WHERE r.purchased_at >= %(origin)s AND r.purchased_at < %(now)s
GROUP BY p.id, p.joined, place
"""


@dataclass(frozen=True)
class Compared:
    """The differences of money, in minor units, and of visits: of one who joined, over the whole time after."""

    matched: int
    others: int
    paid: Estimate
    visits: Estimate

    @property
    def is_even(self) -> bool:
        """Whether neither differs by more than chance."""
        return all(one.low <= 0 <= one.high for one in (self.paid, self.visits))


@dataclass(frozen=True)
class Joined:
    """Who joined in the days from `first` up to `last`, and bought; what followed in `days` days after.

    `after` compares the change from as many days before; None while too few found their like. `before` is the same at a
    time when nobody had joined yet, and should be nothing; None when too few were known then. `share` of all
    customers were drawn by lot.
    """

    first: dt.date
    last: dt.date
    days: int
    joined: int
    matched: int
    share: float
    after: Compared | None
    before: Compared | None


@dataclass(frozen=True)
class _History:
    """By customer and span: visits, money, the second of the last purchase. `joined` is the span; far away: never."""

    who: Ints
    joined: Ints
    visits: Ints
    paid: Floats
    last: Floats


def joined(now: dt.datetime) -> Joined | None:
    """Compare those who joined in the last half a year of which enough time has passed; None: the programme is too new.

    Strata are coarse: visits and money of 180 days before by doubling, and how long ago the last purchase was. The
    month of joining itself counts neither as before nor as after: who joins at a till buys there.
    """
    unit = points_unit().pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(opened_at), max(id) FROM loyalty_account WHERE unit_id = %s", [unit])
        began = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM customers_customer WHERE merged_into_id IS NULL AND NOT is_erased")
        customers = int(cursor.fetchone()[0])
    age = (now - began) // SPAN if began is not None else 0
    after = min(_SPANS, age // 2)
    if not after:
        return None
    # up to the oldest span that the check of the oldest cohort looks back to
    spans = _COHORTS + 2 * after + _SPANS + 1
    origin = now - spans * SPAN
    cohorts = range(max(spans - after - _COHORTS, spans - age), spans - after)
    share = min(10_000, MOST * 10_000 // max(1, customers))
    history = _history(now, origin, spans, unit, share)
    late, early = (_compared(history, cohorts, after, back) for back in (0, after + 1))
    first, last = (origin + place * SPAN for place in (cohorts.start, cohorts.stop))
    count = int(np.isin(history.joined, list(cohorts)).sum())
    found = Joined(
        first.date(), last.date(), after * SPAN.days, count, late.matched if late else 0, share / 10_000, None, None
    )
    return _told(found, late, early)


def _told(found: Joined, late: Compared | None, early: Compared | None) -> Joined:
    enough = [one if one is not None and one.matched >= FEWEST else None for one in (late, early)]
    return Joined(
        found.first, found.last, found.days, found.joined, found.matched, found.share,
        enough[0], enough[1] if enough[0] else None,
    )  # fmt: skip


def _history(now: dt.datetime, origin: dt.datetime, spans: int, unit: int, share: int) -> _History:
    values: dict[str, Any] = {
        "now": now, "origin": origin, "span": SPAN.total_seconds(), "unit": unit, "share": share
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT, values)
        rows = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 6)
    who, where = np.unique(rows[:, 0].astype(np.int64), return_inverse=True)
    place = np.clip(rows[:, 2].astype(np.int64), 0, spans - 1)
    member = np.zeros(who.size, dtype=np.int64)
    member[where] = rows[:, 1].astype(np.int64)
    tables = [np.full((who.size, spans), nothing, dtype=np.float64) for nothing in (0, 0, -np.inf)]
    for table, column in zip(tables, (3, 4, 5), strict=True):
        table[where, place] = rows[:, column]
    tables[2][tables[2] < 0] = -np.inf
    return _History(who, member, tables[0].astype(np.int64), tables[1], tables[2])


def _compared(history: _History, cohorts: Sequence[int], after: int, back: int) -> Compared | None:
    """All cohorts together, `back` spans before they joined."""
    parts = [one for cohort in cohorts if (one := _cohort(history, cohort, cohort - back, after)) is not None]
    if not parts:
        return None
    who, is_joined, strata, paid, visits = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = [matched_difference(who, is_joined, strata, change) for change in (paid, visits)]
    return _both(*found)


def _both(paid: Matched | None, visits: Matched | None) -> Compared | None:
    if paid is None or visits is None:
        return None
    return Compared(paid.matched, paid.others, paid.difference, visits.difference)


def _cohort(history: _History, cohort: int, at: int, after: int) -> tuple[Any, ...] | None:
    """Who joined in the span `cohort` and who had not by its end, as they were when the span `at` began."""
    before, then = slice(at - _SPANS, at), slice(at + 1, at + 1 + after)
    lately = slice(at - after, at)
    visits, paid = history.visits[:, before].sum(axis=1), history.paid[:, before].sum(axis=1)
    chosen = (history.joined >= cohort) & (visits > 0) & (paid > 0)
    if not chosen.any():
        return None
    due = (at * SPAN.total_seconds() - history.last[chosen, before].max(axis=1)) / 86_400
    strata = (
        (cohort * 64 + np.log2(visits[chosen]).astype(np.int64)) * 64 + np.log2(paid[chosen]).astype(np.int64)
    ) * 8 + np.searchsorted(_DUE, due)
    changes = (table[chosen, then].sum(axis=1) - table[chosen, lately].sum(axis=1) for table in _tables(history))
    return history.who[chosen], history.joined[chosen] == cohort, strata, *changes


def _tables(history: _History) -> tuple[Floats, Floats]:
    return history.paid, history.visits.astype(np.float64)
