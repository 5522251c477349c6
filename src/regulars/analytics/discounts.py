"""Discounts: who buys on price, who on service, and which discounts went to people who came as often without."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import scipy
from scipy.special import ndtri

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.intervals import bootstrap_sum
from regulars.analytics.rollup import LOG_STEPS, YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

CLASSES = ("price", "mixed", "service")

DISCOUNTED_FROM = 20  # one part in so many of the list price: less is rounding, not a discount
FEWEST_LINES = 10
FEWEST_VISITS = 5
FEWEST_CUSTOMERS = 50
FEWEST_OFFERED = 0.01  # share of lines
_DAY_WEIGHT = 20.0  # lines: how far a day of few lines is drawn towards the whole history
_SURE = float(ndtri(0.95))
_ODDS = 2.0  # twice as many discounted lines for each one at full price: "on price"; half as many: "on service"
_SMALLEST_DIFFERENCE = 0.05

FEWEST_GAPS = 5  # of either kind
FEWEST_COMPARED = 20  # customers with times of both kinds
KEPT_PACE = 0.7  # who comes at least so often without discounts came as often, as far as anybody can tell
_CLUSTERED = 0.75  # of the changes that chance would make between visits with and without
_RARELY = float(ndtri(0.99))  # and fewer than chance makes in one customer of a hundred
_FAR_MORE = 0.05  # so the customers in whom this is seen must be far more than that one

_MAX_PEOPLE_FOR_INTERVAL = 50_000


@dataclass(frozen=True, repr=False)
class Discounts(Found):
    """Who buys on price, and what discounts cost.

    - `customers`, one row per known customer with a visit of a listed price: `customer_id`, `lines`, `discounted`
      (lines bought at a discount), `offered` (how many of them would have been, had the customer bought what the
      shop sold to others on those days), `dependence` (share bought at a discount less the share offered, drawn
      towards zero), `habit` (price, mixed, service; null with fewer than ten lines or five visits),
      `discount` and `discount_year` (minor units, all and the last 365 days), `came_without` (true: discounts of
      theirs count as wasted; null: no times of both kinds to compare).
    - `classes`, one row per habit: `habit`, `customers`, `amount_year`, `discount_year` (minor units).
    """

    customers: ir.Table
    classes: ir.Table
    offered_share: float  # of all lines sold to known customers
    discount_year: int | None  # minor units given in the last 365 days; None without the column `discount`
    list_year: int  # minor units of list prices in the last 365 days
    compared: int  # customers with enough lines
    differ_p: float  # chance that equal customers would differ as much
    times_compared: int  # customers with times with and without discounts
    reason: str | None  # why wasted discounts cannot be told


def discounts(ground: Ground) -> Discounts:
    """Tell apart who buys on price and who on service, and find discounts that called nobody.

    A line is bought at a discount when at least 5 % of its list price (amount + discount) was taken off; without a
    column `discount`, when it carries a promotion. Returns are left out.

    **Habit.** For each customer-day the expected number is the share of discounted lines among the lines of other
    known customers that day, drawn towards the share of the whole history with the weight of 20 lines. The
    difference of observed and expected shares is drawn towards zero (normal-normal, DerSimonian & Laird 1986); its
    variance is binomial times the overdispersion between the visits of one customer, because one visit's lines
    share their fate. On price: with 95 % probability twice the odds that the shop offers (twice as many discounted
    lines for each one at full price), and five points more. On service: with 95 % probability half of these odds.
    Nobody is classed unless customers differ more than chance makes them (heterogeneity test Q, Cochran 1954).

    **Wasted.** Visits with at least 5 % off are "with", others "without". Gaps whose two ends are both with are
    times with discounts, both without times without; mixed gaps are left out. Should discounts fall on visits at
    random, both have one distribution whatever the rates, so no comparison is possible and none is made: the visits
    of both kinds must come in stretches: at most three quarters of the changes that chance makes, and fewer than it
    makes in one customer of a hundred (Wald & Wolfowitz 1940), seen in five of a hundred at least. The difference
    of mean log gaps is drawn towards the mean of all; who with 95 % probability comes at least 70 % as often
    without counts as having come anyway. The money is what they were given in a year: the most that could be saved.

    Raises `NotEnoughData` without `discount` and `promotion`, when fewer than 1 % of the lines were discounted, or
    with fewer than 50 customers of ten lines and five visits.
    """
    rollup = ground.rollup
    if not rollup.has("discount") and not rollup.has("promotion"):
        raise NotEnoughData(_("Discounts need a column with the discount of each line, or with the promotion."))
    marks = _marks(rollup).cache()
    totals = _row(marks.aggregate(lines=marks.lines.sum(), cut=marks.cut.sum()))
    share = (totals["cut"] or 0) / max(totals["lines"] or 0, 1)
    if share < FEWEST_OFFERED:
        raise NotEnoughData(
            _("Hardly anything was sold at a discount: {n} lines of {lines}.").format(
                n=totals["cut"] or 0, lines=totals["lines"] or 0
            )
        )
    people, differ_p, compared = _habits(marks, share, rollup)
    came = _came_without(marks)
    people = people.left_join(came.people, "customer_id").drop("customer_id_right").cache()
    year = _row(people.aggregate(discount=people.discount_year.sum(), listed=people.listed_year.sum()))
    money = rollup.has("discount")
    classes = _classes(people, rollup).cache()
    findings = (*_habit_findings(people, classes, differ_p, compared, share), *_wasted(people, came, money=money))
    return Discounts(
        findings=findings,
        comparisons=_comparisons(people, compared, came, findings),
        customers=people.drop("listed_year", "z", "wasted_doubt"),
        classes=classes,
        offered_share=share,
        discount_year=int(year["discount"] or 0) if money else None,
        list_year=int(year["listed"] or 0),
        compared=compared,
        differ_p=differ_p,
        times_compared=came.compared,
        reason=came.reason,
    )


def _row(table: ir.Table) -> dict[str, Any]:
    found: dict[str, Any] = table.to_pyarrow().to_pylist()[0]
    return found


def marks_of(lines: ir.Table) -> ir.Table:
    """Sold lines with `listed`, `taken_off` (minor units) and `cut` (0 or 1: bought at a discount)."""
    taken_off = lines.discount.fill_null(0) if "discount" in lines.columns else ibis.literal(0, "int64")
    sold = lines.mutate(taken_off=taken_off).filter(lines.amount >= 0)
    sold = sold.mutate(listed=sold.amount + sold.taken_off)
    sold = sold.filter(sold.listed > 0)
    by_money = "discount" in lines.columns
    cut = sold.taken_off * DISCOUNTED_FROM >= sold.listed if by_money else sold.promotion.notnull()
    return sold.mutate(cut=cut.cast("int64"))


def _marks(rollup: Rollup) -> ir.Table:
    """Customer-days: `lines`, `cut`, `listed`, `discount`, and of all other buyers that day `others`, `others_cut`."""
    # buyers without a card often have no right to discounts: they would make every member look keen on them
    sold = marks_of(rollup.lines.filter(rollup.lines.customer_id.notnull()))
    days = sold.group_by("customer_id", "purchased_on").aggregate(
        lines=sold.count(), cut=sold.cut.sum(), listed=sold.listed.sum(), discount=sold.taken_off.sum()
    )
    all_of = ibis.window(group_by=days.purchased_on)
    return days.mutate(
        others=days.lines.sum().over(all_of) - days.lines, others_cut=days.cut.sum().over(all_of) - days.cut
    )


def _habits(marks: ir.Table, share: float, rollup: Rollup) -> tuple[ir.Table, float, int]:
    """Customers with their habit, the chance that equal ones would differ as much, and how many were compared."""
    offered = (marks.others_cut.cast("float64") + _DAY_WEIGHT * share) / (marks.others.cast("float64") + _DAY_WEIGHT)
    # rounded, so that the order of summation changes nothing
    visits = marks.mutate(offered=offered.round(9), n=marks.lines.cast("float64"))
    visits = visits.mutate(
        more=visits.cut.cast("float64") - visits.offered * visits.n,
        chance=visits.offered * (1.0 - visits.offered) * visits.n,
    )
    this_year = visits.purchased_on > ibis.literal(rollup.as_of - dt.timedelta(days=YEAR_DAYS))
    people = visits.group_by("customer_id").aggregate(
        visits_seen=visits.count(),
        lines=visits.lines.sum(),
        discounted=visits.cut.sum(),
        offered=(visits.offered * visits.n).sum(),
        more=visits.more.sum(),
        chance=visits.chance.sum(),
        more2=(visits.more * visits.more).sum(),
        more_n=(visits.more * visits.n).sum(),
        n2=(visits.n * visits.n).sum(),
        discount=visits.discount.sum(),
        discount_year=visits.discount.sum(where=this_year).fill_null(0),
        listed_year=visits.listed.sum(where=this_year).fill_null(0),
    )
    people = people.mutate(n=people.lines.cast("float64"))
    people = people.mutate(
        beyond=people.more / people.n,
        enough=(people.lines >= FEWEST_LINES) & (people.visits_seen >= FEWEST_VISITS) & (people.chance > 0),
    ).cache()
    return _classed(people)


def _classed(people: ir.Table) -> tuple[ir.Table, float, int]:
    seen = people.filter(people.enough)
    mean = seen.beyond
    inside = seen.more2 - 2.0 * mean * seen.more_n + mean * mean * seen.n2
    free = seen.chance * (1.0 - seen.n2 / (seen.n * seen.n))
    total = _row(seen.aggregate(customers=seen.count(), inside=inside.sum(), free=free.sum()))
    compared = int(total["customers"])
    if compared < FEWEST_CUSTOMERS:
        raise NotEnoughData(
            _(
                "Habits of discounts need {need} customers with {lines} lines and {visits} visits; there are {count}."
            ).format(need=FEWEST_CUSTOMERS, lines=FEWEST_LINES, visits=FEWEST_VISITS, count=compared)
        )
    spread = round(max(total["inside"] / total["free"], 1.0), 6)
    people = people.mutate(variance=ibis.ifelse(people.enough, spread * people.chance / (people.n * people.n), 1.0))
    seen = people.filter(people.enough)
    weight = 1.0 / seen.variance
    moments = _row(seen.aggregate(w=weight.sum(), wx=(weight * seen.beyond).sum(), wx2=(weight * seen.beyond**2).sum()))
    tau2 = round(max((moments["wx2"] - compared) / moments["w"], 0.0), 12)
    # rounded as all else here: the engine adds up in no order
    statistic = round(moments["wx2"] - moments["wx"] ** 2 / moments["w"], 6)
    differ_p = float(scipy.stats.chi2.sf(statistic, compared - 1))
    kept = tau2 / (tau2 + people.variance)
    people = people.mutate(
        offered_share=people.offered / people.n,
        dependence=(people.beyond * kept).round(6),
        doubt=(people.variance * kept).sqrt() * _SURE,
        z=people.beyond / people.variance.sqrt(),
    )
    offered = people.offered_share
    much = ibis.greatest(_ODDS * offered / (1.0 - offered + _ODDS * offered) - offered, _SMALLEST_DIFFERENCE)
    little = offered - offered / (offered + _ODDS * (1.0 - offered))
    really = ibis.literal(differ_p < REPORTED_BELOW)
    worth_it = people.offered_share >= _SMALLEST_DIFFERENCE
    habit = ibis.cases(
        (~people.enough, ibis.null("string")),
        (really & (people.dependence - people.doubt > much), "price"),
        (really & worth_it & (people.dependence + people.doubt < -little), "service"),
        else_="mixed",
    )
    found = people.select(
        "customer_id",
        "lines",
        "discounted",
        "discount",
        "discount_year",
        "listed_year",
        offered=people.offered.round(6),
        dependence=ibis.ifelse(people.enough, people.dependence, ibis.null("float64")),
        z=ibis.ifelse(people.enough, people.z.round(6), ibis.null("float64")),
        habit=habit,
    )
    return found, differ_p, compared


def _classes(people: ir.Table, rollup: Rollup) -> ir.Table:
    known = people.filter(people.habit.notnull()).inner_join(
        rollup.customers.select("customer_id", "amount_year"), "customer_id"
    )
    return known.group_by("habit").aggregate(
        customers=known.count(),
        amount_year=known.amount_year.sum(),
        discount_year=known.discount_year.sum(),
        lines=known.lines.sum(),
        discounted=known.discounted.sum(),
    )


def _habit_findings(
    people: ir.Table, classes: ir.Table, differ_p: float, compared: int, share: float
) -> tuple[Finding, ...]:
    found = []
    for row in classes.order_by("habit").to_pyarrow().to_pylist():
        if row["habit"] == "mixed":
            continue
        mine = people.filter(people.habit == row["habit"])
        about = {
            "share": row["discounted"] / row["lines"],
            "offered": share,
            "discount_year": row["discount_year"],
            "of": compared,
        }
        found.append(
            Finding(
                id=f"discount:{row['habit']}",
                chapter="discounts",
                kind=f"discount:{row['habit']}",
                about=about,
                customers=row["customers"],
                money=None,
                evidence=Evidence.of_test(p_value=differ_p, q_value=differ_p, cases=compared),
                people=mine.select("customer_id", amount=mine.discount_year),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class _Came:
    """`people`: `customer_id`, `came_without`, `wasted_doubt` (chance that it is not so)."""

    people: ir.Table
    compared: int
    reason: str | None


def _nobody(reason: str) -> _Came:
    columns = {"customer_id": "string", "came_without": "boolean", "wasted_doubt": "float64"}
    return _Came(ibis.memtable([], schema=columns), 0, reason)


def _came_without(marks: ir.Table) -> _Came:
    """Compare each customer's times with and without discounts."""
    people = _times(marks)
    both = people.filter((people.with_n >= FEWEST_GAPS) & (people.without_n >= FEWEST_GAPS)).cache()
    customers = int(both.count().to_pyarrow().as_py())
    if customers < FEWEST_COMPARED:
        return _nobody(
            _("Too few customers have had times with and without discounts: {count}, and {need} are needed.").format(
                count=customers, need=FEWEST_COMPARED
            )
        )
    rarely = both.changes_expected - _RARELY * ibis.greatest(both.changes_variance, 0.0).sqrt()
    changes = both.changes.cast("float64")
    stretches = both.filter((changes <= _CLUSTERED * both.changes_expected) & (changes <= rarely))
    count = int(stretches.count().to_pyarrow().as_py())
    if count < max(FEWEST_COMPARED, _FAR_MORE * customers):
        return _nobody(
            _(
                "Discounts fall on visits as if by lot: nobody has had longer times without them, so it cannot be seen "
                "how often people would come without."
            )
        )
    return _Came(_judged(stretches), count, None)


def _times(marks: ir.Table) -> ir.Table:
    """Per customer: number, sum and squares of the log gaps of both kinds, and changes between kinds of visits."""
    visits = marks.mutate(
        cut_visit=(
            ibis.ifelse(
                marks.discount > 0, marks.discount * DISCOUNTED_FROM >= marks.listed, marks.cut * 2 > marks.lines
            )
        ).cast("int64")
    )
    one = ibis.window(group_by=visits.customer_id, order_by=visits.purchased_on)
    visits = visits.mutate(
        gap=visits.purchased_on.delta(visits.purchased_on.lag().over(one), unit="day"),
        before=visits.cut_visit.lag().over(one),
    )
    # each logarithm rounded to 2^-20 and summed as a whole number: the order of rows changes nothing
    steps = (visits.gap.cast("float64").ln() * LOG_STEPS).round().cast("int64")
    visits = visits.mutate(steps=steps, both=visits.cut_visit + visits.before)
    with_, without = visits.both == 2, visits.both == 0
    people = visits.group_by("customer_id").aggregate(
        visits=visits.count(),
        cut_visits=visits.cut_visit.sum(),
        changes=(visits.both == 1).sum().fill_null(0),
        with_n=with_.sum().fill_null(0),
        without_n=without.sum().fill_null(0),
        with_log=visits.steps.sum(where=with_).fill_null(0),
        without_log=visits.steps.sum(where=without).fill_null(0),
        squares=((visits.steps.cast("float64") / float(LOG_STEPS)) ** 2).sum(where=with_ | without).fill_null(0.0),
    )
    n, a = people.visits.cast("float64"), people.cut_visits.cast("float64")
    product = 2.0 * a * (n - a)
    expected = product / n
    return people.mutate(
        changes_expected=expected,
        changes_variance=ibis.ifelse(n > 1, product * (product - n) / (n * n * ibis.greatest(n - 1.0, 1.0)), 0.0),
        with_mean=_mean(people.with_log, people.with_n),
        without_mean=_mean(people.without_log, people.without_n),
    )


def _mean(steps: ir.NumericColumn, count: ir.NumericColumn) -> ir.FloatingValue:
    mean: ir.FloatingValue = steps.cast("float64") / float(LOG_STEPS) / ibis.greatest(count, 1).cast("float64")
    return mean


def _judged(people: ir.Table) -> ir.Table:
    """Who came at least `KEPT_PACE` as often without, with 95 % probability (empirical Bayes)."""
    with_n, without_n = people.with_n.cast("float64"), people.without_n.cast("float64")
    inside = people.squares - with_n * people.with_mean**2 - without_n * people.without_mean**2
    total = _row(people.aggregate(inside=inside.sum(), free=(with_n + without_n - 2.0).sum()))
    sigma2 = round(max(total["inside"] / total["free"], 1e-6), 9)
    people = people.mutate(
        slower=people.without_mean - people.with_mean, variance=sigma2 * (1.0 / with_n + 1.0 / without_n)
    )
    weight = 1.0 / people.variance
    sums = _row(
        people.aggregate(
            n=people.count(),
            w=weight.sum(),
            w2=(weight * weight).sum(),
            wx=(weight * people.slower).sum(),
            wx2=(weight * people.slower * people.slower).sum(),
        )
    )
    mean = sums["wx"] / sums["w"]
    q = sums["wx2"] - sums["w"] * mean * mean
    tau2 = max((q - (sums["n"] - 1)) / (sums["w"] - sums["w2"] / sums["w"]), 0.0)
    kept = tau2 / (tau2 + people.variance)
    # what is known of the mean itself, where nobody differs from it
    doubt = (people.variance * kept + (1.0 - kept) ** 2 / sums["w"]).sqrt()
    slower = mean + kept * (people.slower - mean)
    z = (-math.log(KEPT_PACE) - slower) / doubt
    return people.select("customer_id", came_without=z >= _SURE, wasted_doubt=z.round(6)).cache()


def _wasted(people: ir.Table, came: _Came, *, money: bool) -> tuple[Finding, ...]:
    mine = people.filter(people.came_without & (people.discount_year > 0))
    rows = mine.select("customer_id", "discount_year", "wasted_doubt").order_by("customer_id")
    rows = rows.limit(_MAX_PEOPLE_FOR_INTERVAL)
    given = rows.to_pyarrow()
    if not money or given.num_rows == 0:
        return ()
    amounts = np.asarray(given["discount_year"].to_numpy(), dtype=np.float64)
    doubt = float(scipy.stats.norm.sf(np.asarray(given["wasted_doubt"].to_numpy(), dtype=np.float64)).mean())
    total = _row(mine.aggregate(customers=mine.count(), given=mine.discount_year.sum()))
    drawn = bootstrap_sum(amounts)
    scale = total["given"] / drawn.value
    return (
        Finding(
            id="discount:wasted",
            chapter="discounts",
            kind="discount:wasted",
            about={"given": int(total["given"]), "of": came.compared},
            customers=int(total["customers"]),
            money=Estimate(drawn.value * scale, max(drawn.low, 0.0) * scale, drawn.high * scale),
            evidence=Evidence("assumed", came.compared, q_value=doubt),
            people=mine.select("customer_id", amount=mine.discount_year),
        ),
    )


def _comparisons(people: ir.Table, compared: int, came: _Came, findings: tuple[Finding, ...]) -> tuple[Comparison, ...]:
    raw = people.filter(people.z.abs() > 1.96)
    sizes = {one.kind: one.customers for one in findings}
    wasted = sizes.get("discount:wasted", 0)
    return (
        Comparison(
            "discounts:habit",
            compared,
            int(raw.count().to_pyarrow().as_py()),
            sizes.get("discount:price", 0) + sizes.get("discount:service", 0),
        ),
        Comparison("discounts:wasted", came.compared, wasted, wasted),
    )
