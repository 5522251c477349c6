"""What must not change the audit, and what must add up in it."""

import datetime as dt
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regulars.analytics.audit import Audit, audit
from regulars.analytics.lifecycle import STATES
from regulars.analytics.lost import PARTS
from regulars.analytics.opportunities import OPPORTUNITIES
from regulars.analytics.purchases import History, connect
from regulars.analytics.rfm import SEGMENTS
from regulars.demo.shops import Shop, generate_shop
from tests.analytics.histories import Line, day, lines_of
from tests.properties.answers import Answers, answers, differences, shifted

# an audit takes seconds: a few examples of each change have to do, and a failing one is not made smaller
few = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

SEEDS = st.integers(0, 2**32 - 1)
# the Gregorian calendar repeats itself, weekdays too
CALENDAR_CYCLE_DAYS = 146_097


@cache
def shop() -> Shop:
    """Large enough for every analysis and every model, with returns and unknown buyers."""
    return generate_shop(
        "coffee", customers=750, visits_per_year=14.0, established_share=0.45, return_share=0.02, anonymous_share=0.1
    )


def audited(lines: pa.Table | ir.Table, *, shift_days: int = 0) -> Audit:
    if isinstance(lines, pa.Table):
        connection = connect()
        connection.create_table("lines", lines)
        lines = connection.table("lines")
    end = shop().truth.end - dt.timedelta(days=30)
    return audit(History.of_table(lines, currency="USD"), as_of=end + dt.timedelta(days=shift_days))


@cache
def plain() -> Audit:
    return audited(shop().lines)


@cache
def plain_answers() -> Answers:
    return answers(plain())


def with_column(name: str, values: Any) -> pa.Table:
    lines = shop().lines
    return lines.set_column(lines.column_names.index(name), name, values)


def test_the_shop_carries_every_analysis_so_that_nothing_is_compared_in_vain() -> None:
    # the first needs a table beside the purchases, the second prices that move
    assert plain().skipped.keys() == {"profile", "price_response"}
    assert plain().lifecycle.auc is not None and plain().lifecycle.false_alarms is not None
    assert all(candidate.auc is not None for candidate in plain().lifecycle.candidates if "cnbd" not in candidate.score)
    assert plain().ltv.newcomer is not None and plain().ltv.holdout is not None
    assert len(plain_answers()) > 10_000


@few
@given(SEEDS)
def test_the_order_of_the_rows_and_of_the_names_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = sorted(set(shop().truth.customers["customer_id"].to_pylist()))
    new = [f"id{number:05}" for number in rng.permutation(len(old))]
    renamed, back = dict(zip(old, new, strict=True)), dict(zip(new, old, strict=True))
    ids = pa.array([renamed.get(one) for one in shop().lines["customer_id"].to_pylist()], pa.string())
    lines = with_column("customer_id", ids).take(rng.permutation(shop().lines.num_rows))

    def undo(value: Any) -> Any:
        return back.get(value, value) if isinstance(value, str) else value

    assert differences(plain_answers(), answers(audited(lines), undo=undo)) == []


@few
@given(st.sampled_from([-1, 1]))
def test_the_same_history_four_centuries_away_gives_the_same_answers(direction: int) -> None:
    shift = direction * CALENDAR_CYCLE_DAYS
    moments = pc.add(shop().lines["purchased_at"], pa.scalar(dt.timedelta(days=shift), pa.duration("us")))
    moved = audited(with_column("purchased_at", moments), shift_days=shift)
    assert differences(plain_answers(), answers(moved, undo=shifted(shift))) == []


# what looks at calendar months or quarters may change with them, and nothing else
CALENDAR = (".base.months", ".base.products", ".base.product_abc", ".cohorts", ".newcomers.months", ".newcomers.trend")
CALENDAR += (".visit_period.quarters", ".lost_last_year", ".revenue_change", ".check.months")
# these compare like with like: newcomers of one month, visits of one hour of the week
CALENDAR += (".reasons.entry", ".reasons.service", ".reasons.exits")


@few
@given(st.integers(-400, 400))
def test_a_shift_of_all_dates_changes_nothing_but_what_looks_at_calendar_months(shift: int) -> None:
    moments = pc.add(shop().lines["purchased_at"], pa.scalar(dt.timedelta(days=shift), pa.duration("us")))
    moved = answers(audited(with_column("purchased_at", moments), shift_days=shift), undo=shifted(shift))

    def timeless(found: Answers) -> Answers:
        never_returned = (".missed_amount", ".lost_kind")
        return {k: v for k, v in found.items() if not k.startswith(CALENDAR) and not k.endswith(never_returned)}

    assert differences(timeless(plain_answers()), timeless(moved)) == []
    lost = ".lost_last_year.parts[lost].money.value"
    assert moved[lost] == plain_answers()[lost] > 0


@few
@given(SEEDS)
def test_lines_in_two_tables_are_the_same_history(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.random(shop().lines.num_rows) < rng.random()
    connection = connect()
    connection.create_table("first", shop().lines.filter(pa.array(first)))
    connection.create_table("second", shop().lines.filter(pa.array(~first)))
    both = connection.table("first").union(connection.table("second"), distinct=False)
    assert differences(plain_answers(), answers(audited(both))) == []


@few
@given(SEEDS)
def test_what_happened_after_as_of_is_not_known(seed: int) -> None:
    rng = np.random.default_rng(seed)
    after = dt.datetime.combine(plain().as_of + dt.timedelta(days=1), dt.time())
    known = shop().lines.filter(pc.less(shop().lines["purchased_at"], pa.scalar(after)))
    assert known.num_rows < shop().lines.num_rows
    later = known.take(rng.integers(0, known.num_rows, 500))
    moments = [after + dt.timedelta(seconds=int(second)) for second in rng.integers(0, 10**8, 500)]
    later = later.set_column(
        later.column_names.index("purchased_at"), "purchased_at", pa.array(moments, pa.timestamp("us"))
    )
    assert differences(plain_answers(), answers(audited(pa.concat_tables([known, later])))) == []


MONEY = ("amount", "discount", "cost")


def test_ten_times_the_money_is_ten_times_every_sum_and_changes_no_count_and_no_state() -> None:
    lines = shop().lines
    for name in MONEY:
        lines = lines.set_column(lines.column_names.index(name), name, pc.multiply(lines[name], 10))
    dear = answers(audited(lines))
    for path, value in plain_answers().items():
        if isinstance(value, int | float) and not isinstance(value, bool) and dear[path] != value:
            # rounded to whole minor units on both sides, for every customer in a sum
            slack = 6 * plain().base.customers if path.count("customers[") == 0 else 6
            assert dear[path] == pytest.approx(10 * value, rel=1e-5, abs=slack) or "model" in path, path
        else:
            assert dear[path] == value, path
    for name in ("base.revenue", "base.returned", "base.margin", "lifecycle.states[lost].amount_total"):
        assert dear[f".{name}"] == 10 * plain_answers()[f".{name}"] != 0
    unchanged = [
        path for path in plain_answers() if path.endswith((".state", ".rfm_segment", ".abc", ".visits", ".customers"))
    ]
    assert len(unchanged) > 1_000
    assert all(dear[path] == plain_answers()[path] for path in unchanged)


# --- what must add up ---


def people_counts(found: Audit) -> dict[str, int]:
    """Every list of people with the count that the audit states for it."""
    counts = {f"state:{name}": found.lifecycle.states[name].customers for name in STATES}
    counts |= {f"lost:{name}": found.lost_last_year.parts[name].customers for name in PARTS}
    counts["lost:any"] = found.lost_last_year.customers
    counts["newcomers:never_returned"] = found.newcomers.never_returned
    items = {item.id: item.customers for item in found.opportunities.items}
    counts |= {f"opportunity:{name}": items.get(name, 0) for name in OPPORTUNITIES}
    segments = {row["rfm_segment"]: row["customers"] for row in found.rfm.segments.to_pyarrow().to_pylist()}
    counts |= {f"rfm:{name}": segments.get(name, 0) for name in SEGMENTS}
    classes = {row["abc"]: row["customers"] for row in found.base.customer_abc.to_pyarrow().to_pylist()}
    return counts | {f"abc:{name}": classes.get(name, 0) for name in "ABC"}


def check_sums(found: Audit, lines: pa.Table) -> None:
    """`lines`: those up to the day of the audit."""
    customers = found.customers.to_pyarrow().to_pylist()
    names = [row["customer_id"] for row in customers]
    assert len(names) == len(set(names)) == found.base.customers
    _check_money(found, customers, lines)
    _check_states(found, customers)
    _check_lost(found, customers)
    _check_opportunities(found, customers)
    for list_id, count in people_counts(found).items():
        people = found.people(list_id).to_pyarrow().to_pylist()
        assert len(people) == count, list_id
        assert {row["customer_id"] for row in people} <= set(names)


def _check_money(found: Audit, customers: list[dict[str, Any]], lines: pa.Table) -> None:
    names = {row["customer_id"] for row in customers}
    sums = {True: 0, False: 0, None: 0}  # of customers, of those who only returned, of unknown buyers
    for row in lines.to_pylist():
        customer = row["customer_id"]
        sums[None if customer is None else customer in names] += row["amount"]
    assert sum(row["amount"] for row in customers) == sums[True]
    assert found.base.revenue_without_customer == sums[None]
    assert found.base.revenue == sum(sums.values())
    assert sum(row["amount"] for row in found.base.customer_abc.to_pyarrow().to_pylist()) == sums[True]
    assert sum(row["amount"] for row in found.rfm.segments.to_pyarrow().to_pylist()) == sums[True]


def _check_states(found: Audit, customers: list[dict[str, Any]]) -> None:
    states = found.lifecycle.states
    assert sum(state.customers for state in states.values()) == len(customers)
    for name, state in states.items():
        mine = [row for row in customers if row["state"] == name]
        assert state.customers == len(mine)
        assert state.amount_total == sum(row["amount"] for row in mine)
        assert state.amount_year == sum(row["amount_year"] for row in mine)


def _check_lost(found: Audit, customers: list[dict[str, Any]]) -> None:
    lost = found.lost_last_year
    assert sum(part.customers for part in lost.parts.values()) == lost.customers
    assert sum(part.money.value for part in lost.parts.values()) == lost.money.value
    assert sum(row["missed_amount"] or 0 for row in customers) == lost.money.value
    assert lost.money.low <= lost.money.value <= lost.money.high
    people = lost.people.to_pyarrow()["customer_id"].to_pylist()
    assert len(people) == len(set(people))


def _check_opportunities(found: Audit, customers: list[dict[str, Any]]) -> None:
    people = found.opportunities.people.to_pyarrow()["customer_id"].to_pylist()
    assert len(people) == len(set(people))
    for item in found.opportunities.items:
        mine = [row["opportunity_amount"] for row in customers if row["opportunity"] == item.id]
        assert (item.customers, item.money.value) == (len(mine), sum(mine))


def test_in_a_shop_the_parts_add_up_to_the_whole() -> None:
    after = dt.datetime.combine(plain().as_of + dt.timedelta(days=1), dt.time())
    check_sums(plain(), shop().lines.filter(pc.less(shop().lines["purchased_at"], pa.scalar(after))))


def table_of(lines: list[Line]) -> pa.Table:
    rows = [
        (line.customer_id, dt.datetime.combine(line.on, dt.time(12)), line.amount, line.receipt_id) for line in lines
    ]
    names = ("customer_id", "purchased_at", "amount", "receipt_id")
    types = (pa.string(), pa.timestamp("us"), pa.int64(), pa.string())
    columns = [pa.array(values, dtype) for values, dtype in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.table(dict(zip(names, columns, strict=True)))


@settings(few, max_examples=4)
@given(lines_of(most_days=700), st.integers(0, 400))
def test_in_any_small_history_the_parts_add_up_to_the_whole(lines: list[Line], later: int) -> None:
    last = max(line.on for line in lines)
    table = table_of(lines)
    with pytest.MonkeyPatch.context() as patch:
        # money is not named for so few, but it has to add up all the same
        patch.setattr("regulars.analytics.audit.FEWEST_FOR_MONEY", 1)
        found = audit(History.of_table(ibis.memtable(table), currency="RUB"), as_of=last + dt.timedelta(days=later))
    assert found.as_of >= day(0)
    check_sums(found, table)
