"""The rule of what is needed next: what is known at a day, how it is weighed, and how it did on the past."""

import math
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.goods import Goods
from regulars.analytics.intervals import mean_interval
from regulars.analytics.logistic import Logistic, fit_logistic
from regulars.analytics.rollup import LOG_STEPS
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

RULES = ("rhythm", "most_frequent", "most_popular")
FIRST = 10  # recall and NDCG look at so many products per customer
POPULAR = 50  # products that are thought of for those who never bought them
FEWEST_CUSTOMERS = 50  # with purchases before and after each cut

FEATURES = (
    "share",
    "lately",
    "purchases",
    "due",
    "due_squared",
    "due_often",
    "popularity",
    "pace",
    "pace_lately",
    "away",
)
FEATURES_NEW = ("popularity", "pace", "pace_lately", "away")


def _faded(day_no: ir.NumericValue, cut: int, half_life: float) -> ir.NumericScalar:
    """The sum of 2 ** -(age / half-life), exact: neither row order nor threads can change it."""
    weight = ((cut - day_no).cast("float64") * (-math.log(2) / half_life)).exp()
    steps = (weight * LOG_STEPS).round().cast("int64")
    return steps.sum().cast("float64") / float(LOG_STEPS)


def _visitors(bought: ir.Table, cut: int, horizon: int) -> ir.Table:
    """Per customer: visits, and how often and how lately."""
    days = bought.group_by("customer_no", "day_no", "visit_no").aggregate(products=bought.count())
    people = days.group_by("customer_no").aggregate(
        visits=days.visit_no.max(),
        seen=days.day_no.max(),
        visits_lately=_faded(days.day_no, cut, 4 * horizon),
        visits_now=_faded(days.day_no, cut, horizon),
    )
    return people.mutate(
        pace=(people.visits_lately + 0.2).ln(),
        pace_lately=(people.visits_now + 0.2).ln(),
        away=((cut - people.seen).cast("float64") + 1.0).ln(),
    )


def _popularity(bought: ir.Table, cut: int, horizon: int) -> ir.Table:
    """Per product: purchases in the last four horizons, and the mean interval of those who repeat."""
    pairs = bought.group_by("product_no", "customer_no").aggregate(
        n=bought.count(),
        span=bought.day_no.max() - bought.day_no.min(),
        lately=(bought.day_no > cut - 4 * horizon).sum(),
    )
    found = pairs.group_by("product_no").aggregate(
        lately=pairs.lately.sum(), gaps=(pairs.n - 1).sum(), spans=pairs.span.sum()
    )
    gap = ibis.ifelse(found.gaps > 0, found.spans.cast("float64") / ibis.greatest(found.gaps, 1), float(cut + 1))
    return found.mutate(product_gap=gap, popularity=(found.lately.cast("float64") + 1.0).ln())


def features_of(bought: ir.Table, cut: int, horizon: int) -> ir.Table:
    """One row per customer and product bought by the day `cut`, with the columns `FEATURES` and the own interval."""
    past = bought.filter(bought.day_no <= cut)
    return _features(past, _visitors(past, cut, horizon), _popularity(past, cut, horizon), cut, horizon)


def _features(past: ir.Table, people: ir.Table, products: ir.Table, cut: int, horizon: int) -> ir.Table:
    pairs = past.group_by("customer_no", "product_no").aggregate(
        n=past.count(),
        first=past.day_no.min(),
        last=past.day_no.max(),
        amount=past.amount.sum(),
        faded=_faded(past.day_no, cut, 4 * horizon),
    )
    rows = pairs.inner_join(people, "customer_no").inner_join(products, "product_no")
    n = rows.n.cast("float64")
    gap = ibis.greatest((rows.product_gap + (rows["last"] - rows["first"]).cast("float64")) / n, 1.0)
    rows = rows.mutate(gap=gap, due=((cut - rows["last"]).cast("float64") / gap + 0.1).ln())
    n = rows.n.cast("float64")
    return rows.mutate(
        share=(n / rows.visits.cast("float64")).ln(),
        lately=((rows.faded + 0.05) / (rows.visits_lately + 0.5)).ln(),
        purchases=n.ln(),
        due_squared=rows.due * rows.due,
        due_often=rows.due * n.ln(),
    )


# --- the past, for a sample of customers ---


@dataclass(frozen=True)
class Past:
    """Candidates at a cut, one position each: a customer, and a product bought before or popular with others."""

    customer: Ints
    product: Ints
    n: Ints  # own purchases; 0 for a popular product that the customer never bought
    rank: Ints  # of the product by popularity, from 0
    features: Floats  # FEATURES where n > 0, else FEATURES_NEW in the first columns
    happened: Flags  # bought within the horizon after the cut
    wanted: dict[int, int]  # customer -> products bought within the horizon

    @cached_property
    def own(self) -> Flags:
        return self.n > 0


def look_back(goods: Goods, cut: int, horizon: int, step: int) -> Past:
    """What was known at the end of day `cut`, and what then happened, of every `step`-th customer."""
    bought = goods.bought
    known = _popularity(bought.filter(bought.day_no <= cut), cut, horizon).cache()
    # of all customers only the popularity is wanted; everything else is of the few that are looked at
    past = bought.filter((bought.day_no <= cut) & (bought.customer_no % step == 0)).cache()
    visitors = _visitors(past, cut, horizon).cache()
    rows = _features(past, visitors, known, cut, horizon)
    own = rows.select("customer_no", "product_no", "n", *FEATURES).order_by("customer_no", "product_no").to_pyarrow()
    people = visitors.order_by("customer_no").to_pyarrow()
    # ordered last of all: an engine may forget the order of what is selected from
    products = known.select("product_no", "popularity", "lately")
    products = products.order_by(ibis.desc("lately"), "product_no").to_pyarrow()
    after = bought.filter((bought.day_no > cut) & (bought.day_no <= cut + horizon) & (bought.customer_no % step == 0))
    after = after.group_by("customer_no", "product_no").aggregate(days=after.count())
    after = after.order_by("customer_no", "product_no").to_pyarrow()
    return _candidates(own, people, products, after)


def _candidates(own: pa.Table, people: pa.Table, products: pa.Table, after: pa.Table) -> Past:
    rank_of = np.full(int(max(products["product_no"].to_numpy().max(initial=0), 0)) + 1, len(products))
    rank_of[products["product_no"].to_numpy()] = np.arange(len(products))
    customers, top = people["customer_no"].to_numpy(), products["product_no"].to_numpy()[:POPULAR]
    had = _key(own["customer_no"].to_numpy(), own["product_no"].to_numpy())
    customer, product = np.repeat(customers, len(top)), np.tile(top, len(customers))
    fresh = ~np.isin(_key(customer, product), had)
    new = np.zeros((len(customer), len(FEATURES)))
    new[:, 0] = np.tile(products["popularity"].to_numpy()[:POPULAR], len(customers))
    for place, name in enumerate(FEATURES_NEW[1:], start=1):
        new[:, place] = np.repeat(people[name].to_numpy(), len(top))
    all_customers = np.concatenate([own["customer_no"].to_numpy(), customer[fresh]])
    all_products = np.concatenate([own["product_no"].to_numpy(), product[fresh]])
    known = np.isin(after["customer_no"].to_numpy(), customers)
    who, what = after["customer_no"].to_numpy()[known], after["product_no"].to_numpy()[known]
    numbers, counts = np.unique(who, return_counts=True)
    return Past(
        customer=all_customers,
        product=all_products,
        n=np.concatenate([own["n"].to_numpy(), np.zeros(int(fresh.sum()), dtype=np.int64)]),
        rank=rank_of[all_products],
        features=np.concatenate([np.column_stack([own[name].to_numpy() for name in FEATURES]), new[fresh]]),
        happened=np.isin(_key(all_customers, all_products), _key(who, what)),
        wanted=dict(zip(numbers.tolist(), counts.tolist(), strict=True)),
    )


def _key(customer: Ints, product: Ints) -> Ints:
    return customer.astype(np.int64) * 1_000_000 + product


@dataclass(frozen=True)
class Rule:
    """The weights of what is known: for products bought before, and for those never bought."""

    own: Logistic
    new: Logistic

    @classmethod
    def learn(cls, past: Past) -> "Rule":
        """Fit both to what happened; `NotEnoughData` when too few customers came to learn from."""
        if len(past.wanted) < FEWEST_CUSTOMERS:
            raise NotEnoughData(
                _(
                    "What is needed next is learned from {need} customers with purchases before and after; {n} had."
                ).format(need=FEWEST_CUSTOMERS, n=len(past.wanted))
            )
        happened = past.happened.astype(np.float64)
        width = len(FEATURES_NEW)
        return cls(
            fit_logistic(past.features[past.own], happened[past.own]),
            fit_logistic(past.features[~past.own][:, :width], happened[~past.own]),
        )

    def chance(self, past: Past) -> Floats:
        """The chance that each candidate is bought within the horizon."""
        found = self.own.chance(past.features)
        fresh = ~past.own
        found[fresh] = self.new.chance(past.features[fresh][:, : len(FEATURES_NEW)])
        return found

    def score(self, rows: ir.Table) -> ir.FloatingValue:
        """The chance of `rows` that have the columns `FEATURES`, computed by the engine."""
        total = ibis.literal(self.own.intercept)
        for name, weight in zip(FEATURES, self.own.weights.tolist(), strict=True):
            total = total + rows[name] * weight
        chance: ir.FloatingValue = 1.0 / (1.0 + (-total).exp())
        return chance.round(6)


# --- how the rules did ---


@dataclass(frozen=True)
class Trial:
    """Recall@10 and NDCG@10 of each rule, one position per tested customer."""

    recall: dict[str, Floats]
    ndcg: dict[str, Floats]

    @property
    def customers(self) -> int:
        return len(self.recall[RULES[0]])

    def ahead(self, other: str) -> Estimate:
        """NDCG of the rhythm less that of `other`, over the same customers."""
        return _mean(self.ndcg["rhythm"] - self.ndcg[other])

    def rows(self) -> list[dict[str, str | float]]:
        """One row per rule."""
        found: list[dict[str, str | float]] = []
        for rule in RULES:
            ndcg = _mean(self.ndcg[rule])
            recall = float(self.recall[rule].mean())
            found.append({"rule": rule, "recall": recall, "ndcg": ndcg.value, "low": ndcg.low, "high": ndcg.high})
        return found


def _mean(values: Floats) -> Estimate:
    return mean_interval(float(values.mean()), float(values.var(ddof=1)), len(values))


def try_rules(rule: Rule, past: Past) -> Trial:
    """Let each rule name ten products per customer, and compare with what was bought."""
    if len(past.wanted) < FEWEST_CUSTOMERS:
        raise NotEnoughData(
            _("What is needed next is tested on {need} customers with purchases before and after; {n} had.").format(
                need=FEWEST_CUSTOMERS, n=len(past.wanted)
            )
        )
    scores = {
        "rhythm": rule.chance(past),
        "most_frequent": past.n.astype(np.float64),
        "most_popular": -past.rank.astype(np.float64),
    }
    judged = {name: _judge(past, score) for name, score in scores.items()}
    return Trial({name: one[0] for name, one in judged.items()}, {name: one[1] for name, one in judged.items()})


def _judge(past: Past, score: Floats) -> tuple[Floats, Floats]:
    order = np.lexsort((past.rank, -score, past.customer))
    customer = past.customer[order]
    starts = np.r_[0, np.flatnonzero(np.diff(customer)) + 1]
    place = np.arange(len(customer)) - np.repeat(starts, np.diff(np.r_[starts, len(customer)]))
    discounts = 1 / np.log2(np.arange(2, FIRST + 2))
    hit = past.happened[order] & (place < FIRST)
    gain = np.where(hit, discounts[np.minimum(place, FIRST - 1)], 0.0)
    hits, gains = np.add.reduceat(hit.astype(np.float64), starts), np.add.reduceat(gain, starts)
    wanted = np.array([past.wanted.get(number, 0) for number in customer[starts].tolist()])
    tested = wanted > 0
    best = np.cumsum(discounts)[np.minimum(wanted[tested], FIRST) - 1]
    return hits[tested] / wanted[tested], gains[tested] / best
