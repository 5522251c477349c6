"""The minimum order worth a bonus, by simulation on the business's own receipts."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.price_response import product_key, product_names
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.analytics.snapshot import SPREAD
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _
from regulars.core.money import minor_digits

Floats = NDArray[np.float64]

# Nobody knows these before a trial; they are named wherever a result is shown.
REACH = 0.25  # receipts up to so much below the threshold could move up
MOVE_SHARE = 0.20  # of them do
BONUS_SHARE = 0.03  # of the threshold, given to every receipt that reaches it

FEWEST_RECEIPTS = 200
MOST_THRESHOLDS = 12
_LOWEST, _HIGHEST = 0.30, 0.97  # quantiles of the check between which thresholds are tried
_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
_GROUPS = 200
_RESAMPLES = 2_000

_ADD_ON_REACH = 0.3  # of the threshold: what lifts a receipt over it is not its main purchase
_ADD_ONS = 12


@dataclass(frozen=True, repr=False)
class MinimumOrder(Found):
    """What each threshold would bring in 12 months, under the named assumptions.

    - `thresholds`, one row per round sum, the smallest first: `threshold` (minor units), `near` (receipts a year up to
      a quarter below it), `above` (receipts a year at or above it, which get the bonus for nothing), `moved`,
      `extra_margin`, `bonus`, `net`, `net_low`, `net_high` (minor units a year), `needed_share`: the share of the near
      receipts that must move up to pay for the bonus; null where even all of them would not.
    - `add_ons`, one row per product: `product_id`, `product`, `receipts`: how many receipts it lifted over the
      threshold shown (`shown_threshold`): without it they would have stayed below, and it is no more than three
      tenths of the threshold; the most first. Empty without products.
    """

    thresholds: ir.Table
    best: int | None  # minor units; None when no threshold earns
    shown_threshold: int  # the best one, or else the one that loses least
    margin_share: float
    receipts_a_year: float
    add_ons: ir.Table


def minimum_order(ground: Ground) -> MinimumOrder:
    """Simulate a bonus for receipts of a minimum sum on the receipts of the last 365 days.

    A receipt counts with its net sum, when that is above zero; buyers without a card are in. For a threshold T: of
    the receipts between 0.75 T and T one in five moves up to exactly T (assumption), which brings the missing money
    at the known margin; every receipt that reaches T then gets a bonus of 3 % of T (assumption), the moved ones and
    those that were above anyway. The net is scaled to 365 days when the history is shorter.

    The interval draws customers anew, in 200 groups (buyers without a card by day), 2,000 times, and is widened for
    the choice of the best among all thresholds (Bonferroni). A threshold earns when its whole interval does. "No
    threshold earns" is an answer: with thin margins it is the usual one.

    Raises `NotEnoughData` without a margin (neither cost nor a given share), or below 200 receipts.
    """
    rollup, margin = ground.rollup, ground.margin_share
    if margin is None:
        raise NotEnoughData(
            _(
                "The minimum order needs the margin: a column with the cost of each line, or its share "
                "(--margin, or the settings of the application)."
            )
        )
    paid, count, quantiles = _receipts(rollup)
    if count < FEWEST_RECEIPTS:
        raise NotEnoughData(
            _("The minimum order needs {need} receipts in the last year; there are {count}.").format(
                need=FEWEST_RECEIPTS, count=count
            )
        )
    digits = minor_digits(rollup.history.currency)
    tried = round_sums(quantiles[0], quantiles[1], digits)
    a_year = YEAR_DAYS / min(rollup.span_days, YEAR_DAYS)
    rows = _simulate(_grouped(rollup, paid, tried), tried, margin, a_year)
    best = max(rows, key=lambda row: (row["net"], -row["threshold"]))
    earns = best["net_low"] > 0
    shown = int(best["threshold"])
    findings = (_finding(rollup, paid, best, margin, len(rows)),) if earns else ()
    raw = sum(row["net"] > 0 for row in rows)
    return MinimumOrder(
        findings=findings,
        comparisons=(Comparison("minimum_order", len(rows), raw, len(findings)),),
        thresholds=ibis.memtable(pa.Table.from_pylist(rows, _SCHEMA)),
        best=shown if earns else None,
        shown_threshold=shown,
        margin_share=margin,
        receipts_a_year=count * a_year,
        add_ons=_add_ons(rollup, shown),
    )


_SCHEMA = pa.schema(
    [
        ("threshold", pa.int64()),
        ("near", pa.float64()),
        ("above", pa.float64()),
        ("moved", pa.float64()),
        ("extra_margin", pa.float64()),
        ("bonus", pa.float64()),
        ("net", pa.float64()),
        ("net_low", pa.float64()),
        ("net_high", pa.float64()),
        ("needed_share", pa.float64()),
    ]
)


def round_sums(lowest: float, highest: float, digits: int) -> list[int]:
    """Round sums of the currency between two amounts (minor units), at most twelve, evenly chosen.

    >>> round_sums(31_000, 120_000, 2)
    [40000, 50000, 60000, 70000, 80000, 100000, 120000]
    """
    found: list[int] = []
    unit = 10**digits
    power = max(math.floor(math.log10(max(lowest, unit) / unit)), 0)
    while unit * 10**power <= highest:
        found += [round(step * unit * 10**power) for step in _STEPS]
        power += 1
    found = sorted({one for one in found if lowest < one <= highest and one % unit == 0})
    if not found:
        return [max(round(highest / unit), 1) * unit]
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_THRESHOLDS)).round().astype(int))
    return [found[place] for place in chosen]


def _receipts(rollup: Rollup) -> tuple[ir.Table, int, tuple[float, float]]:
    receipts = rollup.receipts
    since = ibis.literal(rollup.as_of - dt.timedelta(days=YEAR_DAYS))
    paid = receipts.filter((receipts.amount > 0) & (receipts.purchased_on > since))
    row = paid.aggregate(n=paid.count(), q=paid.amount.quantile([_LOWEST, _HIGHEST])).to_pyarrow().to_pylist()[0]
    low, high = row["q"] or (0.0, 0.0)
    return paid, int(row["n"]), (float(low or 0), float(high or 0))


def _grouped(rollup: Rollup, paid: ir.Table, tried: list[int]) -> dict[str, Floats]:
    """Near receipts, their missing money, and receipts above: a row per group of customers, a column per threshold."""
    # by what a customer did and not by the name: renaming customers changes no interval
    who = rollup.customers
    deeds = who.visits * 1_000_003 + who.last_purchase_age_days * 10_007 + who.age_days
    numbers = who.select("customer_id", deeds=deeds)
    rows = paid.left_join(numbers, "customer_id").drop("customer_id_right")
    day = rows.purchased_on.delta(ibis.literal(rollup.first_day), unit="day")
    number = rows.deeds.fill_null(day + 1_000_003)
    rows = rows.mutate(group=((number * SPREAD) % 2**32 * _GROUPS // 2**32).cast("int64"))
    measures = {}
    for place, threshold in enumerate(tried):
        near = (rows.amount >= math.ceil((1 - REACH) * threshold)) & (rows.amount < threshold)
        measures[f"near_{place}"] = near.sum().fill_null(0)
        measures[f"missing_{place}"] = (threshold - rows.amount).sum(where=near).fill_null(0)
        measures[f"above_{place}"] = (rows.amount >= threshold).sum().fill_null(0)
    table = rows.group_by("group").aggregate(**measures).order_by("group").to_pyarrow()
    return {
        name: np.column_stack([table[f"{name}_{place}"].to_numpy().astype(np.float64) for place in range(len(tried))])
        for name in ("near", "missing", "above")
    }


def _simulate(groups: dict[str, Floats], tried: list[int], margin: float, a_year: float) -> list[dict[str, Any]]:
    bonus = BONUS_SHARE * np.array(tried, dtype=np.float64)
    extra = MOVE_SHARE * margin * groups["missing"] * a_year
    paid_out = bonus * (MOVE_SHARE * groups["near"] + groups["above"]) * a_year
    net = extra - paid_out
    low, high = _intervals(net)
    total = {name: part.sum(axis=0) * a_year for name, part in groups.items()}
    # at this share s the extra margin s m missing pays for the bonus b (s near + above)
    gain = margin * total["missing"] - bonus * total["near"]
    needed = np.where(gain > 0, bonus * total["above"] / np.where(gain > 0, gain, 1.0), np.inf)
    return [
        {
            "threshold": threshold,
            "near": float(total["near"][place]),
            "above": float(total["above"][place]),
            "moved": MOVE_SHARE * float(total["near"][place]),
            "extra_margin": float(extra[:, place].sum()),
            "bonus": float(paid_out[:, place].sum()),
            "net": float(net[:, place].sum()),
            "net_low": float(low[place]),
            "net_high": float(high[place]),
            "needed_share": float(needed[place]) if needed[place] <= 1 else None,
        }
        for place, threshold in enumerate(tried)
    ]


def _intervals(net: Floats) -> tuple[Floats, Floats]:
    """Percentile bootstrap over the groups, at 95 % for all thresholds together."""
    groups, thresholds = net.shape
    drawn = np.random.default_rng(0).multinomial(groups, np.full(groups, 1 / groups), _RESAMPLES) @ net
    tail = 0.05 / 2 / thresholds
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    total = net.sum(axis=0)
    return np.minimum(low, total), np.maximum(high, total)


def _finding(rollup: Rollup, paid: ir.Table, best: dict[str, Any], margin: float, tried: int) -> Finding:
    threshold = int(best["threshold"])
    known = paid.filter(paid.customer_id.notnull())
    near = known.filter((known.amount >= math.ceil((1 - REACH) * threshold)) & (known.amount < threshold))
    people = near.group_by("customer_id").aggregate(amount=(threshold - near.amount).sum())
    people = people.semi_join(rollup.customers, "customer_id")
    return Finding(
        id=f"minimum_order:{threshold}",
        chapter="minimum_order",
        kind="minimum_order:best",
        about={
            "threshold": threshold,
            "bonus": round(BONUS_SHARE * threshold),
            "moved": best["moved"],
            "above": best["above"],
            "cost": best["bonus"],
            "needed_share": best["needed_share"],
            "move_share": MOVE_SHARE,
            "margin": margin,
            "tried": tried,
        },
        customers=int(people.count().to_pyarrow().as_py()),
        money=Estimate(best["net"], best["net_low"], best["net_high"]),
        evidence=Evidence("assumed", round(best["near"])),
        people=people,
    )


def _add_ons(rollup: Rollup, threshold: int) -> ir.Table:
    """Products that lifted most receipts over the threshold."""
    columns = {"product_id": "string", "product": "string", "receipts": "int64"}
    if not (rollup.has("product_id") or rollup.has("product")):
        return ibis.memtable([], schema=columns)
    key = product_key(rollup)
    lines = rollup.lines
    since = ibis.literal(rollup.as_of - dt.timedelta(days=YEAR_DAYS))
    lines = lines.filter((lines.amount > 0) & (lines.purchased_on > since))
    receipt = ["customer_id", "purchased_on"]
    receipt += [name for name in ("store", "receipt_id") if name in lines.columns] or ["purchased_at"]
    whole = ibis.window(group_by=[lines[name] for name in receipt])
    rows = lines.mutate(key=lines[key], sum_of=lines.amount.sum().over(whole))
    lifted = rows.filter(
        rows.key.notnull()
        & (rows.sum_of >= threshold)
        & (rows.sum_of - rows.amount < threshold)
        & (rows.amount <= int(_ADD_ON_REACH * threshold))
    )
    counted = lifted.group_by("key").aggregate(receipts=lifted.count())
    top = counted.order_by([counted.receipts.desc(), counted.key]).limit(_ADD_ONS).to_pyarrow().to_pylist()
    names = product_names(rollup, key, [row["key"] for row in top]) if top else {}
    found = [
        {"product_id": row["key"], "product": names.get(row["key"], row["key"]), "receipts": row["receipts"]}
        for row in top
    ]
    schema = pa.schema([("product_id", pa.string()), ("product", pa.string()), ("receipts", pa.int64())])
    return ibis.memtable(pa.Table.from_pylist(found, schema))
