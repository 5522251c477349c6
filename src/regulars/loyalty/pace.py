"""How fast a member earns points: by his purchases of the last year, and only when there are enough of them."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from django.db import connection

from regulars.customers.models import Customer
from regulars.loyalty.members import points_unit

WINDOW = dt.timedelta(days=365)
FEWEST = 3  # purchases with points from which a pace is told
_Z = 1.96

# each purchase with what it brought less what went with its returns, since he joined or in the last year
_EARNED = """
WITH mine AS (
    SELECT a.id, a.opened_at FROM loyalty_account a WHERE a.customer_id = %(customer)s AND a.unit_id = %(unit)s
), earned AS (
    SELECT coalesce(t.reverses_id, t.id) AS purchase, sum(p.amount) AS points
    FROM mine JOIN loyalty_posting p ON p.account_id = mine.id JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE t.recorded_at > %(since)s AND t.recorded_at <= %(at)s
        AND (t.kind = 'sale' AND p.amount > 0 OR t.kind IN ('return', 'void') AND p.amount < 0)
    GROUP BY 1 HAVING sum(p.amount) > 0
)
SELECT count(*), coalesce(sum(points), 0)::float, coalesce(sum(points * points), 0)::float,
    (SELECT min(opened_at) FROM mine)
FROM earned
"""


@dataclass(frozen=True)
class Pace:
    """Points in a day, with an interval of 95 %."""

    value: float
    low: float
    high: float


def pace_of(customer: Customer, *, at: dt.datetime) -> Pace | None:
    """His pace; None when he bought too seldom to have one.

    What he earned is a sum of `n` purchases of unequal size (a compound Poisson process), so the relative error of the
    pace is sqrt((1 + cv²) / n), where cv is the coefficient of variation of a purchase; the interval is lognormal.
    """
    values: dict[str, Any] = {"customer": customer.pk, "unit": points_unit().pk, "since": at - WINDOW, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_EARNED, values)
        count, total, squares, joined = cursor.fetchone()
    if count < FEWEST:
        return None
    days = max(1.0, (at - max(joined, at - WINDOW)) / dt.timedelta(days=1))
    # (1 + cv²) / n is the sum of the squares by the square of the sum
    error = math.sqrt(squares) / total
    value = total / days
    return Pace(value, value * math.exp(-_Z * error), value * math.exp(_Z * error))
