"""Early warning: customers with a high check whose visits grow rarer, before they are called slipping."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from scipy import special

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.intervals import bootstrap_sum, wilson
from regulars.analytics.opportunities import ASSUMED_SHARES, HIGH_CHECK
from regulars.analytics.rollup import LOG_STEPS, YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

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
    chance_less: float  # right warnings that chance would make: any three gaps in a row taken for the last
    squares: float  # of each customer's right warnings beyond that, summed


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
    means a silence no longer than twice the mean of the own gaps. A warning was right when the customer then came less
    than half as often within the window as all gaps until then promised: not the earlier ones alone, for whoever looks
    slowed down by chance has earlier gaps that were short by chance. Irregular customers are warned more often and
    come much less more often, whatever the order of their gaps, so the others are no measure of chance. Chance is each
    customer's own: any three gaps in a row might as well have been the last. Right warnings are counted against the
    sum of these shares over all who came much less, by the Poisson tail, with counts deflated by how unevenly the
    customers bring the excess. Nothing is reported unless warnings were right significantly more often, with ten
    warnings or more to judge by.

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
        customers=watched.drop("all_steps", "before", "error", "everybody"),
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
    """One row per gap: its end, length, logarithm in whole steps, and `row`: the sum of these over three in a row."""
    visits = rollup.visits.filter(rollup.visits.gap_days.notnull())
    steps = (visits.gap_days.cast("float64").ln() * LOG_STEPS).round().cast("int64")
    visits = visits.mutate(steps=steps)
    in_a_row = ibis.window(
        group_by=visits.customer_id, order_by=visits.purchased_on, preceding=LAST_GAPS - 1, following=0
    )
    return visits.select(
        "customer_id", "purchased_on", "gap_days", "visit_no", "steps", row=visits.steps.sum().over(in_a_row)
    )


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
        all_steps=known.steps.sum(),
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
    error = (sigma2 * (1.0 / LAST_GAPS + 1.0 / people.before)).sqrt()
    z = (slower - everybody) / error
    ratio = (slower - everybody).exp()
    people = people.mutate(
        error=error,
        everybody=ibis.literal(everybody),
        usual_days=people.earlier.exp(),
        last_days=people["last"].exp(),
        mean_gap=people.earlier_days.cast("float64") / people.before,
        whole_gap=people.days.cast("float64") / people.n.cast("float64"),
        ratio=ratio,
        z=z.round(6),
    )
    people = people.mutate(warned=_is_slower(people.z, people.ratio))
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
        "all_steps",
        "before",
        "error",
        "everybody",
    )


def _is_slower(z: ir.NumericValue, ratio: ir.NumericValue) -> ir.BooleanValue:
    slower: ir.BooleanValue = (z >= WARNED_FROM) & (ratio >= SLOWED_FROM)
    return slower


def _checks(rollup: Rollup, at: dt.date) -> ir.Table:
    days = rollup.days.filter(rollup.days.purchased_on <= ibis.literal(at))
    sums = days.group_by("customer_id").aggregate(amount=days.amount.sum(), receipts=days.receipts.sum())
    sums = sums.filter(sums.receipts > 0)
    return sums.select("customer_id", mean_check=sums.amount.cast("float64") / sums.receipts.cast("float64"))


def _tried(ground: Ground, gaps: ir.Table) -> Tried | None:
    """Both groups at each past day, and how many of each then came much less; None when nobody could be watched."""
    rollup, window = ground.rollup, ground.window_days
    counted, origins, less = np.zeros(4, dtype=np.int64), [], []
    for step in range(1, MOST_ORIGINS + 1):
        at = rollup.as_of - dt.timedelta(days=window * step)
        if (at - rollup.first_day).days < 2 * window:
            break
        found, came_less = _one_origin(rollup, gaps, at, window)
        if found.sum():
            counted += found
            origins.append(at)
            less.append(came_less)
    if not origins:
        return None
    warned, warned_less, others, others_less = (int(one) for one in counted)
    return Tried(warned, warned_less, others, others_less, tuple(origins), *_chance(less))


def _chance(came_less: list[ir.Table]) -> tuple[float, float]:
    """How many of those who came much less chance would have warned about, and how unevenly customers exceed it."""
    every = ibis.union(*came_less) if len(came_less) > 1 else came_less[0]
    excess = every.warned.sum() * LOG_STEPS - every.chance.sum()
    people = every.group_by("customer_id").aggregate(chance=every.chance.sum(), excess=excess)
    squares = (people.excess.cast("float64") / float(LOG_STEPS)) ** 2
    row = _row(people.aggregate(chance=people.chance.sum(), squares=squares.sum()))
    return (row["chance"] or 0) / LOG_STEPS, round(row["squares"] or 0.0, 9)


def _one_origin(rollup: Rollup, gaps: ir.Table, at: dt.date, window: int) -> tuple[Any, ir.Table]:
    people = _measured(gaps, rollup, at)
    silence = ibis.literal(at).delta(people.last_on, unit="day").cast("float64")
    people = people.filter(silence <= 2.0 * people.whole_gap)
    high = _row(people.aggregate(q=people.mean_check.quantile([HIGH_CHECK])))["q"]
    people = people.filter(people.mean_check >= (float("inf") if not high or high[0] is None else high[0]))
    visits = rollup.visits
    end = ibis.literal(at + dt.timedelta(days=window))
    after = visits.filter((visits.purchased_on > ibis.literal(at)) & (visits.purchased_on <= end))
    after = after.group_by("customer_id").aggregate(visits_after=after.count())
    people = people.left_join(after, "customer_id").drop("customer_id_right")
    promised = float(window) / people.whole_gap
    less = people.visits_after.fill_null(0).cast("float64") < MUCH_LESS * promised
    people = people.mutate(less=less).cache()
    less = people.less
    row = _row(
        people.aggregate(
            warned=people.warned.sum(),
            warned_less=(people.warned & less).sum(),
            others=(~people.warned).sum(),
            others_less=(~people.warned & less).sum(),
        )
    )
    counts = [row[name] or 0 for name in ("warned", "warned_less", "others", "others_less")]
    return np.array(counts, dtype=np.int64), _any_three(people.filter(people.less), gaps, at).cache()


def _any_three(people: ir.Table, gaps: ir.Table, at: dt.date) -> ir.Table:
    """`customer_id`, `warned`, and `chance`: the share (in steps) of any three gaps in a row that would have warned."""
    rows = gaps.filter((gaps.purchased_on <= ibis.literal(at)) & (gaps.visit_no > LAST_GAPS))
    rows = people.select("customer_id", "warned", "all_steps", "before", "error", "everybody").inner_join(
        rows.select("customer_id", "row"), "customer_id"
    )
    last = rows.row.cast("float64") / float(LOG_STEPS * LAST_GAPS)
    earlier = (rows.all_steps - rows.row).cast("float64") / float(LOG_STEPS) / rows.before
    slower = last - earlier - rows.everybody
    rows = rows.mutate(also=_is_slower((slower / rows.error).round(6), slower.exp()))
    found = rows.group_by("customer_id", "warned").aggregate(count=rows.count(), also=rows.also.sum())
    share = found.also.cast("float64") / found["count"].cast("float64")
    return found.select(
        "customer_id",
        warned=found.warned.cast("int64"),
        chance=(share * float(LOG_STEPS)).round().cast("int64"),
    )


def _better(tried: Tried) -> float | None:
    """P(X >= right warnings) of a Poisson whose counts are deflated by the unevenness."""
    if not tried.warned or not tried.others:
        return None
    right, chance = float(tried.warned_less), max(tried.chance_less, 1e-9)
    uneven = max(tried.squares / max(right, chance), 1.0)
    return float(special.gammainc(right / uneven, chance / uneven)) if right else 1.0


def _refusal(tried: Tried | None, p_value: float | None) -> str | None:
    if tried is None or p_value is None or tried.warned < FEWEST_WARNED:
        return _("There were too few such customers in the past to test the warning on.")
    if p_value >= REPORTED_BELOW:
        return _(
            "Tested on the past: customers who slowed down did not come less afterwards than chance makes them. "
            "So nobody is warned about."
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
