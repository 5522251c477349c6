"""Which share of points that never expire is spent in the end: told from how points of each age were spent.

No day decides their fate, so most of them are still alive whenever somebody looks. Each point is watched from the day
on which it could be spent until it was spent, was taken back, or until now, and who is still watched counts as long as
he was: S(t) is the product over the days up to t of 1 - d / n, with d points that were spent at this age of n that
were alive and watched (Kaplan & Meier 1958; of points as actuaries develop them by age: Gault, Llaguno & Lowe 2012,
"Loyalty rewards and gift card programs", CAS E-Forum). 1 - S at the oldest age estimates the share that is spent in the
end when the curve has come to rest (Maller & Zhou 1992, "Estimating the proportion of immunes in a censored sample",
Biometrika 79). Points of one member share his habits, so the variance is that of dependent times: the sum over members
of the squares of what each of them adds to the curve (Ying & Wei 1994, Journal of Multivariate Analysis 50).
"""

import datetime as dt
import math

from django.db import connection

from regulars.loyalty.breakage import FEWEST_DECIDED, UNKNOWN, Outlook
from regulars.loyalty.members import points_unit

_WATCHED_DAYS = 365  # every season: before, nobody knows what comes once a year
_AT_REST = 0.05  # of all points: so few were spent in the second half of the time that the curve has come to rest

# A point that was spent and given back was not spent. What was taken back is watched no more from then on. Ages beyond
# the one that enough members' points have reached are cut off: there the curve would hang on a few of them.
_CURVE = """
WITH moved AS (
    SELECT l.id AS lot, l.account_id AS member, extract(epoch FROM %(at)s - l.available_at) / 86400 AS watched,
        p.amount, t.kind IN ('sale', 'capture', 'reward') AND p.amount < 0
            OR t.kind IN ('return', 'void', 'unreward') AND p.amount > 0 AS is_spending,
        coalesce(t.reverses_id, t.id) AS first, extract(epoch FROM t.recorded_at - l.available_at) / 86400 AS age
    FROM loyalty_lot l JOIN loyalty_posting p ON p.lot_id = l.id JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE l.expires_at IS NULL AND l.available_at <= %(at)s AND t.recorded_at <= %(at)s AND t.unit_id = %(unit)s
), horizon AS (
    SELECT floor(watched)::int AS days FROM (SELECT max(watched) AS watched FROM moved GROUP BY member) AS oldest
    ORDER BY watched DESC OFFSET %(fewest)s - 1 LIMIT 1
), part AS (
    SELECT member, min(age) AS age, true AS is_spent, -sum(amount) AS points
    FROM moved WHERE is_spending GROUP BY lot, member, first HAVING sum(amount) < 0
    UNION ALL SELECT member, age, false, -amount FROM moved WHERE NOT is_spending AND amount < 0
    UNION ALL SELECT member, min(watched), false, sum(amount) FROM moved GROUP BY lot, member HAVING sum(amount) > 0
), point AS (
    SELECT member, least(greatest(floor(age)::int, 0), days) AS age, is_spent AND age < days + 1 AS is_spent,
        points::float8 AS points
    FROM part, horizon
), day AS (
    SELECT age, coalesce(sum(points) FILTER (WHERE is_spent), 0) AS spent,
        sum(sum(points)) OVER (ORDER BY age DESC) AS alive
    FROM point GROUP BY age
), curve AS (
    SELECT age, alive,
        sum(CASE WHEN spent < alive THEN ln(1 - spent / alive) ELSE '-Infinity' END) OVER upto AS log_left,
        sum(spent / alive / alive) OVER upto AS hazard
    FROM day WINDOW upto AS (ORDER BY age)
), added AS (
    SELECT sum(points * ((CASE WHEN is_spent THEN 1 / alive ELSE 0 END) - hazard)) AS share
    FROM point JOIN curve USING (age) GROUP BY member
)
SELECT (SELECT days FROM horizon), (SELECT count(*) FROM added), (SELECT sum(points) FROM point),
    exp((SELECT log_left FROM curve ORDER BY age DESC LIMIT 1)),
    exp(coalesce((SELECT log_left FROM curve, horizon WHERE age <= days / 2 ORDER BY age DESC LIMIT 1), 0)),
    (SELECT sum(share * share) FROM added)
"""


def lasting_share(at: dt.datetime) -> Outlook:
    """Of points that never expire, as it was known at the moment.

    What happens to points older than any that were watched nobody has seen: between nothing more is spent (`low`, with
    the error of the curve) and all is spent (`high`, one). `value` is the share at the oldest age; it is None unless
    points were watched for a year and hardly any were spent in the second half of the time. Below 30 members nothing is
    known.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CURVE, {"at": at, "unit": points_unit().pk, "fewest": FEWEST_DECIDED})
        days, members, points, left, left_half_way, squares = cursor.fetchone()
    if days is None or not points:
        return UNKNOWN
    spent = 1 - left
    low = max(0.0, spent - 1.96 * left * math.sqrt(squares))
    is_at_rest = days >= _WATCHED_DAYS and left_half_way - left <= _AT_REST
    return Outlook(spent if is_at_rest else None, low, 1.0, members, round(points), days)
