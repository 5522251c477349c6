"""Early warning: customers with a high check whose visits grow rarer, before they are called slipping."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from scipy import stats

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.intervals import bootstrap_sum, wilson
from regulars.analytics.opportunities import ASSUMED_SHARES, HIGH_CHECK
from regulars.analytics.rollup import LOG_STEPS, YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import gettext as _

LAST_GAPS = 3
EARLIER_GAPS = 5  # at least
WARNED_FROM = 1.645  # standard errors: chance does this to one in twenty
SLOWED_FROM = 1.25  # times the own earlier gap: less is not worth a call
MUCH_LESS = 0.5  # of the visits that the own earlier rhythm promised
MOST_ORIGINS = 8
FEWEST_WARNED = 10
FEWEST_WATCHED = 30
_SAMPLE = 50_000  # whom the interval of the money is drawn from


@dataclass(frozen=True)
class Tried:
    """What became of the watched at past days: all origins together."""

    warned: int
    warned_less: int  # came less than half as often in the next window as their whole past promised
    others: int
    others_less: int
    origins: tuple[dt.date, ...]


@dataclass(frozen=True, repr=False)
class Slowing(Found):
    """Who slows down, and whether such warnings were right in the past.

    `customers`, one row per watched customer (high check, in good standing, eight gaps or more): `customer_id`,
    `mean_check` (minor units), `usual_days` and `last_days` (geometric means of the earlier gaps and of the last
    three), `ratio` (last over usual), `z`, `warned`.
    """

    customers: ir.Table
    watched: int
    warned: int
    high_check: float  # minor units: from which mean check on
    tried: Tried | None
    precision: Estimate | None  # share of those warned who then came much less
    base_rate: Estimate | None  # the same share of those not warned
    p_value: float | None
    reason: str | None  # why nothing is reported although somebody slows down


def slowing(ground: Ground) -> Slowing:
    """Compare each customer's last three gaps between visits with the own earlier ones.

    Watched are customers with a mean check (net amount / receipts) in the top quarter of those with two visits,
    with eight gaps or more, who are neither slipping nor lost. The difference of mean log gaps is set against its
    standard error sigma sqrt(1/3 + 1/n), sigma pooled over all customers with as many gaps; the mean difference of
    all of them is taken off first, so a season that slows everybody warns of nobody. Warned are those beyond 1.645
    standard errors whose gaps grew by a quarter or more. The silence since the last visit is not looked at: the
    lifecycle does that.

    Back-test: the same rule at up to eight past days, one window apart, on what was known then; good standing there
    means a silence no longer than twice the own longest usual gap (mean of the earlier gaps). A warning was right when
    the customer then came less than half as often within the window as all gaps until then promised: not the earlier
    ones alone, for whoever looks slowed down by chance has earlier gaps that were short by chance. The share of right
    warnings is compared with the share among the watched who were not warned (Fisher's exact test, one-sided).
    Nothing is reported unless warnings were right significantly more often, with ten warnings or more to judge by.

    Money: a fifth (the share assumed for slipping customers) of what their earlier rhythm would bring in 12 months
    less what the slowed one does. Raises `NotEnoughData` with fewer than 30 customers to watch.
    """
    rollup = ground.rollup
    gaps = _gaps(rollup).cache()
    high = _high_check(rollup)
    states = ground.lifecycle.customers.select("customer_id", "state")
    now = _measured(gaps, rollup, rollup.as_of)
    good = states.filter(~states.state.isin(["slipping", "lost"]))
    watched = now.filter(now.mean_check >= high).semi_join(good, "customer_id").cache()
    counts = _row(watched.aggregate(watched=watched.count(), warned=watched.warned.sum()))
    if counts["watched"] < FEWEST_WATCHED:
        raise NotEnoughData(
            _(
                "An early warning needs {need} customers with a high check and {gaps} intervals; there are {count}."
            ).format(need=FEWEST_WATCHED, gaps=LAST_GAPS + EARLIER_GAPS, count=counts["watched"])
        )
    warned = int(counts["warned"] or 0)
    tried = _tried(ground, gaps)
    p_value = None if tried is None else _better(tried)
    reason = _refusal(tried, p_value)
    findings = () if reason or not warned else (_finding(watched, warned, tried, p_value),)
    return Slowing(
        findings=findings,
        comparisons=(Comparison("slowing", counts["watched"], warned, warned if findings else 0),),
        customers=watched,
        watched=counts["watched"],
        warned=warned,
        high_check=high,
        tried=tried,
        precision=wilson(tried.warned_less, tried.warned) if tried else None,
        base_rate=wilson(tried.others_less, tried.others) if tried else None,
        p_value=p_value,
        reason=reason,
    )


def _row(table: ir.Table) -> dict[str, Any]:
    found: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return found


def _gaps(rollup: Rollup) -> ir.Table:
    """One row per gap: its end, its length and its logarithm in whole steps, which sum exactly."""
    visits = rollup.visits.filter(rollup.visits.gap_days.notnull())
    steps = (visits.gap_days.cast("float64").ln() * LOG_STEPS).round().cast("int64")
    return visits.select("customer_id", "purchased_on", "gap_days", "visit_no", steps=steps)


def _high_check(rollup: Rollup) -> float:
    customers = rollup.customers.filter((rollup.customers.visits > 1) & (rollup.customers.receipts > 0))
    check = customers.amount.cast("float64") / customers.receipts.cast("float64")
    found = customers.aggregate(q=check.quantile([HIGH_CHECK])).to_pyarrow().to_pylist()[0]["q"]
    return float(found[0]) if found and found[0] is not None else float("inf")


def _measured(gaps: ir.Table, rollup: Rollup, at: dt.date) -> ir.Table:
    """Everybody with enough gaps by the day `at`: `usual_days`, `last_days`, `ratio`, `z`, `warned`, `mean_check`."""
    known = gaps.filter(gaps.purchased_on <= ibis.literal(at))
    newest = known.visit_no.max().over(ibis.window(group_by=known.customer_id))
    known = known.mutate(is_last=known.visit_no > newest - LAST_GAPS)
    people = known.group_by("customer_id").aggregate(
        n=known.count(),
        last=known.steps.sum(where=known.is_last),
        earlier=known.steps.sum(where=~known.is_last),
        earlier_days=known.gap_days.sum(where=~known.is_last),
        days=known.gap_days.sum(),
        squares=((known.steps.cast("float64") / float(LOG_STEPS)) ** 2).sum(),
        last_on=known.purchased_on.max(),
    )
    people = people.filter(people.n >= LAST_GAPS + EARLIER_GAPS)
    before = (people.n - LAST_GAPS).cast("float64")
    people = people.mutate(
        before=before,
        last=people["last"].cast("float64") / float(LOG_STEPS * LAST_GAPS),
        earlier=people.earlier.cast("float64") / float(LOG_STEPS) / before,
    ).cache()
    inside = people.squares - float(LAST_GAPS) * people["last"] ** 2 - people.before * people.earlier**2
    sums = _row(
        people.aggregate(
            inside=inside.sum(),
            free=(people.n - 2).sum(),
            mean=(people["last"] - people.earlier).mean(),
        )
    )
    sigma2 = round(max((sums["inside"] or 0.0) / max(sums["free"] or 1, 1), 1e-6), 9)
    everybody = round(sums["mean"] or 0.0, 9)
    slower = people["last"] - people.earlier
    z = (slower - everybody) / (sigma2 * (1.0 / LAST_GAPS + 1.0 / people.before)).sqrt()
    ratio = (slower - everybody).exp()
    people = people.mutate(
        usual_days=people.earlier.exp(),
        last_days=people["last"].exp(),
        mean_gap=people.earlier_days.cast("float64") / people.before,
        whole_gap=people.days.cast("float64") / people.n.cast("float64"),
        ratio=ratio,
        z=z.round(6),
    )
    people = people.mutate(warned=(people.z >= WARNED_FROM) & (people.ratio >= SLOWED_FROM))
    return people.inner_join(_checks(rollup, at), "customer_id").select(
        "customer_id",
        "mean_check",
        "usual_days",
        "last_days",
        "mean_gap",
        "whole_gap",
        "last_on",
        "ratio",
        "z",
        "warned",
    )


def _checks(rollup: Rollup, at: dt.date) -> ir.Table:
    days = rollup.days.filter(rollup.days.purchased_on <= ibis.literal(at))
    sums = days.group_by("customer_id").aggregate(amount=days.amount.sum(), receipts=days.receipts.sum())
    sums = sums.filter(sums.receipts > 0)
    return sums.select("customer_id", mean_check=sums.amount.cast("float64") / sums.receipts.cast("float64"))


def _tried(ground: Ground, gaps: ir.Table) -> Tried | None:
    """Both groups at each past day, and how many of each then came much less; None when nobody could be watched."""
    rollup, window = ground.rollup, ground.window_days
    counted, origins = np.zeros(4, dtype=np.int64), []
    for step in range(1, MOST_ORIGINS + 1):
        at = rollup.as_of - dt.timedelta(days=window * step)
        if (at - rollup.first_day).days < 2 * window:
            break
        found = _one_origin(rollup, gaps, at, window)
        if found.sum():
            counted += found
            origins.append(at)
    if not origins:
        return None
    warned, warned_less, others, others_less = (int(one) for one in counted)
    return Tried(warned, warned_less, others, others_less, tuple(origins))


def _one_origin(rollup: Rollup, gaps: ir.Table, at: dt.date, window: int) -> Any:
    people = _measured(gaps, rollup, at)
    silence = ibis.literal(at).delta(people.last_on, unit="day").cast("float64")
    people = people.filter(silence <= 2.0 * people.mean_gap)
    high = _row(people.aggregate(q=people.mean_check.quantile([HIGH_CHECK])))["q"]
    if not high or high[0] is None:
        return np.zeros(4, dtype=np.int64)
    people = people.filter(people.mean_check >= high[0])
    visits = rollup.visits
    end = ibis.literal(at + dt.timedelta(days=window))
    after = visits.filter((visits.purchased_on > ibis.literal(at)) & (visits.purchased_on <= end))
    after = after.group_by("customer_id").aggregate(visits_after=after.count())
    people = people.left_join(after, "customer_id").drop("customer_id_right")
    promised = float(window) / people.whole_gap
    less = people.visits_after.fill_null(0).cast("float64") < MUCH_LESS * promised
    row = _row(
        people.aggregate(
            warned=people.warned.sum(),
            warned_less=(people.warned & less).sum(),
            others=(~people.warned).sum(),
            others_less=(~people.warned & less).sum(),
        )
    )
    return np.array([row[name] or 0 for name in ("warned", "warned_less", "others", "others_less")], dtype=np.int64)


def _better(tried: Tried) -> float | None:
    if not tried.warned or not tried.others:
        return None
    table = [
        [tried.warned_less, tried.warned - tried.warned_less],
        [tried.others_less, tried.others - tried.others_less],
    ]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _refusal(tried: Tried | None, p_value: float | None) -> str | None:
    if tried is None or p_value is None or tried.warned < FEWEST_WARNED:
        return _("There were too few such customers in the past to test the warning on.")
    if p_value >= REPORTED_BELOW:
        return _(
            "Tested on the past: customers who slowed down did not come less afterwards than the others. So nobody is "
            "warned about."
        )
    return None


def _finding(watched: ir.Table, warned: int, tried: Tried | None, p_value: float | None) -> Finding:
    assert tried is not None
    assert p_value is not None
    share = ASSUMED_SHARES["hold_slipping"]
    mine = watched.filter(watched.warned)
    yearly = YEAR_DAYS / mine.mean_gap * mine.mean_check
    lost = (yearly * (1.0 - 1.0 / mine.ratio)).clip(lower=0.0)
    people = mine.select("customer_id", amount=lost.round().cast("int64")).cache()
    drawn = people.order_by([people.amount.desc(), people.customer_id]).limit(_SAMPLE).amount.to_pyarrow()
    money = bootstrap_sum(np.asarray(drawn.to_numpy(), dtype=np.float64))
    typical = _row(mine.aggregate(q=mine.ratio.quantile([0.5])))["q"][0]
    return Finding(
        id="slowing:high_check",
        chapter="slowing",
        kind="slowing:high_check",
        about={
            "ratio": float(typical),
            "precision": tried.warned_less / tried.warned,
            "base_rate": tried.others_less / tried.others,
            "tested": tried.warned,
            "share": share,
        },
        customers=warned,
        money=Estimate(money.value * share, max(money.low, 0.0) * share, money.high * share),
        evidence=Evidence("tested", tried.warned, p_value, p_value),
        people=people,
    )
