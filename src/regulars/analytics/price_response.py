"""How demand answers to the regular price and to offers, product by product, and what an offer must bring to pay."""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from regulars.analytics.corrections import q_values, shrink
from regulars.analytics.discounts import marks_of
from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import REPORTED_BELOW, Comparison, Evidence, Finding, Found, Ground
from regulars.analytics.rollup import YEAR_DAYS, Rollup
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

Floats = NDArray[np.float64]

WEEK_DAYS = 7
FEWEST_WEEKS = 40
FEWEST_LINES_A_WEEK = 3.0
MOST_UNITS = 1e12  # of a line: more, and what is no number at all, is no quantity
MOST_PRODUCTS = 400  # those that bring most
PRICE_MOVES = 0.02  # standard deviation of the log regular price between weeks
FEWEST_WEEKS_ON_OFFER = 4
FEWEST_WEEKS_OFF = 15
_MOSTLY = 0.5  # of a week's lines
_MORE_THAN_USUAL = 0.25
_NEARLY_ALL = 0.9
_NO_CHANCE = 0.001
_REAL_MOVES = 1.5  # times the variance that differing lines alone give a weekly price
_LAG = 4  # weeks over which errors may be alike
_STEPS = 60
_LEVEL = 1e-9
_Z = 1.96
_TOO_STEEP = 8.0  # |log| per unit: beyond it a fit has run away, not found something
_NEAREST_SHIFT = 5  # weeks by which prices and offers of other weeks are put in place of the true ones, at least
_STILL_APART = 0.2  # of its variance that such a column must keep beside the true ones


@dataclass(frozen=True, repr=False)
class PriceResponse(Found):
    """The answer of demand, one row of `products` per product that could be tested, most money first.

    - `product_id`, `product`, `weeks`, `weeks_on_offer`, `amount` (minor units, all history);
    - `elasticity` of units to the regular price, drawn towards the mean of all products, with `elasticity_low`,
      `elasticity_high`, `elasticity_q`; null where the regular price hardly moved;
    - `lift`: units in a week of offer against the same week without, less one, drawn likewise; `lift_low`,
      `lift_high`, `lift_q`; null with fewer than four weeks of offer;
    - `depth`: mean discount in those weeks, a share of the regular price; `margin`, a share of the regular price;
      `break_even`: the lift at which an offer earns exactly nothing, d / (m - d); null where the margin is unknown
      and where the discount eats all of it (`eats_margin`); `needed_margin`: the margin from which an offer of this
      lift pays, d (1 + lift) / lift; null where offers do not lift sales or none would be enough.
    """

    products: ir.Table
    offered: int  # products with offers
    priced: int  # products whose regular price moved


def price_response(ground: Ground) -> PriceResponse:
    """Fit units a week of each steadily sold product to its regular price and its weeks of offer.

    Weeks are blocks of seven days counted back from `as_of`. The regular price of a week is the median of
    (amount + discount) / quantity over its lines. Products whose median moves no more than the
    differences between lines make it move have no price to test. A week of offer: at least half of the product's
    lines, and a quarter more than is usual in the shop, were discounted by 5 % or more (without `discount`: carried a
    promotion); chance must be ruled out at 0.1 % in half of these weeks, and in four. What is on
    offer in most weeks is not on offer: that is its price. Units follow exp(a + e log price + c offer +
    s log(units of all other products) + t week), fitted by Poisson quasi-likelihood, which takes weeks without a
    sale and needs no particular distribution (Santos Silva & Tenreyro 2006). The other products stand for season and
    traffic. Standard errors: the larger of the overdispersed-Poisson and the autocorrelation-robust one (Newey & West
    1987, four weeks), with Student's distribution. In a year or two they are still too small where both sales and
    prices move slowly, so they are widened by what prices and offers that cannot have had an effect seem to have: the
    same columns put five weeks or more later, beside the true ones; the factor is that of all products together.
    Elasticities and lifts are drawn towards the mean over products
    (normal-normal); p-values (against no response) are corrected over all products at once
    (Benjamini & Hochberg 1995).

    A finding says that demand answers to the price, or, where the margin is known, that the lift of offers is
    surely above or surely below the break-even d / (m - d). Stock-piling, sales taken from other products
    and weeks, and prices set because demand was expected are not seen: lifts are upper estimates.

    At most 400 products, those that bring most. Raises `NotEnoughData` without products or quantities, below 40
    weeks, or when no product had both enough sales and a price that moved or an offer.
    """
    rollup = ground.rollup
    weeks = rollup.span_days // WEEK_DAYS
    _check(rollup, weeks)
    rows = _weekly(rollup, weeks).to_pyarrow()
    fits = [fit for fit in _fits(rows, weeks) if fit is not None]
    if not fits:
        raise NotEnoughData(
            _("No product was sold in {weeks} weeks or more with offers or with a regular price that moved.").format(
                weeks=FEWEST_WEEKS
            )
        )
    table = _table(fits, ground.margin_share)
    key = product_key(ground.rollup)
    names = product_names(ground.rollup, key, [str(one) for one in table["key"]])
    findings = _findings(names, table)
    return PriceResponse(
        findings=findings,
        comparisons=_comparisons(table),
        products=ibis.memtable(_public(table, names)),
        offered=int(np.isfinite(table["lift"]).sum()),
        priced=int(np.isfinite(table["elasticity"]).sum()),
    )


def _check(rollup: Rollup, weeks: int) -> None:
    if not (rollup.has("product_id") or rollup.has("product")) or not rollup.has("quantity"):
        raise NotEnoughData(_("The answer of demand to prices needs columns with the product and the quantity."))
    if weeks < FEWEST_WEEKS:
        raise NotEnoughData(
            _("The answer of demand to prices needs {need} weeks of history; there are {count}.").format(
                need=FEWEST_WEEKS, count=weeks
            )
        )


def product_key(rollup: Rollup) -> str:
    """The column that tells products apart."""
    return "product_id" if rollup.has("product_id") else "product"


def product_names(rollup: Rollup, key: str, wanted: list[str]) -> dict[str, str]:
    """The name of each of these products; of several one that does not depend on row order."""
    if key == "product" or not rollup.has("product"):
        return {one: one for one in wanted}
    lines = rollup.lines.filter(rollup.lines[key].isin(wanted))
    rows = lines.group_by(key=lines[key]).aggregate(name=lines["product"].max()).to_pyarrow().to_pylist()
    return {row["key"]: row["name"] or row["key"] for row in rows}


def _weekly(rollup: Rollup, weeks: int) -> ir.Table:
    """Units, price and offer of the products worth looking at, week by week; `everything` of all products."""
    key = product_key(rollup)
    lines = rollup.lines
    if not rollup.has("discount") and not rollup.has("promotion"):
        lines = lines.mutate(promotion=ibis.null("string"))
    sold = marks_of(lines).filter(lambda t: (t.quantity > 0) & (t.quantity < MOST_UNITS) & t[key].notnull())
    back = ibis.literal(rollup.as_of).delta(sold.purchased_on, unit="day")
    sold = sold.mutate(key=sold[key], week=weeks - 1 - (back - back % WEEK_DAYS) // WEEK_DAYS)
    sold = sold.filter(sold.week >= 0)
    # medians are dear: they are taken of the products worth looking at alone
    counted = sold.group_by("key", "week").aggregate(lines=sold.count(), listed=sold.listed.sum()).cache()
    every = counted.group_by("week").aggregate(everything=counted.lines.sum())
    totals = counted.group_by("key").aggregate(
        all_lines=counted.lines.sum(), all_listed=counted.listed.sum(), seen=counted.count()
    )
    steady = totals.filter(
        (totals.seen >= FEWEST_WEEKS * 3 // 4) & (totals.all_lines >= FEWEST_LINES_A_WEEK * totals.seen)
    )
    best = steady.order_by([steady.all_listed.desc(), steady.key]).limit(MOST_PRODUCTS).cache()
    by_week = _marked(rollup, sold.semi_join(best, "key"))
    return by_week.inner_join(every, "week").order_by("key", "week")


def _marked(rollup: Rollup, sold: ir.Table) -> ir.Table:
    cost = {"cost": sold.cost.sum(where=sold.cost.notnull()).fill_null(0)} if rollup.has("cost") else {}
    # the sum of whole thousandths is exact whatever the order of rows
    units = (sold.quantity * 1000.0).round().cast("int64")
    price = sold.listed.cast("float64") / sold.quantity
    return sold.group_by("key", "week").aggregate(
        units=units.sum(),
        lines=sold.count(),
        cut=sold.cut.sum(),
        listed=sold.listed.sum(),
        taken_off=sold.taken_off.sum(),
        price=price.median(),
        spread=price.ln().var(how="sample").round(9),
        **cost,
    )


@dataclass(frozen=True)
class _Fit:
    key: str
    weeks: int
    on_offer: int
    listed: int
    cost: float | None  # of the list price
    depth: float
    base_a_year: float  # list price of what weeks of offer would sell without it, minor units a year
    elasticity: float
    elasticity_se: float
    lift: float  # log
    lift_se: float
    freedom: int
    elasticity_elsewhere: Floats  # deviates of the price and of offers put at other weeks
    lift_elsewhere: Floats


def _fits(rows: pa.Table, weeks: int) -> list[_Fit | None]:
    if not rows.num_rows:
        return []
    columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in rows.column_names}
    # names stay objects: an array of fixed width would take the longest one's room for each row
    keys = columns["key"]
    usual = float(columns["cut"].sum() / max(columns["lines"].sum(), 1))
    everything = np.zeros(weeks)
    everything[columns["week"]] = columns["everything"]
    edges = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return [
        _fit(str(keys[start]), {name: column[start:end] for name, column in columns.items()}, everything, usual)
        for start, end in zip(edges, [*edges[1:], keys.size], strict=True)
    ]


def _fit(key: str, mine: dict[str, Any], everything: Floats, usual: float) -> _Fit | None:
    """The regression of one product; None when neither its price nor an offer can be told from the rest."""
    first, last = int(mine["week"][0]), int(mine["week"][-1])
    n = last - first + 1
    if n < FEWEST_WEEKS:
        return None
    at = mine["week"] - first
    units, lines = np.zeros(n), np.zeros(n)
    units[at], lines[at] = mine["units"] / 1000.0, mine["lines"]
    price = np.interp(np.arange(n), at, np.log(mine["price"]))
    offer = np.zeros(n)
    offer[at] = on_offer(mine["cut"], mine["lines"], usual)
    others = np.log(np.maximum(everything[first : last + 1] - lines, 1.0))
    moves = bool(price.std() >= PRICE_MOVES and price.var() >= _REAL_MOVES * _noise_of(mine))
    offers = bool(FEWEST_WEEKS_ON_OFFER <= offer.sum() <= min(n - FEWEST_WEEKS_OFF, n / 2))
    if not (moves or offers):
        return None
    time = np.linspace(-1, 1, n)
    asked = [column for column, wanted in ((price - price.mean(), moves), (offer, offers)) if wanted]
    # traffic that never changes explains nothing, and would make the fit impossible
    traffic = others - others.mean() if others.std() > _LEVEL else np.zeros(n)
    design = np.column_stack([np.ones(n), traffic, time, *asked])
    y = units / max(units.mean(), 1e-9)
    found = poisson_fit(design, y)
    if found is None:
        return None
    beta, errors = found
    on = offer[at] > 0
    listed, taken = float(mine["listed"][on].sum()), float(mine["taken_off"][on].sum())
    lift = float(beta[-1]) if offers else np.nan
    base = listed / np.exp(lift) if offers and n else 0.0
    return _Fit(
        key=key,
        weeks=n,
        on_offer=int(offer.sum()),
        listed=int(mine["listed"].sum()),
        cost=float(mine["cost"].sum() / mine["listed"].sum()) if "cost" in mine else None,
        depth=taken / listed if listed else np.nan,
        base_a_year=base * YEAR_DAYS / (n * WEEK_DAYS),
        elasticity=float(beta[3]) if moves else np.nan,
        elasticity_se=float(errors[3]) if moves else np.nan,
        lift=lift,
        lift_se=float(errors[-1]) if offers else np.nan,
        freedom=n - design.shape[1],
        elasticity_elsewhere=elsewhere(design, y, beta, 3) if moves else np.empty(0),
        lift_elsewhere=elsewhere(design, y, beta, design.shape[1] - 1) if offers else np.empty(0),
    )


def _noise_of(mine: dict[str, Any]) -> float:
    """The variance that a week's median log price would have if the price never moved.

    Sizes and customers differ from line to line; the variance of a median is pi/2 that of a mean.
    """
    known = mine["lines"] > 1
    spread = np.asarray(mine["spread"][known], dtype=np.float64)
    if spread.size == 0:
        return float("inf")
    return float(np.pi / 2 * np.average(spread, weights=mine["lines"][known] - 1) * (1 / mine["lines"]).mean())


def on_offer(cut: NDArray[Any], lines: NDArray[Any], usual: float) -> NDArray[np.bool_]:
    """Weeks in which most lines were discounted; none where chance could have put the discounts together.

    The weeks are chosen by the share alone: a test of each week would choose those of many lines, and find a lift
    in anything.
    """
    often = min(max(_MOSTLY, usual + _MORE_THAN_USUAL), _NEARLY_ALL)
    found: NDArray[np.bool_] = cut >= often * lines
    surely = found & (scipy.stats.binom.sf(cut - 1, lines, usual) < _NO_CHANCE)
    enough = surely.sum() >= max(found.sum() / 2, FEWEST_WEEKS_ON_OFFER)
    return found if enough else np.zeros_like(found)


def poisson_fit(design: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Poisson quasi-likelihood with cautious standard errors; None when it does not settle.

    Errors are the larger of the overdispersed-Poisson and the Newey-West ones, each with the small-sample factor.
    """
    used: NDArray[np.bool_] = np.asarray(np.abs(design).sum(axis=0) > 0)
    if not used.all():
        part = poisson_fit(design[:, used], y)
        return None if part is None else (_spread_out(part[0], used), _spread_out(part[1], used))
    n, k = design.shape
    beta = np.zeros(k)
    beta[0] = np.log(max(float(y.mean()), 1e-9))
    for _step in range(_STEPS):
        mu = np.exp(np.clip(design @ beta, -20, 20))
        information = design.T @ (mu[:, None] * design)
        if np.linalg.cond(information) > 1e12:
            return None
        change = np.linalg.solve(information, design.T @ (y - mu))
        beta = beta + np.clip(change, -2, 2)
        if np.abs(change).max() < 1e-9:
            break
    else:
        return None
    mu = np.exp(np.clip(design @ beta, -20, 20))
    bread = np.linalg.inv(design.T @ (mu[:, None] * design))
    dispersion = float(((y - mu) ** 2 / np.maximum(mu, 1e-9)).sum() / (n - k))
    scores = design * (y - mu)[:, None]
    meat = scores.T @ scores
    for lag in range(1, _LAG + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (_LAG + 1)) * (cross + cross.T)
    robust = np.diag(bread @ meat @ bread) * n / (n - k)
    variance = np.maximum(np.diag(bread) * dispersion, robust)
    errors: Floats = np.sqrt(np.maximum(variance, 1e-18))
    return (beta, errors) if np.abs(beta[1:]).max(initial=0) < _TOO_STEEP else None


def elsewhere(design: Floats, y: Floats, beta: Floats, column: int) -> Floats:
    """The deviates that a column of the design would have, were it of other weeks: moved round by five and more.

    One Newton step from the fit with the column itself; places where both are nearly the same are left out.
    """
    n, k = design.shape
    mu = np.exp(np.clip(design @ beta, -20, 20))
    moved = np.column_stack([np.roll(design[:, column], by) for by in range(_NEAREST_SHIFT, n - _NEAREST_SHIFT + 1)])
    weighted = mu[:, None] * design
    apart = moved - design @ np.linalg.lstsq(weighted.T @ design, weighted.T @ moved, rcond=None)[0]
    information = (mu[:, None] * apart**2).sum(axis=0)
    centred = moved - np.average(moved, axis=0, weights=mu)
    told = information > _STILL_APART * (mu[:, None] * centred**2).sum(axis=0)
    apart, information = apart[:, told], information[told]
    size = apart.T @ (y - mu) / information
    rest = (y - mu)[:, None] - mu[:, None] * apart * size
    dispersion = (rest**2 / np.maximum(mu, 1e-9)[:, None]).sum(axis=0) / (n - k - 1)
    scores = apart * rest
    meat = (scores**2).sum(axis=0)
    for lag in range(1, _LAG + 1):
        meat += 2 * (1 - lag / (_LAG + 1)) * (scores[lag:] * scores[:-lag]).sum(axis=0)
    variance = np.maximum(dispersion / information, meat / information**2 * n / (n - k - 1))
    found: Floats = size / np.sqrt(np.maximum(variance, 1e-18))
    return found


def _spread_out(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """The values in the places used, zeros elsewhere."""
    found = np.zeros(used.size)
    found[used] = values
    return found


def _table(fits: list[_Fit], margin_share: float | None) -> dict[str, Any]:
    """Columns over products: shrunk responses with their p and q values, and the break-even."""
    fits = sorted(fits, key=lambda fit: (-fit.listed, fit.key))
    names = [name for name in _Fit.__dataclass_fields__ if not name.endswith("_elsewhere")]
    column = {name: np.array([getattr(fit, name) for fit in fits]) for name in names}
    freedom = column["freedom"].astype(np.float64)
    for name in ("elasticity", "lift"):
        column[f"{name}_se"] = column[f"{name}_se"] * _wider(
            [getattr(fit, f"{name}_elsewhere") for fit in fits], freedom
        )
    p = {
        name: 2 * scipy.stats.t.sf(np.abs(column[name] / column[f"{name}_se"]), freedom)
        for name in ("elasticity", "lift")
    }
    q = q_values(np.concatenate([p["elasticity"], p["lift"]]))
    table: dict[str, Any] = dict(column)
    for name, part in zip(("elasticity", "lift"), np.split(q, 2), strict=True):
        table[f"{name}_p"], table[f"{name}_q"] = p[name], part
        table[name], table[f"{name}_sd"] = _towards_mean(column[name], column[f"{name}_se"])
    known = [fit.cost for fit in fits]
    margin = np.array(
        [
            1 - cost if cost is not None and cost > 0 else (np.nan if margin_share is None else margin_share)
            for cost in known
        ],
        dtype=np.float64,
    )
    table["own_margin"] = np.array([cost is not None and cost > 0 for cost in known])
    left = margin - column["depth"]
    table["margin"] = margin
    table["eats_margin"] = left <= 0
    table["break_even"] = np.where(left > 0, column["depth"] / np.where(left > 0, left, 1.0), np.nan)
    return table


def _wider(elsewhere: list[Floats], freedom: Floats) -> float:
    """By how much deviates of what can have no effect exceed Student's, all products together; 1 at least."""
    known = [(values, free) for values, free in zip(elsewhere, freedom.tolist(), strict=True) if values.size]
    if not known:
        return 1.0
    # each product says as much as another; the variance of Student's distribution is f / (f - 2)
    squares = [float((values**2).mean()) * (free - 2) / free for values, free in known]
    return max(float(np.sqrt(np.mean(squares))), 1.0)


def _towards_mean(estimates: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Drawn towards the weighted mean of all; what is missing stays missing."""
    mean_of, sd = np.full(estimates.size, np.nan), np.full(estimates.size, np.nan)
    known = np.isfinite(estimates)
    if known.any():
        variances = errors[known] ** 2
        # a single product is its own mean: nothing to be drawn to
        weights = 1 / (variances + np.var(estimates[known]))
        mean = float((weights * estimates[known]).sum() / weights.sum()) if known.sum() > 2 else 0.0
        if known.sum() > 2:
            effects, posterior = shrink(estimates[known] - mean, variances)
            posterior = posterior + (1 - posterior / variances) ** 2 / weights.sum()
        else:
            effects, posterior = estimates[known], variances
        mean_of[known], sd[known] = mean + effects, np.sqrt(posterior)
    return mean_of, sd


def _public(table: dict[str, Any], names: dict[str, str]) -> pa.Table:
    def missing(values: Floats) -> pa.Array:
        return pa.array(np.asarray(values, dtype=np.float64), pa.float64(), from_pandas=True)

    e, e_sd, c, c_sd = (table[name] for name in ("elasticity", "elasticity_sd", "lift", "lift_sd"))
    lift = np.where(np.expm1(c) > 0, np.expm1(c), np.nan)
    needed = table["depth"] * (1 + lift) / lift
    return pa.table(
        {
            "product_id": pa.array(table["key"].tolist(), pa.string()),
            "product": pa.array([names.get(str(one), str(one)) for one in table["key"]], pa.string()),
            "weeks": pa.array(table["weeks"], pa.int64()),
            "weeks_on_offer": pa.array(table["on_offer"], pa.int64()),
            "amount": pa.array(table["listed"], pa.int64()),
            "elasticity": missing(e),
            "elasticity_low": missing(e - _Z * e_sd),
            "elasticity_high": missing(e + _Z * e_sd),
            "elasticity_q": missing(table["elasticity_q"]),
            "lift": missing(np.expm1(c)),
            "lift_low": missing(np.expm1(c - _Z * c_sd)),
            "lift_high": missing(np.expm1(c + _Z * c_sd)),
            "lift_q": missing(table["lift_q"]),
            "depth": missing(table["depth"]),
            "margin": missing(table["margin"]),
            "break_even": missing(table["break_even"]),
            "needed_margin": missing(np.where(needed < 1, needed, np.nan)),
            "eats_margin": pa.array(table["eats_margin"] & np.isfinite(table["margin"])),
        }
    )


def _findings(names: dict[str, str], table: dict[str, Any]) -> tuple[Finding, ...]:
    chosen = (table["elasticity_q"] < REPORTED_BELOW) | (table["lift_q"] < REPORTED_BELOW)
    found = []
    for row in np.flatnonzero(chosen):
        one = {name: values[row] for name, values in table.items()}
        one["product"] = names.get(str(one["key"]), str(one["key"]))
        if one["elasticity_q"] < REPORTED_BELOW and one["elasticity"] + _Z * one["elasticity_sd"] < 0:
            found.append(_price_finding(one))
        lifted = one["lift_q"] < REPORTED_BELOW and one["lift"] > 0
        offer = _offer_finding(one) if lifted else None
        if offer is not None:
            found.append(offer)
    return tuple(found)


def _price_finding(one: dict[str, Any]) -> Finding:
    e, sd = float(one["elasticity"]), float(one["elasticity_sd"])
    return Finding(
        id=f"price:product:{one['key']}",
        chapter="price_response",
        kind="price:product",
        about={
            "product": str(one["product"]),
            "elasticity": Estimate(e, e - _Z * sd, e + _Z * sd),
            "fall": 1 - 1.1**e,
            "margin": float(one["margin"]) if np.isfinite(one["margin"]) else None,
        },
        customers=0,
        money=None,
        evidence=Evidence.of_test(
            p_value=float(one["elasticity_p"]), q_value=float(one["elasticity_q"]), cases=int(one["weeks"])
        ),
    )


def _offer_finding(one: dict[str, Any]) -> Finding | None:
    """An offer that surely earns or surely loses; None where the margin is unknown or the interval spans zero."""
    c, sd, depth, margin = (float(one[name]) for name in ("lift", "lift_sd", "depth", "margin"))
    lift = Estimate(*(float(np.expm1(end)) for end in (c, c - _Z * sd, c + _Z * sd)))
    base = float(one["base_a_year"])
    earned = Estimate(
        *(base * ((1 + value) * (margin - depth) - margin) for value in (lift.value, lift.low, lift.high))
    )
    low, high = min(earned.low, earned.high), max(earned.low, earned.high)
    if not (np.isfinite(low) and (low > 0 or high < 0)):
        return None
    loses = high < 0
    return Finding(
        id=f"offer:product:{one['key']}",
        chapter="price_response",
        kind="offer:loses" if loses else "offer:earns",
        about={
            "product": str(one["product"]),
            "lift": lift,
            "depth": depth,
            "weeks": int(one["on_offer"]),
            "break_even": float(one["break_even"]) if np.isfinite(one["break_even"]) else None,
            "margin": margin,
            "earned": Estimate(earned.value, low, high),
        },
        customers=0,
        # what stopping the offers could save; what they earn is earned already
        money=Estimate(-earned.value, -high, -low) if loses else None,
        evidence=_offer_evidence(one),
    )


def _offer_evidence(one: dict[str, Any]) -> Evidence:
    """The lift is tested; a margin of the whole business, where the product's own is unknown, is an assumption."""
    p, q, weeks = float(one["lift_p"]), float(one["lift_q"]), int(one["weeks"])
    return (
        Evidence.of_test(p_value=p, q_value=q, cases=weeks) if one["own_margin"] else Evidence("assumed", weeks, p, q)
    )


def _comparisons(table: dict[str, Any]) -> tuple[Comparison, ...]:
    """`reported` counts what is left after the correction: all of it is in the table of products."""
    parts = (("price_response:price", "elasticity"), ("price_response:offer", "lift"))
    return tuple(
        Comparison(
            name,
            int(np.isfinite(table[f"{column}_p"]).sum()),
            int((table[f"{column}_p"] < REPORTED_BELOW).sum()),
            int((table[f"{column}_q"] < REPORTED_BELOW).sum()),
        )
        for name, column in parts
    )
