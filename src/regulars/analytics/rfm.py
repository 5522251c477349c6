"""RFM by value cuts: equal customers get equal scores, whatever the row order."""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup


@dataclass(frozen=True, repr=False)
class Rfm(Readable):
    cuts: dict[str, list[float]]  # "recency_days", "visits", "amount": the four cut values between scores
    customers: ir.Table  # customer_id, r, f, m (1 worst .. 5 best), rfm_segment (id)
    segments: ir.Table  # rfm_segment, customers, amount, amount_share, median_recency_days, mean_visits


# ids; the report names them in both languages
SEGMENTS = (
    "champions",
    "loyal",
    "promising",
    "new",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
)


def rfm(rollup: Rollup) -> Rfm:
    """Score every known customer on recency, frequency (visits) and money over the whole history.

    A score is the customer's position among those who differ from him: with W customers strictly worse and
    B strictly better, 1 + the whole fifths in W / (W + B), at most 5. Without ties these are five equal
    groups. Equal values always share a score; the worst value is 1 and the best is 5 whenever values
    differ at all. Where many are equal (60 % came once), fewer scores occur, and the crowd is not spread
    over several of them. If all customers are equal, everyone is in the middle, 3.

    `cuts` are the values where the next score begins: a customer has one point more for each cut that
    his visits or amount reach, and for each cut that his `recency_days` do not exceed.

    Segments are a complete map of the 125 combinations; see `segment_of`.
    """
    customers = rollup.customers
    cuts = {
        "recency_days": [-cut for cut in _cuts(customers, -customers.recency_days)],
        "visits": _cuts(customers, customers.visits),
        "amount": _cuts(customers, customers.amount),
    }
    scored = customers.select(
        "customer_id",
        "amount",
        "recency_days",
        "visits",
        r=_points(*(customers.recency_days <= int(cut) for cut in cuts["recency_days"])),
        f=_points(*(customers.visits >= int(cut) for cut in cuts["visits"])),
        m=_points(*(customers.amount >= int(cut) for cut in cuts["amount"])),
    )
    segment = ibis.cases(*_rules(scored.r, scored.f, scored.m), else_="hibernating")
    scored = scored.mutate(rfm_segment=segment).cache()
    return Rfm(cuts, scored.select("customer_id", "r", "f", "m", "rfm_segment"), _segments(scored))


def segment_of(r: int, f: int, m: int) -> str:
    """The segment of one combination of scores: the first rule that fits.

    >>> segment_of(5, 5, 5), segment_of(5, 1, 3), segment_of(1, 5, 5), segment_of(1, 1, 1)
    ('champions', 'new', 'cannot_lose', 'hibernating')
    """
    return next((name for rule, name in _rules(r, f, m) if rule), "hibernating")


def _rules(r: Any, f: Any, m: Any) -> list[tuple[Any, str]]:
    """Rules in order of precedence, for numbers and for columns alike; whom none fits is hibernating."""
    return [
        ((r >= 4) & (f >= 4) & (m >= 4), "champions"),
        ((r >= 3) & (f >= 4), "loyal"),
        ((r >= 4) & (f == 3) & (m >= 3), "loyal"),
        ((r >= 4) & (f >= 2), "promising"),
        (r >= 4, "new"),
        ((r == 3) & ((f == 3) | (m >= 4)), "need_attention"),
        (r == 3, "about_to_sleep"),
        ((f >= 4) & (m >= 4), "cannot_lose"),
        ((f >= 3) | (m >= 4), "at_risk"),
    ]


def _points(*reached: Any) -> ir.IntegerValue:
    points: ir.IntegerValue = sum((cut.cast("int64") for cut in reached), ibis.literal(1, "int64"))
    return points


def _cuts(customers: ir.Table, value: ir.Column) -> list[float]:
    """For scores 2 to 5: the smallest value whose share of worse ones among different ones is 1/5 .. 4/5."""
    values = customers.group_by(value=value).aggregate(equal=customers.count())
    values = values.mutate(
        worse=values.equal.sum().over(ibis.cumulative_window(order_by=values.value)) - values.equal,
        total=values.equal.sum().over(ibis.window()),
    )
    different = values.total - values.equal
    reached = {f"score_{k + 1}": values.value.min(where=5 * values.worse >= k * different) for k in range(1, 5)}
    row = values.aggregate(largest=values.value.max(), smallest=values.value.min(), **reached).to_pyarrow().to_pylist()
    found = [int(row[0][name]) for name in reached]
    if row[0]["smallest"] == row[0]["largest"]:
        # all are equal: two cuts below everyone and two that nobody reaches put everyone in the middle
        return [found[0], found[0], found[0] + 1, found[0] + 1]
    return list(map(float, found))


def _segments(scored: ir.Table) -> ir.Table:
    segments = scored.group_by("rfm_segment").aggregate(
        customers=scored.count(),
        amount=scored.amount.sum(),
        median_recency_days=scored.recency_days.median(),
        mean_visits=scored.visits.mean(),
    )
    total = segments.amount.sum().over(ibis.window()).cast("float64")
    share = ibis.cases((total > 0, segments.amount / total), else_=0.0)
    columns = ("rfm_segment", "customers", "amount", "amount_share", "median_recency_days", "mean_visits")
    return segments.mutate(amount_share=share).select(*columns).cache()
