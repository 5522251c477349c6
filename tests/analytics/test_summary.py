"""Lines straight to customers: the same figures as the four levels of the roll-up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.analytics.rollup import roll_up
from regulars.analytics.summary import summary
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import bought, day, history

AS_OF = day(30)
COLUMNS = ["customer_id", "frequency", "last_purchase_age_days", "age_days", "amount"]

LINES = st.lists(
    st.builds(bought, st.sampled_from(["a", "b", "c", None]), st.integers(0, 40), st.integers(-500, 500)),
    min_size=1,
    max_size=30,
)


@given(LINES)
def test_it_agrees_with_the_roll_up(rows: list[object]) -> None:
    shop = history(rows)
    mine = summary(shop, as_of=AS_OF).select(*COLUMNS).order_by("customer_id").to_pyarrow().to_pylist()
    try:
        customers = roll_up(shop, as_of=AS_OF).customers
    except NotEnoughData:
        assert mine == []
        return
    theirs = customers.mutate(frequency=customers.visits - 1).select(*COLUMNS)
    assert mine == theirs.order_by("customer_id").to_pyarrow().to_pylist()


def test_money_of_repeat_visits_leaves_out_the_first_one_and_days_of_returns() -> None:
    rows = [bought("a", 1, 100), bought("a", 5, 30), bought("a", 5, 12), bought("a", 7, -20), bought("a", 9, 8)]
    one = summary(history(rows), as_of=AS_OF).to_pyarrow().to_pylist()
    assert [(row["frequency"], row["amount"], row["repeat_amount"]) for row in one] == [(2, 130, 50)]


@pytest.mark.parametrize("rows", [[bought(None, 1)], [bought("a", 1, -5)], [bought("a", 31)]])
def test_without_a_visit_there_is_no_row(rows: list[object]) -> None:
    assert summary(history(rows), as_of=AS_OF).to_pyarrow().num_rows == 0
