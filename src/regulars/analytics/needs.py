"""What each customer will need next, and when: own frequency, own rhythm, and the time since the last purchase."""

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
from regulars.analytics.intervals import wilson
from regulars.analytics.needs_past import RULES, Past, Rule, features_of, look_back, try_rules
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Flags = NDArray[np.bool_]

DUE_FROM = 0.5  # more likely than not
SHOWN_EACH = 5  # products per customer in the result
FEWEST_CASES = 30  # of a product that was said to be due, in the back-test
FEWEST_PEOPLE = 10
MOST_FINDINGS = 6
MOST_CUSTOMERS = 4_000  # that a back-test looks at
SHORTEST_DAYS = 7
HORIZONS = 6  # the history must be so many horizons long


_BACKTEST = pa.schema([("rule", pa.string()), *((name, pa.float64()) for name in ("recall", "ndcg", "low", "high"))])


@dataclass(frozen=True, repr=False)
class Needs(Found):
    """What is needed next, and how often such a rule was right.

    - `next`: at most five rows per customer who is not lost: `customer_id`, `product`, `last_on`, `due_on` (last
      purchase plus the own interval; a day that has passed means overdue), `score` (chance of buying it within
      `horizon_days`), `usual_amount` (minor units per purchase). Products bought at least twice only.
    - `backtest`: one row per rule of `RULES`: `rule`, `recall`, `ndcg`, `low` and `high` (interval of its NDCG).
    """

    horizon_days: int
    next: ir.Table
    backtest: ir.Table
    tested_customers: int
    ahead_of_frequent: Estimate  # NDCG of the rule less that of "own most frequent", customer by customer
    ahead_of_popular: Estimate
    personal: bool  # both are above 0: products have rhythms of their own, beyond popularity and habit
    hit_rate: Estimate | None  # of purchases said to be due in the back-test, those that were made; None without any
    due_customers: int  # with at least one product due now


def needs(ground: Ground) -> Needs:
    """Each customer's next needs by the rhythm of each product, with the back-test of the rule.

    The chance that a customer buys a product within the horizon (a quarter of the business's window, in whole weeks)
    comes from a logistic regression on: the share of the own visits with the product, all and lately (half-life of
    four horizons), the number of purchases, the time since the last one against the own interval (drawn towards the
    product's mean interval with the weight of one gap), the product's popularity lately, and how often and how lately
    the customer visits at all. For the products that most people buy there is a second one for those who never did.

    The regression is fitted at a cut two horizons before the end, on what was bought within one horizon of it, and
    judged at a cut one horizon before the end on the last horizon, which it has never seen: recall@10 and NDCG@10
    (binary; Jaervelin & Kekaelaeinen 2002) over customers who bought something in it, against "own most frequent"
    and "most popular"; lists shorter than ten are filled up with the most popular products. The same weights then say
    what is due now. Personal frequency is the rule that is hard to beat here (Li et al. 2023, ACM TOIS 41(4)).

    At most 4,000 customers are tested on, every n-th by number. Ties go to the product that more people buy.
    Returns are left out. `NotEnoughData` without products, for histories shorter than six horizons, or fewer than
    50 customers with purchases before and after each cut.

    Findings: products due with a chance of at least one half for ten people or more, whose hit rate in the back-test
    (30 cases or more) is above the rate at which past buyers buy the product in a horizon anyway (binomial test,
    Benjamini-Hochberg over all such products). None at all unless the rule is reliably ahead of both others: else
    frequent visitors would pass for people with a need. Their money is what at best a reminder adds within the
    horizon: the usual amount times the chance that the purchase is not made; its interval takes purchases as
    independent.
    """
    horizon = max(SHORTEST_DAYS, ground.window_days // 4 // 7 * 7)
    goods = ground.goods
    if goods.last_day_no + 1 < HORIZONS * horizon:
        raise NotEnoughData(
            _("To test what is needed next, a history of {need} days is needed; there are {n}.").format(
                need=HORIZONS * horizon, n=goods.last_day_no + 1
            )
        )
    step = _sample_step(ground)
    taught, judged = (look_back(goods, goods.last_day_no - cuts * horizon, horizon, step) for cuts in (2, 1))
    rule = Rule.learn(taught)
    scored = _scored(ground, rule, horizon).cache()
    trial = try_rules(rule, judged)
    ahead = {other: trial.ahead(other) for other in RULES[1:]}
    personal = all(one.low > 0 for one in ahead.values())
    findings, comparison = _findings(ground, scored, judged, rule, horizon, personal=personal)
    due = scored.filter(scored.score >= DUE_FROM)
    return Needs(
        findings=findings,
        comparisons=(comparison,),
        horizon_days=horizon,
        next=_next(ground, scored),
        backtest=ibis.memtable(pa.Table.from_pylist(trial.rows(), _BACKTEST)),
        tested_customers=trial.customers,
        ahead_of_frequent=ahead["most_frequent"],
        ahead_of_popular=ahead["most_popular"],
        personal=personal,
        hit_rate=_hit_rate(judged, rule),
        due_customers=int(due.customer_id.nunique().to_pyarrow().as_py()),
    )


def _sample_step(ground: Ground) -> int:
    customers = int(ground.rollup.customers.count().to_pyarrow().as_py())
    return max(1, math.ceil(customers / MOST_CUSTOMERS))


def _scored(ground: Ground, rule: Rule, horizon: int) -> ir.Table:
    """Every product bought at least twice by a customer who is not lost, with its chance and its day."""
    goods = ground.goods
    rows = features_of(goods.bought, goods.last_day_no, horizon)
    rows = rows.filter(rows.n >= 2)
    rows = rows.mutate(score=rule.score(rows), due_day=rows["last"] + rows.gap.round().cast("int64"))
    people = ground.rollup.customers.select("customer_id", "customer_no")
    states = ground.lifecycle.customers
    people = people.semi_join(states.filter(states.state != "lost"), "customer_id")
    rows = rows.inner_join(people, "customer_no")
    usual = (rows.amount.cast("float64") / rows.n.cast("float64")).round().cast("int64")
    return rows.select("customer_id", "product_no", "n", "last", "due_day", "score", usual_amount=usual)


def _next(ground: Ground, scored: ir.Table) -> ir.Table:
    best = ibis.window(group_by=scored.customer_id, order_by=[scored.score.desc(), scored.product_no])
    rows = scored.mutate(place=ibis.row_number().over(best))
    rows = rows.filter(rows.place < SHOWN_EACH)
    rows = rows.inner_join(ground.goods.products.select("product_no", "product"), "product_no")
    start = ibis.literal(ground.rollup.first_day)
    days = {
        name: start + rows[column].as_interval("D") for name, column in (("last_on", "last"), ("due_on", "due_day"))
    }
    rows = rows.mutate(**{name: value.cast("date") for name, value in days.items()})
    return rows.select("customer_id", "product", "last_on", "due_on", "score", "usual_amount")


def _said_due(judged: Past, rule: Rule) -> Flags:
    found: Flags = (rule.chance(judged) >= DUE_FROM) & (judged.n >= 2)
    return found


def _hit_rate(judged: Past, rule: Rule) -> Estimate | None:
    """Share of those said to be due that were bought; customers, not purchases, are taken as independent."""
    due = _said_due(judged, rule)
    if not due.any():
        return None
    _numbers, of_customer = np.unique(judged.customer[due], return_inverse=True)
    cases = np.bincount(of_customer).astype(np.float64)
    hits = np.bincount(of_customer, weights=judged.happened[due].astype(np.float64))
    rate = float(hits.sum() / cases.sum())
    half = 1.96 * float(np.sqrt(((hits - rate * cases) ** 2).sum())) / float(cases.sum())
    return Estimate(rate, max(rate - half, 0.0), min(rate + half, 1.0))


# --- findings ---


def _findings(
    ground: Ground, scored: ir.Table, judged: Past, rule: Rule, horizon: int, *, personal: bool
) -> tuple[tuple[Finding, ...], Comparison]:
    tested = _tested_products(judged, rule)
    p_values = np.array([one.p_value for one in tested.values()])
    found = dict(zip(tested, q_values(p_values).tolist(), strict=True))
    sure = {product: one for product, one in tested.items() if personal and found[product] < REPORTED_BELOW}
    due = scored.filter((scored.score >= DUE_FROM) & scored.product_no.isin([*sure, -1]))
    rows = _due_by_product(due)[:MOST_FINDINGS]
    findings = tuple(
        _finding(ground, due, row, sure[row["product_no"]], found[row["product_no"]], horizon) for row in rows
    )
    raw = int((p_values < REPORTED_BELOW).sum())
    return findings, Comparison("needs", len(tested), raw, len(sure))


@dataclass(frozen=True)
class _Tested:
    """How a product that was said to be due did in the back-test."""

    cases: int
    hit_rate: Estimate
    base_rate: float  # at which those who had bought it before bought it in the horizon
    p_value: float


def _tested_products(judged: Past, rule: Rule) -> dict[int, _Tested]:
    due = _said_due(judged, rule)
    found = {}
    for product, cases in zip(*np.unique(judged.product[due], return_counts=True), strict=True):
        if cases < FEWEST_CASES:
            continue
        of_product = (judged.product == product) & judged.own
        hits = int(judged.happened[due & of_product].sum())
        base = float(judged.happened[of_product].mean())
        rate = wilson(hits, int(cases))
        assert rate is not None
        p_value = float(scipy.stats.binom.sf(hits - 1, cases, base)) if base < 1 else 1.0
        found[int(product)] = _Tested(int(cases), rate, base, p_value)
    return found


def _due_by_product(due: ir.Table) -> list[dict[str, Any]]:
    """Products due with enough people, most money first."""
    miss = 1.0 - due.score
    money = due.usual_amount.cast("float64")
    # whole minor units and their squares: exact sums, whatever the row order
    rows = due.group_by("product_no").aggregate(
        customers=due.count(),
        expected=(money * due.score).round().cast("int64").sum(),
        missed=(money * miss).round().cast("int64").sum(),
        variance=(money * money * miss * due.score).round().cast("int64").sum(),
    )
    rows = rows.filter(rows.customers >= FEWEST_PEOPLE).order_by(rows.missed.desc(), rows.product_no)
    found: list[dict[str, Any]] = rows.to_pyarrow().to_pylist()
    return found


def _finding(
    ground: Ground, due: ir.Table, row: dict[str, Any], tested: _Tested, q_value: float, horizon: int
) -> Finding:
    product = ground.goods.names[row["product_no"]]
    half = 1.96 * math.sqrt(row["variance"])
    people = due.filter(due.product_no == row["product_no"])
    return Finding(
        id=f"need:{product}",
        chapter="need",
        kind="need_due",
        about={
            "product": product,
            "days": horizon,
            "hit_rate": tested.hit_rate,
            "base_rate": tested.base_rate,
            "expected": row["expected"],
        },
        customers=row["customers"],
        money=Estimate(row["missed"], max(row["missed"] - half, 0.0), row["missed"] + half),
        evidence=Evidence("tested", tested.cases, tested.p_value, q_value),
        people=people.select("customer_id", amount=people.usual_amount),
    )
