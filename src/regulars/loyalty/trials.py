"""What a rule earned: members who had it against those whom the lot left without it, since its first day.

People look at it whenever they like, and at several rules at once. So the intervals hold at all looks together, and a
difference is shown only when it stands out among all that are compared.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db import connection

from regulars.analytics.corrections import q_values
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval
from regulars.analytics.trial_size import control_group
from regulars.loyalty.differences import Difference, Gain, time_of
from regulars.loyalty.expected import stood
from regulars.loyalty.members import points_unit
from regulars.loyalty.paying import Payoff, Price, payoff
from regulars.loyalty.programme.rules import Rule
from regulars.loyalty.programmes import rules_of, valid_at, versions

FIRST_LOOK = dt.timedelta(days=28)  # four whole weeks: before, the days of the week differ
FEWEST = 100  # members in each group: below, one big receipt decides
WORTH_SEEING = 0.05  # of what members without the rule pay: who looks for less needs more members than most have

# each member once, with all who became part of him; of one who joined later his time counts from then. Both groups are
# looked at whole, whether they bought or not, so nothing but the lot tells them apart
_OUTCOMES = """
WITH RECURSIVE part (id, whole) AS (
    SELECT c.id, c.id FROM customers_customer c WHERE c.merged_into_id IS NULL AND NOT c.is_erased
    UNION ALL
    SELECT below.id, part.whole FROM part JOIN customers_customer below ON below.merged_into_id = part.id
), member (id, begin) AS (
    SELECT part.whole, greatest(min(a.opened_at), %(since)s) FROM part
    JOIN loyalty_account a ON a.customer_id = part.id AND a.unit_id = %(unit)s
    WHERE a.opened_at < %(until)s GROUP BY part.whole
), gone (sale_id, discount, by_points, earned) AS (
    SELECT d.sale_id, sum(d.discount * d.returned / d.quantity), sum(d.by_points * d.returned / d.quantity),
        sum(d.earned * d.returned / d.quantity)
    FROM loyalty_saleline d WHERE d.sale_id IN (SELECT sale_id FROM loyalty_salereturn) GROUP BY 1
), bought (id, paid, margin, taken_off, discount, earned, taken_off_costed, discount_costed, earned_costed,
        paid_early, margin_early) AS (
    SELECT m.id, sum(p.money), sum(l.margin - r.amount + p.money),
        sum(g.discount + g.by_points), sum(g.discount), sum(g.earned),
        sum(g.discount + g.by_points) FILTER (WHERE l.margin IS NOT NULL),
        sum(g.discount) FILTER (WHERE l.margin IS NOT NULL), sum(g.earned) FILTER (WHERE l.margin IS NOT NULL),
        sum(p.money) FILTER (WHERE r.purchased_at < %(first)s),
        sum(l.margin - r.amount + p.money) FILTER (WHERE r.purchased_at < %(first)s)
    FROM member m JOIN part ON part.whole = m.id JOIN purchases_receipt r ON r.customer_id = part.id
    LEFT JOIN loyalty_sale s ON s.receipt_id = r.id LEFT JOIN loyalty_salereturn b ON b.receipt_id = r.id
    CROSS JOIN LATERAL (
        SELECT coalesce(s.price - s.discount - s.by_points, -b.refund - b.to_certificates, r.amount) AS money
    ) p
    LEFT JOIN gone ON gone.sale_id = s.id
    CROSS JOIN LATERAL (
        SELECT coalesce(s.discount - coalesce(gone.discount, 0), 0) AS discount,
            coalesce(s.by_points - coalesce(gone.by_points, 0), 0) AS by_points,
            coalesce(s.points_earned - coalesce(gone.earned, 0), 0) AS earned
    ) g
    LEFT JOIN LATERAL (
        SELECT sum(line.amount - line.cost) AS margin FROM purchases_line line WHERE line.receipt_id = r.id
    ) l ON true
    WHERE r.purchased_at >= m.begin AND r.purchased_at >= %(since)s AND r.purchased_at < %(until)s GROUP BY m.id
), gift (id, beyond) AS (
    SELECT m.id, sum(greatest(w.cost - w.points * %(worth)s, 0))
    FROM member m JOIN part ON part.whole = m.id JOIN loyalty_reward w ON w.customer_id = part.id
    WHERE w.cancelled_at IS NULL AND w.taken_at >= m.begin AND w.taken_at < %(until)s GROUP BY m.id
), known (is_margin) AS (
    SELECT count(margin) > 0 FROM bought
), drawn (is_held, is_early, paid, margin, paid_early, margin_early, is_margin, gross, own, earned) AS (
    SELECT ('x' || left(md5(%(rule)s || chr(31) || m.id), 8))::bit(32)::bigint %% 10000 < %(share)s,
        m.begin < %(first)s,
        coalesce(b.paid, 0)::float8, coalesce(b.margin, 0)::float8,
        coalesce(b.paid_early, 0)::float8, coalesce(b.margin_early, 0)::float8, k.is_margin,
        coalesce(CASE WHEN k.is_margin THEN b.margin + b.taken_off_costed ELSE b.paid + b.taken_off END, 0)::float8,
        (coalesce(CASE WHEN k.is_margin THEN b.discount_costed ELSE b.discount END, 0)
            + coalesce(gift.beyond, 0))::float8,
        coalesce(CASE WHEN k.is_margin THEN b.earned_costed ELSE b.earned END, 0)::float8
    FROM known k CROSS JOIN member m LEFT JOIN bought b ON b.id = m.id LEFT JOIN gift ON gift.id = m.id
)
SELECT is_held, count(*), avg(paid), var_samp(paid), avg(margin), var_samp(margin),
    count(*) FILTER (WHERE is_early), coalesce(var_samp(paid_early) FILTER (WHERE is_early), 0),
    coalesce(var_samp(margin_early) FILTER (WHERE is_early), 0),
    bool_and(is_margin), avg(gross), avg(own), avg(earned), var_samp(gross), var_samp(own), var_samp(earned),
    covar_samp(gross, own), covar_samp(gross, earned), covar_samp(own, earned)
FROM drawn GROUP BY is_held
"""


@dataclass(frozen=True)
class Group:
    """Members and what one of them paid and left of margin on average, in minor units."""

    members: int
    paid: Estimate
    margin: Estimate


@dataclass(frozen=True)
class Trial:
    """One rule with a holdout. Groups and gains are None before `looked_at_from`, and while either group is too small.

    `paid` is what members paid after discounts, returns taken off; `margin` is that less the cost of goods where it is
    known; None: nowhere. `payoff` sets what it brought against what it cost. `needed` is how many members must go
    without the rule to see a difference of a twentieth; None: even half of all would not do.
    """

    rule: Rule
    since: dt.datetime
    counts: tuple[int, int]  # with the rule, without it
    treated: Group | None = None
    held: Group | None = None
    paid: Gain | None = None
    margin: Gain | None = None
    payoff: Payoff | None = None
    needed: int | None = None

    @property
    def looked_at_from(self) -> dt.datetime:
        """The first moment at which it is compared."""
        return self.since + FIRST_LOOK

    @property
    def gains(self) -> list[Gain]:
        """Everything that is compared."""
        found = (self.paid, self.margin, self.payoff.net if self.payoff else None)
        return [one for one in found if one is not None]

    def corrected(self, q: Iterator[float]) -> "Trial":
        """With the q-values of its comparisons, in their order."""
        paid, margin = (replace(one, q_value=next(q)) if one else None for one in (self.paid, self.margin))
        paying = self.payoff
        if paying:
            paying = replace(paying, net=replace(paying.net, q_value=next(q)))
        return replace(self, paid=paid, margin=margin, payoff=paying)


def trials(now: dt.datetime) -> list[Trial]:
    """Of every rule that is valid now and leaves some members out, in the order of the rules."""
    running = list(_running(now))
    if not running:
        return []
    price = _price(now)
    found = [_trial(rule, since, now, price) for rule, since in running]
    p_values = [gain.p_value for one in found for gain in one.gains]
    q = iter(q_values(np.array(p_values)).tolist() if p_values else [])
    return [one.corrected(q) for one in found]


def _price(now: dt.datetime) -> Price:
    """Of a point that is promised now."""
    valid = valid_at(now)
    assert valid is not None, "a rule that is valid stands in a version that is"
    rules = valid[1]
    return Price(rules.spending.worth, stood(now)[rules.life.days is None])


def _running(now: dt.datetime) -> Iterator[tuple[Rule, dt.datetime]]:
    """Rules of now with a holdout, and since when they have been the same without a break."""
    past = [one for one in versions() if one.valid_from <= now]
    sets = [({rule.id: rule for rule in rules_of(one).rules}, one.valid_from) for one in past]
    for rule in sets[0][0].values() if sets else ():
        if rule.holdout:
            since = sets[0][1]
            for older, began in sets[1:]:
                if older.get(rule.id) != rule:
                    break
                since = began
            yield rule, since


def _trial(rule: Rule, since: dt.datetime, now: dt.datetime, price: Price) -> Trial:
    values: dict[str, Any] = {
        "rule": rule.id, "share": rule.holdout, "since": since, "until": now, "unit": points_unit().pk,
        "first": since + FIRST_LOOK, "worth": price.worth,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, values)
        found = {is_held: row for is_held, *row in cursor.fetchall()}
    nobody: list[Any] = [0, None, None, None, None, 0, 0, 0]
    treated, held = found.get(False, nobody), found.get(True, nobody)
    counts = (int(treated[0]), int(held[0]))
    if min(counts) < FEWEST or now < since + FIRST_LOOK:
        return Trial(rule, since, counts)
    early = (int(treated[5]), int(held[5]))
    paid = Difference(treated[1:3], held[1:3], counts, time_of(early, (treated[6], held[6])))
    margin = Difference(treated[3:5], held[3:5], counts, time_of(early, (treated[7], held[7])))
    return Trial(
        rule, since, counts, _group(*treated[:5]), _group(*held[:5]),
        paid=paid.gain, margin=margin.gain if treated[3] or held[3] else None,
        payoff=payoff(treated[8:], held[8:], counts, price, like=margin if treated[8] else paid),
        needed=control_group(sum(counts), gain=WORTH_SEEING * held[1], variances=paid.wider(held[2], treated[2])),
    )  # fmt: skip


def _group(members: int, paid: float, paid_spread: float, margin: float, margin_spread: float) -> Group:
    return Group(members, mean_interval(paid, paid_spread, members), mean_interval(margin, margin_spread, members))
