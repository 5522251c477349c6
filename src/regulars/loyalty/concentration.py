"""Cards that meet one cashier more often than chance makes them: a cashier who shows a card of his own for others.

Regulars come at their hours and cashiers work theirs, so only hours of a shop in which at least two cashiers served
members say anything. Within such an hour every cashier is equally likely to have served each of its receipts; given
how many each of them served and how many the card had, the number of meetings is hypergeometric, and over all hours a
sum of such numbers. This is the exact conditional test of stratified two-by-two tables (Mantel & Haenszel 1959;
Mehta, Patel & Gray 1985), one-sided. All pairs of a cashier and a card with enough receipts are compared, and the
false discovery rate is held at 5 per cent (Benjamini & Hochberg 1995).

It is no proof: people queue by the same till, work in one department, or are friends.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from django.db import OperationalError, connection, transaction
from numpy.typing import NDArray

from regulars.accounts.models import User
from regulars.analytics.corrections import q_values
from regulars.customers.models import Customer

DAYS = 90
FEWEST = 8  # receipts of a card in such hours: of fewer nothing can be said
FEWEST_TOGETHER = 5
TIMES = 2  # less than twice what chance gives is too little to ask anybody about
RATE = 0.05
_PATIENCE_MS = 20_000  # for each question: half a million receipts take five seconds

Floats = NDArray[np.float64]

# hours in which there was a choice, what each cashier served in them, and how often each card came
_HOURS = """
WITH told AS (
    SELECT coalesce(s.store_id, 0) AS store, date_trunc('hour', s.purchased_at) AS hour, s.cashier, s.customer_id
    FROM loyalty_sale s
    WHERE s.purchased_at >= %(since)s AND s.purchased_at < %(as_of)s AND s.customer_id IS NOT NULL AND s.cashier <> ''
), hands AS (
    SELECT store, hour, cashier, count(*) AS served FROM told GROUP BY store, hour, cashier
), hours AS (
    SELECT store, hour, sum(served) AS served FROM hands GROUP BY store, hour HAVING count(*) > 1
), cards AS (
    SELECT customer_id, store, hour, count(*) AS shown FROM told JOIN hours USING (store, hour)
    GROUP BY customer_id, store, hour
), regulars AS (
    SELECT customer_id FROM cards GROUP BY customer_id HAVING sum(shown) >= %(fewest)s
)
"""

_PAIRS = f"""{_HOURS}, chances AS (
    SELECT c.customer_id, hands.cashier, sum(c.shown) AS shown, sum(c.shown * hands.served / hours.served) AS expected
    FROM cards c JOIN regulars USING (customer_id) JOIN hands USING (store, hour) JOIN hours USING (store, hour)
    GROUP BY c.customer_id, hands.cashier
), met AS (
    SELECT customer_id, cashier, count(*) AS times FROM told JOIN hours USING (store, hour)
    GROUP BY customer_id, cashier
), pairs AS (
    SELECT customer_id, cashier, shown::bigint, expected::float8, coalesce(times, 0) AS times
    FROM chances LEFT JOIN met USING (customer_id, cashier)
)
SELECT pairs.*, compared FROM (SELECT count(*) AS compared FROM pairs) AS counted
LEFT JOIN pairs ON times >= %(fewest_together)s AND times >= %(times)s * expected
"""

_STRATA = f"""{_HOURS}
SELECT c.customer_id, hands.cashier, c.shown, hands.served, hours.served::bigint
FROM cards c JOIN hands USING (store, hour) JOIN hours USING (store, hour)
WHERE (c.customer_id, hands.cashier) IN (SELECT * FROM unnest(%(customers)s::bigint[], %(cashiers)s::text[]))
"""

# of all hours: what people see when they look at the receipts
_SHARES = """
SELECT count(*) FILTER (WHERE customer_id = %(customer)s AND cashier = %(cashier)s),
    count(*) FILTER (WHERE customer_id = %(customer)s), count(*) FILTER (WHERE cashier = %(cashier)s),
    coalesce(sum(points_earned) FILTER (WHERE customer_id = %(customer)s AND cashier = %(cashier)s), 0)::bigint,
    coalesce(sum(points_earned) FILTER (WHERE customer_id = %(customer)s), 0)::bigint
FROM loyalty_sale
WHERE (customer_id = %(customer)s OR cashier = %(cashier)s) AND customer_id IS NOT NULL
    AND purchased_at >= %(since)s AND purchased_at < %(as_of)s
"""


@dataclass(frozen=True)
class Meeting:
    """A cashier and a card: `times` of the `shown` receipts of hours in which he and others served.

    Chance gives `expected`. `q`: the false discovery rate at which it would just be told. The shares are of all his
    receipts with members, of all receipts of the card, and of all points that it earned.
    """

    cashier: str
    customer: Customer
    times: int
    shown: int
    expected: float
    q: float
    of_cashier: float
    of_card: float
    of_points: float


@dataclass(frozen=True)
class Concentration:
    """What was found among so many comparisons."""

    compared: int
    meetings: tuple[Meeting, ...]


def concentration(user: User, *, as_of: dt.datetime, days: int = DAYS) -> Concentration | None:
    """Pairs that meet more often than chance makes them, the least likely first; of customers that the user sees.

    None when a question to the database takes too long: somebody waits for the page, and tills for the database.
    """
    values: dict[str, Any] = {
        "since": as_of - dt.timedelta(days=days), "as_of": as_of, "fewest": FEWEST,
        "fewest_together": FEWEST_TOGETHER, "times": TIMES,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {_PATIENCE_MS:d}")
            found = _concentration(user, values)
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            return found
    except OperationalError:
        return None


def _concentration(user: User, values: dict[str, Any]) -> Concentration:
    rows = _rows(_PAIRS, values)
    compared = int(rows[0][5])
    if rows[0][0] is None:
        return Concentration(compared, ())
    pairs = [(int(row[0]), str(row[1])) for row in rows]
    strata = _strata(pairs, values)
    # pairs that cannot be told anyway count as the least telling: it makes none of the others more so
    p = np.ones(compared)
    p[: len(rows)] = [tail(strata[pair], int(row[4])) for pair, row in zip(pairs, rows, strict=True)]
    q = q_values(p)
    seen = Customer.objects.seen_by(user).in_bulk([customer for customer, _cashier in pairs])
    found = [
        _meeting(seen[customer], row, float(q[place]), values)
        for place, ((customer, _cashier), row) in enumerate(zip(pairs, rows, strict=True))
        if q[place] <= RATE and customer in seen
    ]
    return Concentration(compared, tuple(sorted(found, key=lambda one: (one.q, -one.times, one.cashier))))


def tail(strata: Iterable[tuple[int, int, int]], times: int) -> float:
    """The chance of so many meetings or more; strata are (the card's, the cashier's, all) receipts of an hour.

    >>> round(tail([(1, 1, 2)] * 5, 5), 5)
    0.03125
    """
    whole: Floats = np.ones(1)
    for shown, served, everything in strata:
        whole = np.convolve(whole, scipy.stats.hypergeom.pmf(np.arange(shown + 1), everything, served, shown))
    return float(min(1.0, whole[times:].sum()))


def _strata(pairs: list[tuple[int, str]], values: dict[str, Any]) -> dict[tuple[int, str], list[tuple[int, int, int]]]:
    customers, cashiers = [customer for customer, _ in pairs], [cashier for _, cashier in pairs]
    found = defaultdict(list)
    for customer, cashier, *counts in _rows(_STRATA, values | {"customers": customers, "cashiers": cashiers}):
        found[int(customer), str(cashier)].append((int(counts[0]), int(counts[1]), int(counts[2])))
    return found


def _meeting(customer: Customer, row: tuple[Any, ...], q: float, values: dict[str, Any]) -> Meeting:
    _customer, cashier, shown, expected, times, _compared = row
    ((together, of_card, of_cashier, points, of_points),) = _rows(
        _SHARES, values | {"customer": customer.pk, "cashier": cashier}
    )
    return Meeting(
        cashier, customer, int(times), int(shown), float(expected), q, of_cashier=together / of_cashier,
        of_card=together / of_card, of_points=points / of_points if of_points else 0.0,
    )  # fmt: skip


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
