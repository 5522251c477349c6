"""What a rule earned: members who had it against those whom the lot left without it, since its first day."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from scipy import stats

from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import mean_interval
from regulars.analytics.trial_size import control_group
from regulars.loyalty.members import points_unit
from regulars.loyalty.programme.rules import Rule
from regulars.loyalty.programmes import rules_of, versions

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
), bought (id, paid, margin) AS (
    SELECT m.id, sum(p.money), sum(l.margin - r.amount + p.money)
    FROM member m JOIN part ON part.whole = m.id JOIN purchases_receipt r ON r.customer_id = part.id
    LEFT JOIN loyalty_sale s ON s.receipt_id = r.id LEFT JOIN loyalty_salereturn b ON b.receipt_id = r.id
    CROSS JOIN LATERAL (SELECT coalesce(s.price - s.discount - s.by_points, -b.refund, r.amount) AS money) p
    LEFT JOIN LATERAL (
        SELECT sum(line.amount - line.cost) AS margin FROM purchases_line line WHERE line.receipt_id = r.id
    ) l ON true
    WHERE r.purchased_at >= m.begin AND r.purchased_at >= %(since)s AND r.purchased_at < %(until)s GROUP BY m.id
), drawn (is_held, paid, margin) AS (
    SELECT ('x' || left(md5(%(rule)s || chr(31) || m.id), 8))::bit(32)::bigint %% 10000 < %(share)s,
        coalesce(b.paid, 0)::float8, coalesce(b.margin, 0)::float8
    FROM member m LEFT JOIN bought b ON b.id = m.id
)
SELECT is_held, count(*), avg(paid), var_samp(paid), avg(margin), var_samp(margin) FROM drawn GROUP BY is_held
"""


@dataclass(frozen=True)
class Group:
    """Members and what one of them paid and left of margin on average, in minor units."""

    members: int
    paid: Estimate
    margin: Estimate


@dataclass(frozen=True)
class Gain:
    """The difference that the rule made: for one member who has it, and for all of them together."""

    each: Estimate
    total: Estimate

    @property
    def is_shown(self) -> bool:
        """Whether chance alone would hardly do it."""
        return self.each.low > 0 or self.each.high < 0


@dataclass(frozen=True)
class Trial:
    """One rule with a holdout. Groups and gains are None while there are too few members in either group.

    `paid` is what members paid after discounts, returns taken off; `margin` is that less the cost of goods where it is
    known. `needed` is how many members must go without the rule to see a difference of a twentieth; None: even half of
    all would not do.
    """

    rule: Rule
    since: dt.datetime
    counts: tuple[int, int]  # with the rule, without it
    treated: Group | None = None
    held: Group | None = None
    paid: Gain | None = None
    margin: Gain | None = None
    needed: int | None = None


def trials(now: dt.datetime) -> list[Trial]:
    """Of every rule that is valid now and leaves some members out, in the order of the rules."""
    return [_trial(rule, since, now) for rule, since in _running(now)]


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
        "rule": rule.id, "share": rule.holdout, "since": since, "until": now, "unit": points_unit().pk
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, values)
        found = {is_held: row for is_held, *row in cursor.fetchall()}
    nobody: list[Any] = [0, None, None, None, None]
    treated, held = found.get(False, nobody), found.get(True, nobody)
    counts = (int(treated[0]), int(held[0]))
    if min(counts) < FEWEST:
        return Trial(rule, since, counts)
    return Trial(
        rule, since, counts, _group(*treated), _group(*held),
        paid=_gain(treated[1:3], held[1:3], counts), margin=_gain(treated[3:5], held[3:5], counts),
        needed=control_group(sum(counts), gain=WORTH_SEEING * held[1], variances=(held[2], treated[2])),
    )  # fmt: skip


def _group(members: int, paid: float, paid_spread: float, margin: float, margin_spread: float) -> Group:
    return Group(members, mean_interval(paid, paid_spread, members), mean_interval(margin, margin_spread, members))


def _gain(treated: tuple[float, float], held: tuple[float, float], counts: tuple[int, int]) -> Gain:
    """The difference of two means with its interval by Welch (1947), whose groups need not spread alike."""
    parts = [spread / count for (_mean, spread), count in zip((treated, held), counts, strict=True)]
    variance = sum(parts)
    below = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    half = float(stats.t.ppf(0.975, variance**2 / below)) * math.sqrt(variance) if below else 0.0
    each = Estimate(treated[0] - held[0], treated[0] - held[0] - half, treated[0] - held[0] + half)
    return Gain(each, Estimate(*(one * counts[0] for one in (each.value, each.low, each.high))))
