"""Lost last year in money: what customers would have spent at their own rhythm, minus what they did."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import scipy
from numpy.typing import NDArray

from regulars.analytics.distinct import with_computed
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import bootstrap_sum
from regulars.analytics.lifecycle import Judge
from regulars.analytics.readable import Readable
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.analytics.snapshot import snapshot
from regulars.core.i18n import said as _

PARTS = ("lost", "shrunken", "never_returned")

# a customer is shrunken when so few visits in the year had at most this chance at the old rhythm
SHRUNKEN_CHANCE = 0.05
# history needed before the year to know the old rhythm
SHRUNKEN_PAST_DAYS = 90


@dataclass(frozen=True)
class LostPart:
    """One way of losing money; `reason` says why it could not be computed (then all is zero)."""

    customers: int
    money: Estimate  # minor units of revenue
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class LostLastYear(Readable):
    """Money missed in the 365 days that end with `as_of`, each customer in one part only.

    `people`: one row per customer with a loss of one minor unit or more: `customer_id`, `lost_kind` (a part),
    `missed_amount` (minor units).
    """

    since: dt.date  # first day of the period
    customers: int
    money: Estimate  # minor units of revenue, sum of the parts
    margin: Estimate | None  # minor units, when the margin is known
    parts: dict[str, LostPart]
    people: ir.Table
    reason: str | None = None  # why no money can be named at all; then everything above is zero


def no_loss_known(rollup: Rollup, reason: str) -> LostLastYear:
    """The answer when the base is too small to speak of money."""
    start = rollup.as_of - dt.timedelta(days=YEAR_DAYS)
    zero = Estimate(0.0, 0.0, 0.0)
    parts = {kind: LostPart(0, zero, reason) for kind in PARTS}
    nobody = ibis.memtable([], schema={"customer_id": "string", "missed_amount": "int64", "lost_kind": "string"})
    return LostLastYear(start + dt.timedelta(days=1), 0, zero, None, parts, nobody, reason)


def lost_last_year(
    rollup: Rollup,
    states: ir.Table,
    judge: Judge,
    rhythm: Rhythm,
    *,
    margin_share: float | None = None,
) -> LostLastYear:
    """What the business missed in the last 365 days through customers who left or came less.

    - lost: repeat customers who are lost at `as_of` and were not a year before, or came again since and
      were lost anew. Missed: their own rate times their own check, from their last visit (or the start of
      the year) to `as_of`, times the chance that they have really left (one minus the standing; 1 when the
      history could not be tested on). Who was already silent when the year began, but not yet called lost,
      counts with the whole year.
    - never_returned: newcomers of the year with one visit, at least one window ago. Missed: what an average
      newcomer of the same month (those who never returned included) has spent after the first visit.
    - shrunken: customers in good standing a year ago and not lost now, who came so rarely that at their old
      rhythm it had a chance of 5 % or less. Missed: old rate times old check times 365 minus what they
      spent, scaled down by the amount that chance alone would have put there.

    The interval resamples customers. It does not cover the doubt about the rhythm itself.
    """
    start = rollup.as_of - dt.timedelta(days=YEAR_DAYS)
    now = rollup.customers.inner_join(states.select("customer_id", "state", "standing"), "customer_id")
    before = judge.apply(snapshot(rollup.days, at=start)) if rollup.first_day <= start else None
    already = before.filter(judge.lost(before)).select("customer_id", "last_on") if before is not None else None
    pieces = {
        "lost": _lost(now, already, rhythm),
        "never_returned": _never_returned(now, rollup, judge.window_days, start),
    }
    reasons: dict[str, str] = {}
    if before is not None and (start - rollup.first_day).days >= SHRUNKEN_PAST_DAYS:
        pieces["shrunken"] = _shrunken(now, before, rhythm)
    else:
        reasons["shrunken"] = _("The history must begin at least {days} days before the year, to know the old rhythm.")
        reasons["shrunken"] = reasons["shrunken"].format(days=SHRUNKEN_PAST_DAYS)
    people = ibis.union(
        *[piece.mutate(lost_kind=ibis.literal(kind)) for kind, piece in pieces.items()], distinct=False
    ).cache()
    return _summed(rollup, people, start, reasons, margin_share)


def _lost(now: ir.Table, already: ir.Table | None, rhythm: Rhythm) -> ir.Table:
    gone = now.filter((now.state == "lost") & (now.visits > 1))
    if already is not None:
        # who has come since then was lost anew
        gone = gone.anti_join(already, ["customer_id", "last_on"])
    silent_days = ibis.least(gone.recency_days, ibis.literal(YEAR_DAYS)).cast("float64")
    rate = rhythm.rate(gone.visits - 1, gone.last_purchase_age_days)
    has_left = 1.0 - gone.standing.fill_null(0.0)
    missed = rate * rhythm.check(gone.amount, gone.visits) * silent_days * has_left
    return _rows(gone.mutate(missed=missed))


def _never_returned(now: ir.Table, rollup: Rollup, window_days: int, start: dt.date) -> ir.Table:
    # those of the first window of the history may have bought before it began
    seen_from = max(start + dt.timedelta(days=1), rollup.first_day + dt.timedelta(days=window_days))
    newcomers = now.filter((now.first_on >= ibis.literal(seen_from)) & (now.age_days >= window_days)).mutate(
        month=lambda t: t.first_on.truncate("M")
    )
    visits = rollup.visits
    first = visits.filter(visits.visit_no == 1).select("customer_id", first_amount=visits.amount)
    newcomers = newcomers.inner_join(first, "customer_id")
    later = (newcomers.amount - newcomers.first_amount).sum().cast("float64")
    months = newcomers.group_by("month").aggregate(missed=(later / newcomers.count()).clip(lower=0.0))
    return _rows(newcomers.filter(newcomers.visits == 1).inner_join(months, "month"))


def _shrunken(now: ir.Table, before: ir.Table, rhythm: Rhythm) -> ir.Table:
    """Kept customers whose visits fell; the summed excess over chance, shared among those flagged."""
    good = before.filter(before.silence == 0)
    good = good.select(
        "customer_id",
        past_frequency=good.frequency,
        past_age=good.age_days,
        past_check=rhythm.check(good.amount, good.visits),
        past_rate=rhythm.rate(good.frequency, good.age_days),
    )
    kept = now.filter(now.state != "lost").inner_join(good, "customer_id")
    kept = with_computed(kept, ("past_frequency", "past_age", "visits_year"), _against_chance(rhythm)).cache()
    flagged = kept.filter(kept.is_rare)
    missed = (flagged.past_rate * flagged.past_check * float(YEAR_DAYS) - flagged.amount_year.cast("float64")).clip(
        lower=0.0
    )
    flagged = flagged.mutate(missed=missed)
    found = float(flagged.missed.sum().fill_null(0.0).to_pyarrow().as_py())
    by_chance = float((kept.chance_visits * kept.past_check).sum().fill_null(0.0).to_pyarrow().as_py())
    excess = max(1.0 - by_chance / found, 0.0) if found else 0.0
    return _rows(flagged.mutate(missed=flagged.missed * excess))


def _against_chance(rhythm: Rhythm) -> Any:
    """Visits of a year are negative binomial at the old rhythm: what is rare, and what chance alone hides.

    With n = r + x and p = (alpha + T) / (alpha + T + 365): E[(m - X) 1(X <= q)] = m F(q; n) -
    m F(q - 1; n + 1), where m is the mean and q the largest count with F(q; n) <= 5 %.
    """

    def compute(frequency: NDArray[Any], age: NDArray[Any], visits: NDArray[Any]) -> dict[str, NDArray[Any]]:
        n = rhythm.shape + frequency
        exposure = rhythm.scale_days + age
        p = exposure / (exposure + YEAR_DAYS)
        mean = n * YEAR_DAYS / exposure
        rare = scipy.stats.nbinom.ppf(SHRUNKEN_CHANCE, n, p)
        rare = np.where(scipy.stats.nbinom.cdf(rare, n, p) > SHRUNKEN_CHANCE, rare - 1, rare)
        below = scipy.stats.nbinom.cdf(rare, n, p) - scipy.stats.nbinom.cdf(rare - 1, n + 1, p)
        return {"is_rare": visits <= rare, "chance_visits": np.maximum(mean * below, 0.0)}

    return compute


def _rows(table: ir.Table) -> ir.Table:
    """Those who miss anything, in whole minor units."""
    rows = table.select("customer_id", missed_amount=table.missed.round().cast("int64"))
    return rows.filter(rows.missed_amount > 0)


def _summed(
    rollup: Rollup, people: ir.Table, start: dt.date, reasons: dict[str, str], margin_share: float | None
) -> LostLastYear:
    everybody = int(rollup.customers.count().to_pyarrow().as_py())
    amounts = {kind: _amounts(people.filter(people.lost_kind == kind)) for kind in PARTS}
    parts = {kind: LostPart(found.size, _sum(found, everybody), reasons.get(kind)) for kind, found in amounts.items()}
    missed = np.concatenate(list(amounts.values()))
    money = _sum(missed, everybody)
    margin = None
    if margin_share is not None:
        margin = Estimate(money.value * margin_share, money.low * margin_share, money.high * margin_share)
    return LostLastYear(start + dt.timedelta(days=1), missed.size, money, margin, parts, people)


def _amounts(people: ir.Table) -> NDArray[np.float64]:
    return np.asarray(people.missed_amount.to_pyarrow().to_numpy(), dtype=np.float64)


def _sum(amounts: NDArray[np.float64], everybody: int) -> Estimate:
    """Resample all customers, also those who missed nothing: how many are lost is uncertain too."""
    if not amounts.size:
        return Estimate(0.0, 0.0, 0.0)
    found = bootstrap_sum(np.concatenate([amounts, np.zeros(everybody - amounts.size)]))
    return Estimate(found.value, max(found.low, 0.0), found.high)
