"""The loyalty pyramid of a few people, counted by hand."""

import pytest

from regulars.analytics.findings import Ground
from regulars.analytics.pyramid import STAGES, Pyramid, pyramid
from regulars.analytics.rhythm import Rhythm
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import Row, bought, by_customer, records, rolled, visits

WINDOW = 14


def told(rows: list[Row], *, as_of: int = 364) -> Pyramid:
    rollup = rolled(rows, as_of=as_of)
    values = rollup.customers.select("customer_id")
    return pyramid(Ground(rollup, WINDOW, None, Rhythm(1, 1, 1, 1), values, None))  # type: ignore[arg-type]


def stages(found: Pyramid) -> dict[str, dict[str, object]]:
    return {row.pop("stage"): row for row in records(found.stages)}


def stage_of(found: Pyramid) -> dict[str, str]:
    return {name: row["loyalty_stage"] for name, row in by_customer(found.people).items()}


PEOPLE = [
    *visits("once", 10),
    *visits("too_late", 10, 100),
    *visits("returned", 10, 24),  # a gap of just the window
    *visits("gone", 10, 20, 30, 40),
    *visits("steady", 330, 340, 350, 360),
    *visits("unsteady", 200, 330, 340, 350, 360),  # three returns of four in time
    *visits("nearly", 340, 350),
]


def test_everybody_stands_on_the_highest_stage_that_purchases_show() -> None:
    assert stage_of(told(PEOPLE)) == {
        "once": "buys",
        "too_late": "buys",
        "returned": "satisfied",
        "gone": "satisfied",
        "steady": "prefers",
        "unsteady": "satisfied",
        "nearly": "satisfied",
    }


def test_the_stages_add_up_with_their_money() -> None:
    found = stages(told(PEOPLE))
    assert [found[name]["customers"] for name in ("buys", "satisfied", "prefers")] == [7, 5, 1]
    assert [found[name]["customers_here"] for name in ("buys", "satisfied", "prefers")] == [2, 4, 1]
    assert [found[name]["amount"] for name in ("buys", "satisfied", "prefers")] == [2000, 1700, 400]
    assert found["satisfied"]["share_of_below"] == pytest.approx(5 / 7)
    assert found["prefers"]["share_of_below"] == pytest.approx(1 / 5)


def test_what_purchases_cannot_show_has_no_number() -> None:
    found = stages(told(PEOPLE))
    assert set(found) == set(STAGES)
    for name in ("knows_us", "knows_products", "recommends"):
        assert set(found[name].values()) == {None}


def test_one_category_is_not_a_preference_where_categories_are_known() -> None:
    rows = [bought("narrow", n, category="A") for n in (330, 340, 350, 360)]
    rows += [bought("broad", n, category="AB"[n % 20 == 0]) for n in (330, 340, 350, 360)]
    rows += [bought("unknown", n, category=None) for n in (330, 340, 350, 360)]
    found = told([*rows, *visits("first", 0)])
    assert found.uses_categories
    assert {name: stage for name, stage in stage_of(found).items() if name != "first"} == {
        "narrow": "satisfied",
        "broad": "prefers",
        "unknown": "satisfied",
    }


def test_a_second_year_is_compared_with_the_first() -> None:
    rows = [
        *visits("anna", 0, 10, 20, 350),
        *visits("boris", 340, 350, 360),
        *visits("boris", 720),
        *visits("clara", 729),
    ]
    found = told(rows, as_of=729)
    assert stage_of(found) == {"boris": "buys", "clara": "buys"}
    before = stages(found)
    assert (before["buys"]["customers_before"], before["prefers"]["customers_before"]) == (2, 1)
    assert stages(told(PEOPLE))["buys"]["customers_before"] is None


def test_a_short_history_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="28 days"):
        told(visits("anna", 0, 5), as_of=26)


def test_row_order_changes_nothing() -> None:
    assert records(told(PEOPLE).stages) == records(told(PEOPLE[::-1]).stages)
