"""The audit as a whole: small and odd histories, lists of people, engines, progress."""

import datetime as dt
from functools import cache
from pathlib import Path

import ibis
import pyarrow.parquet as pq
import pytest

from regulars.analytics.audit import Audit, audit, unit_name
from regulars.analytics.lifecycle import STATES
from regulars.analytics.purchases import History, connect
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import (
    Row,
    as_table,
    bought,
    by_customer,
    day,
    history,
    in_duckdb,
    memory_table,
    visits,
)
from tests.properties.answers import answers, differences


def audited(rows: list[Row], *, as_of: int, margin_share: float | None = None) -> Audit:
    return audit(history(rows), as_of=day(as_of), margin_share=margin_share)


def states(found: Audit) -> dict[str, int]:
    return {name: state.customers for name, state in found.lifecycle.states.items() if state.customers}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no purchases on or before Jan 11, 2024"),
        ([bought("ann", 11)], "no purchases on or before Jan 11, 2024"),
        ([bought("ann", 0, -100)], "No line names a customer who bought something"),
        ([bought(None, i) for i in range(5)], "No line names a customer who bought something"),
    ],
    ids=["no rows", "all rows later", "only returns", "all buyers unknown"],
)
def test_what_cannot_be_audited_is_refused_in_one_sentence(rows: list[Row], message: str) -> None:
    with pytest.raises(NotEnoughData, match=message):
        audited(rows, as_of=10)


def test_one_purchase_is_audited_and_what_it_cannot_carry_is_named() -> None:
    found = audited([bought("ann", 0, 150)], as_of=0)
    assert states(found) == {"new": 1}
    assert (found.base.revenue, found.base.customers, found.window_days) == (150, 1, 14)
    assert (found.lost_last_year.money.value, found.newcomers.customers) == (0, 0)
    assert found.ltv.historic_mean.value == 150
    assert {"lost_last_year", "opportunities"} <= set(found.skipped)
    assert {"backtest", "model:mbg_nbd", "model:gamma_gamma", "visit_period", "revenue_change"} <= set(found.skipped)
    assert all(reason.endswith((".", ")")) for reason in found.skipped.values())


def test_below_a_hundred_customers_no_money_is_named_that_did_not_come() -> None:
    rows = [row for row in MIXED if row["customer_id"] < "r75"]
    found = audited(rows, as_of=200)
    assert found.base.customers == 100
    assert found.lost_last_year.money.value > 0 and found.opportunities.items
    fewer = audited([row for row in rows if row["customer_id"] != "r00"], as_of=200)
    assert "from 100 customers on; there are 99" in fewer.skipped["lost_last_year"] == fewer.lost_last_year.reason
    assert fewer.skipped["opportunities"] == fewer.opportunities.reason
    assert (fewer.lost_last_year.money.value, fewer.opportunities.items) == (0, ())
    assert fewer.people("lost:any").count().to_pyarrow().as_py() == 0


def test_one_customer_of_a_year_is_a_regular() -> None:
    found = audited(visits("ann", *range(0, 400, 7)), as_of=400)
    assert states(found) == {"regular": 1}
    assert found.opportunities.items == ()


def test_a_single_day_has_only_new_customers_even_if_the_history_ends_there() -> None:
    assert states(audited([bought(f"c{i}", 0) for i in range(50)], as_of=0)) == {"new": 50}


def test_ten_days_are_a_history_of_new_customers() -> None:
    found = audited([bought(f"c{i % 20}", i % 10) for i in range(100)], as_of=9)
    assert states(found) == {"new": 20}
    assert "covers 10 days" in found.skipped["backtest"]


def test_where_everybody_came_once_nobody_is_missed_and_all_who_are_old_enough_never_returned() -> None:
    found = audited([bought(f"c{i:03}", i) for i in range(400)], as_of=400)
    assert found.lost_last_year.money.value == 0
    assert found.newcomers.never_returned == found.newcomers.customers > 100
    assert found.ltv.expected is None and "no rhythm to learn" in found.ltv.reason
    assert "visit_period" in found.skipped
    assert sum(states(found).values()) == 400


def test_a_customer_who_returned_more_than_they_bought_is_kept_with_negative_money() -> None:
    rows = [*visits("ann", 0), bought("ann", 5, -300), *visits("bob", 0, 9), bought("cid", 1, -5), bought(None, 3, 70)]
    found = audited(rows, as_of=20)
    assert by_customer(found.customers)["ann"]["amount"] == -200
    assert set(by_customer(found.customers)) == {"ann", "bob"}
    assert found.base.revenue == 100 - 300 + 200 - 5 + 70
    # whoever brought nothing has nothing to win back
    assert all(row["opportunity"] is None for name, row in by_customer(found.customers).items() if name == "ann")


def test_two_hundred_identical_customers_get_two_hundred_identical_answers() -> None:
    found = audited([row for i in range(200) for row in visits(f"c{i}", *range(0, 361, 30))], as_of=370)
    rows = list(by_customer(found.customers).values())
    assert len(rows) == 200
    assert all(row == rows[0] for row in rows)


def test_long_after_the_last_purchase_everybody_is_lost_and_was_before_the_year() -> None:
    found = audited([bought(f"c{i % 150}", i % 300) for i in range(1500)], as_of=1_500)
    assert states(found) == {"lost": 150}
    assert found.lost_last_year.money.value == 0
    assert "0 came back" in found.skipped["backtest"]


def test_ten_years_are_audited_like_one() -> None:
    rows = [bought(f"c{i}", i % 50 + j * 200, 100 + i) for i in range(150) for j in range(18) if (i + j) % 4]
    found = audited(rows, as_of=3_652)
    assert found.window_days == 364
    assert sum(states(found).values()) == 150
    assert "backtest" not in found.skipped


def test_without_products_and_places_their_analyses_are_absent() -> None:
    found = audited(visits("ann", 0, 9), as_of=20)
    assert found.base.products is None and found.base.product_abc is None
    assert not {"first_product", "first_store"} & set(found.customers.columns)


def test_a_cost_that_is_known_for_a_part_makes_the_margin_of_all() -> None:
    rows = [bought("ann", 0, 100, cost=60), bought("bob", 1, 100, cost=None), bought("ann", 9, 100, cost=50)]
    found = audited(rows, as_of=20)
    assert (found.base.margin_source, found.base.margin_share) == ("cost", pytest.approx(0.45))
    assert found.base.costed_share == pytest.approx(2 / 3)
    assert found.ltv.basis == "margin"
    assert found.ltv.historic_mean.value == pytest.approx(0.45 * 150)


def test_a_share_of_margin_that_is_given_stands_in_where_no_cost_is_known() -> None:
    found = audited(MIXED, as_of=200, margin_share=0.3)
    assert found.ltv.basis == "margin"
    assert found.ltv.historic_mean.value == pytest.approx(0.3 * mixed().ltv.historic_mean.value)
    assert found.lost_last_year.margin.value == pytest.approx(0.3 * mixed().lost_last_year.money.value)
    assert found.lost_last_year.margin.value > 0


MIXED = [
    *(row for i in range(80) for row in visits(f"r{i:02}", *range(i % 20, 200, 10 + i % 12), amount=100 + i)),
    *(row for i in range(15) for row in visits(f"gone{i:02}", i, 20 + i, 60, amount=300)),
    *(bought(f"once{i:02}", 80 + i, 70) for i in range(10)),
]


@cache
def mixed() -> Audit:
    return audited(MIXED, as_of=200)


def test_a_list_of_people_has_most_money_first_and_ties_by_customer() -> None:
    lost = mixed().people("state:lost").to_pyarrow().to_pylist()
    assert [row["customer_id"] for row in lost[:15]] == [f"gone{i:02}" for i in range(15)]
    missed = mixed().people("lost:any").to_pyarrow()["missed_amount"].to_pylist()
    assert missed == sorted(missed, reverse=True) and len(set(missed)) > 2
    never = mixed().people("newcomers:never_returned").to_pyarrow().to_pylist()
    assert {row["customer_id"] for row in never} == {f"once{i:02}" for i in range(10)}


@pytest.mark.parametrize(
    "list_id", ["", "state", "state:", "state:angry", "lost:everything", "abc:D", "people:any", "r:5"]
)
def test_an_unknown_list_of_people_is_a_key_error(list_id: str) -> None:
    with pytest.raises(KeyError):
        mixed().people(list_id)


def test_every_customer_has_one_row_with_all_that_is_known() -> None:
    rows = by_customer(mixed().customers)
    assert len(rows) == mixed().customers.count().to_pyarrow().as_py() == 105
    gone = rows["gone00"]
    assert (gone["state"], gone["visits"], gone["amount"], gone["mean_check"]) == ("lost", 3, 900, 300)
    assert (gone["lost_kind"], gone["never_returned"], gone["currency"]) == ("lost", False, "RUB")
    assert rows["once00"]["never_returned"] is True
    assert {"r", "f", "m", "rfm_segment", "abc", "visit_period_days", "opportunity", "expected_value_12"} <= set(gone)


def test_an_audit_says_in_short_what_it_found() -> None:
    first, second, third = repr(mixed()).splitlines()
    assert first == "Audit of 105 customers from 2024-01-01 to 2024-07-19, RUB"
    assert second == "  states: " + ", ".join(f"{name} {mixed().lifecycle.states[name].customers}" for name in STATES)
    assert third.startswith("  analyses left out: ")
    assert third.endswith("model:mbg_nbd, model:gamma_gamma")


def test_a_table_in_memory_one_in_duckdb_and_a_parquet_file_give_the_same_audit(tmp_path: Path) -> None:
    table = as_table(MIXED)
    pq.write_table(table, tmp_path / "lines.parquet", row_group_size=20)
    parquet = connect().read_parquet(tmp_path / "lines.parquet")
    view = in_duckdb(table).filter(ibis._.amount != 0)
    for lines in (memory_table(MIXED), parquet, view):
        other = audit(History.of_table(lines, currency="RUB"), as_of=day(200))
        assert differences(answers(mixed()), answers(other)) == []


class Listener:
    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None, int | None]] = []

    def step(self, label: str, done: int | None, total: int | None) -> None:
        self.steps.append((label, done, total))


def test_progress_counts_every_step_up_to_the_last() -> None:
    listener = Listener()
    audit(history(visits("ann", 0, 9)), as_of=day(20), progress=listener)
    assert [done for _label, done, _total in listener.steps] == list(range(len(listener.steps)))
    assert {total for _label, _done, total in listener.steps} == {len(listener.steps)}
    assert len({label for label, _done, _total in listener.steps}) == len(listener.steps)


def test_a_model_tells_its_unit() -> None:
    assert [unit_name(days) for days in (1.0, 7.0, 30.5)] == ["day", "week", "30.5 days"]


def test_the_day_of_the_audit_need_not_be_the_last_of_the_history() -> None:
    found = audited(MIXED, as_of=100)
    assert found.as_of == day(100)
    assert by_customer(found.customers)["r00"]["last_on"] == day(100)
    assert found.first_day == day(0) == dt.date(2024, 1, 1)
