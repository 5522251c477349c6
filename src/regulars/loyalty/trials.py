"""What a rule earned: members who had it against those whom the lot left without it, since its first day.

People look at it whenever they like, and at several rules at once. So the intervals hold at all looks together, and a
difference is shown only when it stands out among all that are compared.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from django.db import connection

from regulars.analytics.anytime import anytime_interval, anytime_p_value, width
from regulars.analytics.corrections import q_values
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval
from regulars.analytics.trial_size import ERROR, POWER, control_group
from regulars.loyalty.members import points_unit
from regulars.loyalty.programme.rules import Rule
from regulars.loyalty.programmes import rules_of, versions

FIRST_LOOK = dt.timedelta(days=28)  # four whole weeks: before, the days of the week differ
REPORTED_BELOW = 0.05  # false discovery rate over all comparisons that are shown (Benjamini & Hochberg 1995)
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
), bought (id, paid, margin, paid_early, margin_early) AS (
    SELECT m.id, sum(p.money), sum(l.margin - r.amount + p.money),
        sum(p.money) FILTER (WHERE r.purchased_at < %(first)s),
        sum(l.margin - r.amount + p.money) FILTER (WHERE r.purchased_at < %(first)s)
    FROM member m JOIN part ON part.whole = m.id JOIN purchases_receipt r ON r.customer_id = part.id
    LEFT JOIN loyalty_sale s ON s.receipt_id = r.id LEFT JOIN loyalty_salereturn b ON b.receipt_id = r.id
    CROSS JOIN LATERAL (
        SELECT coalesce(s.price - s.discount - s.by_points, -b.refund - b.to_certificates, r.amount) AS money
    ) p
    LEFT JOIN LATERAL (
        SELECT sum(line.amount - line.cost) AS margin FROM purchases_line line WHERE line.receipt_id = r.id
    ) l ON true
    WHERE r.purchased_at >= m.begin AND r.purchased_at >= %(since)s AND r.purchased_at < %(until)s GROUP BY m.id
), drawn (is_held, is_early, paid, margin, paid_early, margin_early) AS (
    SELECT ('x' || left(md5(%(rule)s || chr(31) || m.id), 8))::bit(32)::bigint %% 10000 < %(share)s,
        m.begin < %(first)s,
        coalesce(b.paid, 0)::float8, coalesce(b.margin, 0)::float8,
        coalesce(b.paid_early, 0)::float8, coalesce(b.margin_early, 0)::float8
    FROM member m LEFT JOIN bought b ON b.id = m.id
)
SELECT is_held, count(*), avg(paid), var_samp(paid), avg(margin), var_samp(margin),
    count(*) FILTER (WHERE is_early), coalesce(var_samp(paid_early) FILTER (WHERE is_early), 0),
    coalesce(var_samp(margin_early) FILTER (WHERE is_early), 0)
FROM drawn GROUP BY is_held
"""


@dataclass(frozen=True)
class Group:
    """Members and what one of them paid and left of margin on average, in minor units."""

    members: int
    paid: Estimate
    margin: Estimate


@dataclass(frozen=True)
class Gain:
    """The difference that the rule made: for one member who has it, and for all of them together.

    Intervals and `p_value` hold at all looks together; `q_value` is corrected for all comparisons that are shown.
    """

    each: Estimate
    total: Estimate
    p_value: float
    q_value: float = 1.0

    @property
    def stands_out_alone(self) -> bool:
        """Whether it would be shown if nothing else were compared."""
        return self.each.low > 0 or self.each.high < 0

    @property
    def is_shown(self) -> bool:
        """Whether chance alone would hardly do it, however many were compared and however often somebody looked."""
        return self.stands_out_alone and self.q_value < REPORTED_BELOW


@dataclass(frozen=True)
class Trial:
    """One rule with a holdout. Groups and gains are None before `looked_at_from`, and while either group is too small.

    `paid` is what members paid after discounts, returns taken off; `margin` is that less the cost of goods where it is
    known; None: nowhere. `needed` is how many members must go without the rule to see a difference of a twentieth;
    None: even half of all would not do.
    """

    rule: Rule
    since: dt.datetime
    counts: tuple[int, int]  # with the rule, without it
    treated: Group | None = None
    held: Group | None = None
    paid: Gain | None = None
    margin: Gain | None = None
    needed: int | None = None

    @property
    def looked_at_from(self) -> dt.datetime:
        """The first moment at which it is compared."""
        return self.since + FIRST_LOOK

    @property
    def gains(self) -> list[Gain]:
        """Everything that is compared."""
        return [one for one in (self.paid, self.margin) if one is not None]


def trials(now: dt.datetime) -> list[Trial]:
    """Of every rule that is valid now and leaves some members out, in the order of the rules."""
    found = [_trial(rule, since, now) for rule, since in _running(now)]
    p_values = [gain.p_value for one in found for gain in one.gains]
    q = iter(q_values(np.array(p_values)).tolist() if p_values else [])
    return [
        replace(
            one,
            paid=replace(one.paid, q_value=next(q)) if one.paid else None,
            margin=replace(one.margin, q_value=next(q)) if one.margin else None,
        )
        for one in found
    ]


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


def _trial(rule: Rule, since: dt.datetime, now: dt.datetime) -> Trial:
    values: dict[str, Any] = {
        "rule": rule.id, "share": rule.holdout, "since": since, "until": now, "unit": points_unit().pk,
        "first": since + FIRST_LOOK,
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
    paid = _Difference(treated[1:3], held[1:3], counts, _time(early, (treated[6], held[6])))
    margin = _Difference(treated[3:5], held[3:5], counts, _time(early, (treated[7], held[7])))
    return Trial(
        rule, since, counts, _group(*treated[:5]), _group(*held[:5]),
        paid=paid.gain, margin=margin.gain if treated[3] or held[3] else None,
        needed=control_group(sum(counts), gain=WORTH_SEEING * held[1], variances=paid.wider(held[2], treated[2])),
    )  # fmt: skip


def _group(members: int, paid: float, paid_spread: float, margin: float, margin_spread: float) -> Group:
    return Group(members, mean_interval(paid, paid_spread, members), mean_interval(margin, margin_spread, members))


def _time(counts: tuple[int, int], spreads: tuple[float, float]) -> float:
    """The variance of the sum of differences, by which time is told: it grows with members and with what they buy."""
    if min(counts) < 1:
        return 0.0
    return sum(counts) ** 2 * sum(spread / count for count, spread in zip(counts, spreads, strict=True))


@dataclass(frozen=True)
class _Difference:
    """Means and variances of both groups, and the time of the first look, for which the interval is narrowest.

    When nobody had bought by the first look it is narrowest now.
    """

    treated: tuple[float, float]
    held: tuple[float, float]
    counts: tuple[int, int]
    planned: float

    @property
    def gain(self) -> Gain:
        value = self.treated[0] - self.held[0]
        variance = self.treated[1] / self.counts[0] + self.held[1] / self.counts[1]
        each = anytime_interval(value, variance, time=self._now, planned=self.planned)
        total = Estimate(*(one * self.counts[0] for one in (each.value, each.low, each.high)))
        return Gain(each, total, anytime_p_value(value, variance, time=self._now, planned=self.planned))

    @property
    def _now(self) -> float:
        return _time(self.counts, (self.treated[1], self.held[1]))

    def wider(self, *variances: float) -> tuple[float, float]:
        """Variances that ask as many members of a trial for one look as this one needs for any number of looks."""
        power = float(scipy.stats.norm.ppf(POWER))
        once = float(scipy.stats.norm.ppf(1 - ERROR / 2))
        factor = ((width(time=self._now, planned=self.planned) + power) / (once + power)) ** 2
        return variances[0] * factor, variances[1] * factor
