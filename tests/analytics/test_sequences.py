import numpy as np
import pytest

from regulars.analytics.jobs import jobs
from regulars.analytics.order_of_purchases import Trips, order_of, waits
from regulars.analytics.sequences import bought_in_sequence
from regulars.core.errors import NotEnoughData
from tests.analytics.grounds import ground_of_rows
from tests.analytics.purchase_rows import as_table, bought
from tests.analytics.test_needs import crowd


def trips(*purchases: tuple[int, int, int], products: int = 2) -> Trips:
    """Purchases as (customer, day, product)."""
    customer, day, product = np.array(sorted(purchases), dtype=np.int64).T
    return Trips(products, 1, customer, day, product)


def test_order_is_counted_within_the_window_and_not_within_a_day() -> None:
    found = order_of(trips((1, 0, 0), (1, 5, 1), (1, 20, 1), (2, 3, 0), (2, 3, 1)), 7)
    assert found.followed[0, 1] == 1 and found.followed[1, 0] == 0
    assert found.visits.tolist() == [2, 3]


def test_excess_is_the_negative_of_its_mirror_image() -> None:
    rng = np.random.default_rng(1)
    found = order_of(trips(*{tuple(row) for row in rng.integers(0, [9, 60, 4], (300, 3)).tolist()}, products=4), 10)
    assert found.excess == pytest.approx(-found.excess.T) and found.z == pytest.approx(-found.z.T)


def test_a_visit_with_nothing_before_it_proves_nothing() -> None:
    # the first visit of each customer holds 0, the second 1: one can only come after the other
    found = order_of(trips(*[(c, day + c % 5, product) for c in range(50) for day, product in ((0, 0), (3, 1))]), 7)
    assert found.followed[0, 1] == 50
    assert found.excess[0, 1] == pytest.approx(0) and found.z[0, 1] == 0


def test_waits_are_to_the_next_purchase_of_the_second() -> None:
    found = waits(trips((1, 0, 0), (1, 5, 1), (1, 6, 1), (1, 8, 0), (2, 1, 0)), [(0, 1), (1, 0)], 7)
    assert found[0, 1].tolist() == [5] and sorted(found[1, 0].tolist()) == [2, 3]


def shop(seed: int, customers: int = 150, chance: float = 0.7) -> list[dict]:
    """Visits about every five days with any of eight products; paint is often followed by varnish on the next."""
    rng = np.random.default_rng(seed)
    names = ["paint", "varnish", *(f"p{n}" for n in range(6))]
    rows = []
    for number in range(customers):
        day, then = float(rng.uniform(0, 5)), False
        while day < 300:
            held = set(np.flatnonzero(rng.random(8) < 0.15).tolist()) | ({1} if then else set())
            rows += [bought(f"c{number:03}", int(day), 100, product=names[one]) for one in held]
            then = 0 in held and rng.random() < chance
            day += 1 + rng.gamma(3, 4 / 3)
    return rows


@pytest.fixture(scope="module")
def found():
    return bought_in_sequence(ground_of_rows(shop(1)))


def test_a_sequence_is_found_with_its_time_people_and_money(found) -> None:
    rows = found.sequences.to_pyarrow().to_pylist()
    assert [(row["first"], row["second"]) for row in rows] == [("paint", "varnish")]
    assert 3 <= rows[0]["typical_days"] <= 7 and rows[0]["followed_share"] > 0.6
    assert 0.01 <= rows[0]["low"] <= rows[0]["extra_share"] <= rows[0]["high"]
    one = found.findings[0]
    assert one.id == "sequence:paint>varnish" and one.customers == one.people.count().to_pyarrow().as_py()
    assert 0 < one.money.low <= one.money.value <= one.money.high


def test_those_who_wait_have_the_first_lately_and_not_the_second_since(found) -> None:
    rows = shop(1)
    last = max(row["purchased_at"] for row in rows)
    window = found.sequences.to_pyarrow().to_pylist()[0]["window_days"]
    for person in found.findings[0].people.to_pyarrow().to_pylist()[:20]:
        own = [row for row in rows if row["customer_id"] == person["customer_id"]]
        paint = max(row["purchased_at"] for row in own if row["product"] == "paint")
        assert (last - paint).days < window
        assert not any(row["product"] == "varnish" and row["purchased_at"] >= paint for row in own)


def test_row_order_changes_nothing(found) -> None:
    table = as_table(shop(1))
    again = bought_in_sequence(ground_of_rows(table.take(np.random.default_rng(2).permutation(len(table)))))
    assert again.findings == found.findings and again.sequences.to_pyarrow().equals(found.sequences.to_pyarrow())


def test_a_sequence_joins_its_products_to_a_job_of_three(found) -> None:
    assert jobs(None, found).count == 0  # two products are no group
    with pytest.raises(NotEnoughData):
        jobs(None, None)


def test_rare_products_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="50 visits"):
        bought_in_sequence(ground_of_rows(crowd(30, "tea", "bread")))
