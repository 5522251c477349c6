"""Little-used goods and services: who among loyal customers is likely to try what they never bought."""

import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from regulars.analytics.corrections import q_values
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.goods import visit_days
from regulars.analytics.intervals import wilson
from regulars.analytics.logistic import Logistic, fit_logistic
from regulars.analytics.rollup import LOG_STEPS, YEAR_DAYS
from regulars.analytics.sold import Sold
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FEATURES = ("similar", "popularity", "rising", "breadth", "visits", "lately")
RULES = ("similar_customers", "most_popular", "by_chance")

MOST_CUSTOMERS = 4_000  # that neighbours and the back-test are taken from
MOST_CATEGORIES = 60
FEWEST_BUYERS = 20
FEWEST_CATEGORIES = 3
FEWEST_LOYAL = 100
FEWEST_TRIALS = 10  # in the back-test
LOYAL_VISITS = 5
LITTLE_USED = 0.5  # bought by at most this share of the loyal customers
STRATA = 10
LIKELY = 0.2  # the part of those without it that is called likely
MOST_FINDINGS = 5


@dataclass(frozen=True, repr=False)
class Trials(Found):
    """Who may try what, and how well such a list did on the past.

    - `backtest`: one row per rule of `RULES`: `rule`, `named` (customers, one category each; of `similar_customers`
      the likeliest fifth, by `by_chance` all that could be named), `tried`, `rate` with `low` and `high`.
    - `categories`: one row per little-used category: `category`, `users_share` (of the loyal), `likely_rate` and
      `others_rate` (who tried it in the back-test: of the likeliest fifth, and of all loyal customers without it),
      `q_value`.
    - `likely`: `customer_id`, `category`, `chance` (of a first purchase within `horizon_days`), for the categories
      that are reported.
    """

    horizon_days: int
    loyal: int  # customers with five visits, the last one within the window
    backtest: ir.Table
    categories: ir.Table
    likely: ir.Table


@dataclass(frozen=True)
class _Holdings:
    """`first_buys`: `customer_no`, `category_no`, `first_no` (day of the first purchase); `visits`: days of visits."""

    names: list[str]
    first_buys: ir.Table
    visits: ir.Table
    yearly: Floats  # money of a buyer of each category in the last year, minor units
    step: int


def trials(ground: Ground) -> Trials:
    """Tell which loyal customers are likely to buy something that they never bought.

    Loyal is who has five visits or more, the last one within the business's window. For a customer and a category
    (a product, where lines have no categories) never bought, the chance to buy it within the window comes from a
    logistic regression on: how much of the category's neighbourhood the customer has (cosine of buyers; Sarwar et al.
    2001, item-based), its buyers, how many of them are new, and the customer's breadth, visits, and visits lately.
    It is fitted two windows before the end and judged one window before it: the fifth of the loyal customers who
    are likeliest to try one of the little-used categories, against naming everybody the most popular one of them not
    bought yet, or any by chance.

    A category is little-used when at most half of the loyal customers have bought it. In the back-test, the
    likeliest fifth is compared with all who could have tried it (hypergeometric, one-sided). Who comes often tries
    more of everything, so it must besides hold that of customers equally active those with more of the neighbourhood
    try more (Mantel-Haenszel); the larger p-value counts. Benjamini-Hochberg over all such categories; reported are
    those below 5 % with ten trials or more. Neighbours and the back-test are taken from every n-th customer, at most
    4,000; the 60 categories of the most buyers are looked at.

    `NotEnoughData` without categories and products, with fewer than three categories, 100 loyal customers or ten
    trials. Findings: the customers above the chance that the likeliest fifth began at. Money, over 12 months: the
    trials that the rate of the back-test promises, times what a buyer of the category spends in a year: as if an
    invitation brought as many again as come by themselves. Its interval is that of the rate.
    """
    held = _holdings(ground.sold)
    horizon, last = ground.window_days, ground.rollup.span_days - 1
    cuts = (last - 2 * horizon, last - horizon)
    taught, judged = (_past(held, cut, horizon) for cut in cuts)
    model = _learn(taught)
    chance = model.chance(judged.features)
    activity = fit_logistic(taught.features[:, 1:], taught.tried.astype(np.float64))
    tested = _tested(judged, chance, activity.chance(judged.features[:, 1:]), held)
    little = np.isin(judged.category, [one.category for one in tested])
    now = _candidates(held, last, horizon, [one.category for one in tested if one.reported], 1).cache()
    scored = now.mutate(chance=_score(model, now))
    raw = sum(one.p_value < REPORTED_BELOW for one in tested)
    reported = [one for one in tested if one.reported]
    people = {one.category: _people(ground, scored, one).cache() for one in reported}
    return Trials(
        findings=_findings(held, reported, people, horizon),
        comparisons=(Comparison("trial", len(tested), raw, len(reported)),),
        horizon_days=horizon,
        loyal=len(np.unique(judged.customer)) * held.step,
        backtest=_backtest(judged.part(little), chance[little]),
        categories=_categories(held, tested),
        likely=_likely(held, people),
    )


# --- what is known ---


def _holdings(sold: Sold) -> _Holdings:
    rollup = sold.rollup
    column = next((name for name in ("category", "product", "product_id") if rollup.has(name)), None)
    if column is None:
        raise NotEnoughData(_("No column says what was bought."))
    days = sold.with_key(column)
    year = days.day_no > rollup.span_days - 1 - YEAR_DAYS
    pairs = days.group_by("customer_no", "key_no").aggregate(
        first_no=days.day_no.min(), amount=days.amount.sum(where=year).fill_null(0)
    )
    pairs = pairs.cache()
    categories = _numbered(pairs, sold.keys(column).names).cache()
    rows = categories.order_by("category_no").to_pyarrow()
    if len(rows) < FEWEST_CATEGORIES:
        raise NotEnoughData(
            _("Who may try something new can be told from {need} categories with {buyers} buyers each on.").format(
                need=FEWEST_CATEGORIES, buyers=FEWEST_BUYERS
            )
        )
    first_buys = pairs.inner_join(categories.select("key_no", "category_no"), "key_no")
    customers = int(rollup.customers.count().to_pyarrow().as_py())
    return _Holdings(
        names=[str(name) for name in rows["category"].to_pylist()],
        first_buys=first_buys.select("customer_no", "category_no", "first_no").cache(),
        visits=visit_days(rollup).select("customer_no", "day_no").cache(),
        yearly=rows["amount"].to_numpy() / np.maximum(rows["buyers_year"].to_numpy(), 1),
        step=max(1, math.ceil(customers / MOST_CUSTOMERS)),
    )


def _numbered(pairs: ir.Table, names: ir.Table) -> ir.Table:
    """The categories in order of their buyers; keys are numbered by name, so ties go by name."""
    categories = pairs.group_by("key_no").aggregate(
        buyers=pairs.count(), amount=pairs.amount.sum(), buyers_year=(pairs.amount > 0).sum()
    )
    categories = categories.filter(categories.buyers >= FEWEST_BUYERS)
    order = ibis.window(order_by=[categories.buyers.desc(), categories.key_no])
    categories = categories.mutate(category_no=ibis.row_number().over(order))
    categories = categories.filter(categories.category_no < MOST_CATEGORIES).inner_join(names, "key_no")
    return categories.rename(category="key")


def _shared(held: _Holdings, cut: int) -> Floats:
    """How many customers of the sample have both categories; on the diagonal, those who have one."""
    own = held.first_buys
    own = own.filter((own.first_no <= cut) & (own.customer_no % held.step == 0))
    rows = own.select("customer_no", "category_no").to_pyarrow()
    numbers, customer = np.unique(rows["customer_no"].to_numpy(), return_inverse=True)
    has = np.zeros((len(numbers), len(held.names)))
    has[customer, rows["category_no"].to_numpy()] = 1.0
    shared: Floats = has.T @ has
    return shared


def _cosines(shared: Floats) -> Floats:
    """How alike the buyers of two categories are: 0 nobody in common, 1 the same; 0 on the diagonal."""
    size = np.sqrt(np.maximum(np.diag(shared), 1.0))
    found: Floats = shared / size[:, None] / size[None, :]
    np.fill_diagonal(found, 0.0)
    return found


def _neighbours(held: _Holdings, cut: int, categories: list[int]) -> ir.Table:
    """`category_no`, `own_no`, `weight`: the part of the category's neighbourhood that `own_no` is, in exact steps."""
    cosine = _cosines(_shared(held, cut))[categories]
    part = cosine / np.maximum(cosine.sum(axis=1, keepdims=True), 1e-12)
    at, own = np.nonzero(part)
    weight = np.rint(part[at, own] * LOG_STEPS).astype(np.int64)
    return ibis.memtable(pa.table({"category_no": np.array(categories)[at], "own_no": own, "weight": weight}))


def _loyal(held: _Holdings, cut: int, horizon: int, step: int) -> ir.Table:
    visits = held.visits.filter((held.visits.day_no <= cut) & (held.visits.customer_no % step == 0))
    people = visits.group_by("customer_no").aggregate(
        count=visits.count(), seen=visits.day_no.max(), recent=(visits.day_no > cut - horizon).sum()
    )
    people = people.filter((people["count"] >= LOYAL_VISITS) & (people.seen > cut - horizon))
    return people.select(
        "customer_no",
        visits=people["count"].cast("float64").ln(),
        lately=people.recent.cast("float64").ln(),
    )


def _candidates(held: _Holdings, cut: int, horizon: int, categories: list[int], step: int) -> ir.Table:
    """One row per loyal customer and category (of `categories`) never bought by the day `cut`, with `FEATURES`."""
    own = held.first_buys.filter(held.first_buys.first_no <= cut)
    buyers = own.group_by("category_no").aggregate(buyers=own.count(), fresh=(own.first_no > cut - horizon).sum())
    people = _loyal(held, cut, horizon, step)
    # the customers looked at are few: what the others hold counts above, and nowhere below
    own = own.filter(own.customer_no % step == 0).semi_join(people, "customer_no")
    breadth = own.group_by("customer_no").aggregate(held=own.count())
    people = people.inner_join(breadth, "customer_no")
    wanted = buyers.filter(buyers.category_no.isin([*categories, -1]))
    rows = people.cross_join(wanted).anti_join(own, ["customer_no", "category_no"])
    near = own.select("customer_no", own_no="category_no").inner_join(
        _neighbours(held, cut, categories or [0]), "own_no"
    )
    near = near.group_by("customer_no", "category_no").aggregate(weight=near.weight.sum())
    rows = rows.left_join(near, ["customer_no", "category_no"])
    share = rows.weight.fill_null(0).cast("float64") / float(LOG_STEPS)
    return rows.select(
        "customer_no",
        "category_no",
        "visits",
        "lately",
        "buyers",
        similar=(share + 0.01).ln(),
        popularity=rows.buyers.cast("float64").ln(),
        # new buyers of late for each buyer of before: a new or seasonal category rises
        rising=((rows.fresh.cast("float64") + 1.0) / (rows.buyers - rows.fresh + 10).cast("float64")).ln(),
        breadth=rows.held.cast("float64").ln(),
    )


# --- the past ---


@dataclass(frozen=True)
class _Past:
    """One position per loyal customer of the sample and category not bought by the cut."""

    customer: Ints
    category: Ints
    buyers: Ints
    features: Floats
    tried: Flags  # within the horizon

    def part(self, where: Flags) -> "_Past":
        return _Past(*(column[where] for column in vars(self).values()))


def _past(held: _Holdings, cut: int, horizon: int) -> _Past:
    every = list(range(len(held.names)))
    rows = _candidates(held, cut, horizon, every, held.step)
    later = held.first_buys.filter((held.first_buys.first_no > cut) & (held.first_buys.first_no <= cut + horizon))
    rows = rows.left_join(later, ["customer_no", "category_no"])
    rows = rows.mutate(tried=rows.first_no.notnull())
    table = rows.order_by("customer_no", "category_no").to_pyarrow()
    customer = table["customer_no"].to_numpy()
    loyal, tried = len(np.unique(customer)), table["tried"].to_numpy()
    if loyal < FEWEST_LOYAL or tried.sum() < FEWEST_TRIALS:
        raise NotEnoughData(
            _(
                "Who may try something new is learned from {need} loyal customers and {trials} first purchases; there "
                "were {loyal} and {tried} in one part of the past."
            ).format(need=FEWEST_LOYAL, trials=FEWEST_TRIALS, loyal=loyal, tried=int(tried.sum()))
        )
    features = np.column_stack([table[name].to_numpy() for name in FEATURES])
    return _Past(customer, table["category_no"].to_numpy(), table["buyers"].to_numpy(), features, tried)


def _learn(past: _Past) -> Logistic:
    return fit_logistic(past.features, past.tried.astype(np.float64))


def _score(model: Logistic, rows: ir.Table) -> ir.FloatingValue:
    total = ibis.literal(model.intercept)
    for name, weight in zip(FEATURES, model.weights.tolist(), strict=True):
        total = total + rows[name] * weight
    chance: ir.FloatingValue = 1.0 / (1.0 + (-total).exp())
    return chance.round(6)


_BACKTEST = pa.schema(
    [
        ("rule", pa.string()),
        ("named", pa.int64()),
        ("tried", pa.int64()),
        *((name, pa.float64()) for name in ("rate", "low", "high")),
    ]
)


def _backtest(past: _Past, chance: Floats) -> ir.Table:
    if not len(past.customer):  # no category is little-used and tried often enough
        return ibis.memtable(pa.Table.from_pylist([], _BACKTEST))
    likeliest = _one_each(past, chance)
    likeliest = likeliest[np.argsort(-chance[likeliest], kind="stable")]
    named = {
        "similar_customers": likeliest[: math.ceil(LIKELY * len(likeliest))],
        "most_popular": _one_each(past, past.buyers.astype(np.float64)),
        "by_chance": np.arange(len(past.customer)),
    }
    rows = []
    for rule in RULES:
        tried = past.tried[named[rule]]
        rate = wilson(int(tried.sum()), len(tried))
        assert rate is not None
        rows.append(
            {
                "rule": rule,
                "named": len(tried),
                "tried": int(tried.sum()),
                "rate": rate.value,
                "low": rate.low,
                "high": rate.high,
            }
        )
    return ibis.memtable(pa.Table.from_pylist(rows, _BACKTEST))


def _one_each(past: _Past, score: Floats) -> Ints:
    """The position of each customer's best category; ties go to the one that more people buy."""
    order = np.lexsort((past.category, -score, past.customer))
    first = np.r_[True, np.diff(past.customer[order]) != 0]
    found: Ints = order[first]
    return found


@dataclass(frozen=True)
class _Tested:
    category: int
    users_share: float
    threshold: float  # the chance that the likeliest fifth began at
    named: int
    rate: Estimate  # of the likeliest fifth
    base_rate: float  # of all loyal customers without it
    p_value: float
    q_value: float = math.nan

    @property
    def reported(self) -> bool:
        return self.q_value < REPORTED_BELOW


def _beyond_activity(similar: Floats, active: Floats, tried: Flags) -> float:
    """One-sided p-value: among customers equally likely to try by activity alone, those with neighbours try more.

    Ten strata of the chance by activity, each cut at its median of `similar`; Mantel & Haenszel 1959.
    """
    stratum = np.searchsorted(np.quantile(active, np.arange(1, STRATA) / STRATA), active)
    excess, variance = 0.0, 0.0
    for one in range(STRATA):
        mine = stratum == one
        n, hits = int(mine.sum()), int(tried[mine].sum())
        if n < 2:
            continue
        near = similar[mine] > np.median(similar[mine])
        excess += float(tried[mine][near].sum()) - near.sum() * hits / n
        variance += near.sum() * (n - near.sum()) * hits * (n - hits) / (n * n * (n - 1))
    # half a trial less, for counts are whole
    return float(scipy.stats.norm.sf((excess - 0.5) / math.sqrt(variance))) if variance > 0 else 1.0


def _tested(past: _Past, chance: Floats, active: Floats, held: _Holdings) -> list[_Tested]:
    loyal = len(np.unique(past.customer))
    found = []
    for category in range(len(held.names)):
        mine = np.flatnonzero(past.category == category)
        tried = past.tried[mine]
        if len(mine) < (1 - LITTLE_USED) * loyal or tried.sum() < FEWEST_TRIALS:
            continue
        threshold = float(np.quantile(chance[mine], 1 - LIKELY))
        likely = chance[mine] >= threshold
        rate = wilson(int(tried[likely].sum()), int(likely.sum()))
        assert rate is not None
        # both must hold: the named try more than the others, and not only because they come more often
        p = max(
            float(scipy.stats.hypergeom.sf(tried[likely].sum() - 1, len(mine), tried.sum(), likely.sum())),
            _beyond_activity(past.features[mine, 0], active[mine], tried),
        )
        share = 1 - len(mine) / loyal
        found.append(_Tested(category, share, threshold, int(likely.sum()), rate, float(tried.mean()), p))
    q = q_values(np.array([one.p_value for one in found]))
    return [_Tested(**(vars(one) | {"q_value": float(value)})) for one, value in zip(found, q, strict=True)]


# --- what follows ---


def _people(ground: Ground, scored: ir.Table, one: _Tested) -> ir.Table:
    mine = scored.filter((scored.category_no == one.category) & (scored.chance >= one.threshold))
    return mine.inner_join(ground.rollup.customers.select("customer_no", "customer_id"), "customer_no")


def _findings(
    held: _Holdings, reported: list[_Tested], people: dict[int, ir.Table], horizon: int
) -> tuple[Finding, ...]:
    shared = _shared(held, int(held.first_buys.first_no.max().to_pyarrow().as_py()))
    made = [
        _finding(held, one, people[one.category], _nearest(held, shared, one.category), horizon) for one in reported
    ]
    found = [one for one in made if one.customers and one.money is not None]
    found.sort(key=lambda one: (-(one.money.value if one.money else 0.0), one.id))
    return tuple(found[:MOST_FINDINGS])


def _nearest(held: _Holdings, shared: Floats, category: int) -> list[str]:
    """The two categories whose buyers most often have this one too."""
    size = np.diag(shared)
    share = np.where(shared[category] >= FEWEST_BUYERS, shared[category] / np.maximum(size, 1.0), 0.0)
    share[category] = 0.0
    return [held.names[other] for other in np.argsort(-share, kind="stable")[:2] if share[other] > 0]


def _finding(held: _Holdings, one: _Tested, people: ir.Table, near: list[str], horizon: int) -> Finding:
    customers = int(people.count().to_pyarrow().as_py())
    yearly = float(held.yearly[one.category])
    rates = (one.rate.value, one.rate.low, one.rate.high)
    about: dict[str, Any] = {
        "category": held.names[one.category],
        "days": horizon,
        "near": near[0] if near else None,
        "near_too": near[1] if len(near) > 1 else None,
        "rate": one.rate,
        "base_rate": one.base_rate,
        "users_share": one.users_share,
    }
    return Finding(
        id=f"trial:{held.names[one.category]}",
        chapter="trial",
        kind="trial_likely",
        about=about,
        customers=customers,
        money=Estimate(*(customers * rate * yearly for rate in rates)),
        evidence=Evidence("tested", one.named, one.p_value, one.q_value),
        people=people.select("customer_id", amount=(people.chance * yearly).round().cast("int64")),
    )


_CATEGORIES = pa.schema(
    [
        ("category", pa.string()),
        *((name, pa.float64()) for name in ("users_share", "likely_rate", "others_rate", "q_value")),
    ]
)


def _categories(held: _Holdings, tested: list[_Tested]) -> ir.Table:
    rows = [
        {
            "category": held.names[one.category],
            "users_share": one.users_share,
            "likely_rate": one.rate.value,
            "others_rate": one.base_rate,
            "q_value": one.q_value,
        }
        for one in tested
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, _CATEGORIES))


def _likely(held: _Holdings, people: dict[int, ir.Table]) -> ir.Table:
    lists = [
        table.select("customer_id", category=ibis.literal(held.names[category]), chance=table.chance)
        for category, table in people.items()
    ]
    if not lists:
        return ibis.memtable([], schema={"customer_id": "string", "category": "string", "chance": "float64"})
    return ibis.union(*lists) if len(lists) > 1 else lists[0]
