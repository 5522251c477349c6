"""A real supermarket whose labels were dealt anew: what is said of it must not come out of such data too."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from regulars.analytics.assortment import assortment
from regulars.analytics.discounts import discounts
from regulars.analytics.findings import Ground
from regulars.analytics.needs import needs
from regulars.analytics.price_response import _findings, _fits, _table, _weekly, price_response
from regulars.analytics.rollup import roll_up
from regulars.analytics.service import service
from regulars.analytics.slowing import Slowing, slowing
from regulars.analytics.trials import trials
from regulars.demo.supermarket import LAST_DAY, supermarket_lines
from tests.analytics.grounds import light_ground
from tests.analytics.purchase_rows import history

Ints = NDArray[np.int64]

WINDOW_DAYS = 63
GOODS = ("product_id", "product", "category")


def ground_of(lines: pa.Table) -> Ground:
    return light_ground(roll_up(history(lines, currency="USD"), as_of=LAST_DAY), window_days=WINDOW_DAYS)


@pytest.fixture(scope="module")
def lines() -> pa.Table:
    return supermarket_lines()


@pytest.fixture(scope="module")
def ground(lines: pa.Table) -> Ground:
    return ground_of(lines)


def codes(lines: pa.Table, name: str) -> Ints:
    return lines[name].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)


def days(lines: pa.Table) -> Ints:
    return lines["purchased_at"].to_numpy().astype("datetime64[D]").astype(np.int64)


def permutation(within: Ints, seed: int) -> Ints:
    """Positions dealt anew among those with the same number."""
    rng = np.random.default_rng(seed)
    order = np.empty(within.size, dtype=np.int64)
    order[np.argsort(within, kind="stable")] = np.lexsort((rng.random(within.size), within))
    return order


def dealt(lines: pa.Table, names: tuple[str, ...], within: Ints, seed: int) -> pa.Table:
    order = pa.array(permutation(within, seed))
    for name in names:
        lines = lines.set_column(lines.column_names.index(name), name, lines[name].take(order))
    return lines


# --- prices and offers: those of other weeks ---


def table_of_shifted(rows: pa.Table, weeks: int, seed: int | None) -> dict[str, Any]:
    """The responses when the prices and offers of each product are those of weeks at least six later."""
    columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in rows.column_names}
    keys = columns["key"].astype(str)
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    rng = np.random.default_rng(seed)
    source = np.arange(keys.size)
    for start, end in zip(starts, [*starts[1:], keys.size], strict=True):
        moved = 0 if seed is None else int(rng.integers(6, end - start - 6))
        source[start:end] = np.roll(source[start:end], moved)
    share = columns["cut"] / columns["lines"]
    for name in ("price", "spread", "taken_off"):
        columns[name] = columns[name][source]
    columns["cut"] = np.rint(share[source] * columns["lines"]).astype(np.int64)
    return _table([fit for fit in _fits(pa.table(columns), weeks) if fit is not None], 0.25)


def test_prices_and_offers_of_other_weeks_move_nobody(ground: Ground) -> None:
    weeks = ground.rollup.span_days // 7
    rows = _weekly(ground.rollup, weeks).to_pyarrow()
    assert _findings({}, table_of_shifted(rows, weeks, None))
    wrong, raw, compared = 0, 0, 0
    for seed in range(1, 9):
        table = table_of_shifted(rows, weeks, seed)
        wrong += bool(_findings({}, table))
        p = np.concatenate([table["elasticity_p"], table["lift_p"]])
        raw, compared = raw + int((p < 0.05).sum()), compared + int(np.isfinite(p).sum())
    # 5 % each: three of eight would come six times in a thousand
    assert wrong <= 2
    # and single p-values are what they say, with room for products that are alike
    assert compared > 1_000
    assert raw <= 0.06 * compared


@pytest.mark.slow
def test_prices_dealt_over_the_sales_of_a_product_move_nobody(lines: pa.Table) -> None:
    mixed = dealt(lines, ("amount", "discount", "quantity"), codes(lines, "product_id"), 1)
    assert not price_response(ground_of(mixed)).findings


# --- slowing visits: the same gaps in another order ---


def with_gaps_dealt(ground: Ground, seed: int) -> Slowing:
    """The warning when each customer's gaps came in another order; first and last visits stay."""
    visits = ground.rollup.visits.order_by("customer_id", "purchased_on").to_pyarrow()
    customer = codes(visits, "customer_id")
    gaps = visits["gap_days"].fill_null(0).to_numpy().copy()
    later = np.flatnonzero(visits["visit_no"].to_numpy() > 1)
    gaps[later] = gaps[later][permutation(customer[later], seed)]
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    passed = np.cumsum(gaps)
    start = visits["purchased_on"].to_numpy().astype("datetime64[D]")[first] - passed[first]
    on = start[np.cumsum(np.diff(customer, prepend=-1) != 0) - 1] + passed
    known = pa.array(gaps, mask=visits["visit_no"].to_numpy() == 1)
    for name, values in (("purchased_on", pa.array(on)), ("gap_days", known)):
        visits = visits.set_column(visits.column_names.index(name), name, values)
    rollup = dataclasses.replace(ground.rollup)
    vars(rollup)["visits"] = ground.rollup.visits.get_backend().create_table(f"dealt_{seed}", visits, temp=True)
    return slowing(dataclasses.replace(ground, rollup=rollup))


def test_gaps_in_another_order_warn_of_nobody(ground: Ground) -> None:
    found = [with_gaps_dealt(ground, seed) for seed in range(1, 9)]
    assert all(one.tried is not None and one.tried.warned >= 40 for one in found)
    # 5 % each: three of eight would come six times in a thousand. Against the others, half of them would be sure
    assert sum(bool(one.findings) for one in found) <= 2


# --- habits of discounts, the shelf, trials, people and places, needs ---


def test_discounts_dealt_over_the_lines_of_a_day_make_no_habits(lines: pa.Table) -> None:
    found = discounts(ground_of(dealt(lines, ("discount", "amount"), days(lines), 1)))
    assert found.differ_p > 0.01
    assert {row["habit"] for row in found.classes.to_pyarrow().to_pylist()} == {"mixed"}
    assert not found.findings


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_goods_dealt_over_the_lines_of_a_store_are_neither_missing_nor_special(lines: pa.Table, seed: int) -> None:
    found = assortment(ground_of(dealt(lines, GOODS, codes(lines, "store"), seed)))
    assert not found.findings
    assert sum(one.compared for one in found.comparisons) > 5_000


@pytest.mark.slow
def test_goods_dealt_over_the_lines_of_a_week_are_tried_by_nobody_in_particular(lines: pa.Table) -> None:
    found = trials(ground_of(dealt(lines, GOODS, days(lines) // 7, 1)))
    assert found.comparisons[0].compared > 5
    assert not found.findings


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_receipts_dealt_over_the_stores_of_a_month_are_served_alike(lines: pa.Table, seed: int) -> None:
    receipts, first, of_line = np.unique(codes(lines, "receipt_id"), return_index=True, return_inverse=True)
    month = (days(lines) // 30)[first]
    store = lines["store"].take(pa.array(first[permutation(month, seed)])).take(pa.array(of_line))
    assert receipts.size > 100_000
    found = service(ground_of(lines.set_column(lines.column_names.index("store"), "store", store)))
    assert not [one for one in found.findings if one.id.startswith("store:")]


@pytest.mark.slow
def test_baskets_dealt_over_the_own_visits_leave_no_needs(lines: pa.Table) -> None:
    # habits stay, rhythms go
    visit = codes(lines, "customer_id") * 1_000 + days(lines) - days(lines).min()
    visits, first, of_line = np.unique(visit, return_index=True, return_inverse=True)
    moved = first[permutation(visits // 1_000, 1)]
    on = days(lines)[moved][of_line].astype("datetime64[D]").astype("datetime64[us]")
    at = lines["purchased_at"].to_numpy()
    mixed = lines.set_column(
        lines.column_names.index("purchased_at"), "purchased_at", pa.array(on + (at - at.astype("datetime64[D]")))
    )
    found = needs(ground_of(mixed))
    assert not found.personal and not found.findings
