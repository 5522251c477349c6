import random
from collections.abc import Iterator
from typing import Any

import pytest

from regulars.analytics.exits import Exits, exits
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import Row, bought, records
from tests.analytics.reasons_ground import ground_of

AS_OF = 600


def customer(name: str, start: int, *products: str) -> Iterator[Row]:
    """A visit every ten days, one product each; who serves is chance."""
    dice = random.Random(name)
    for number, product in enumerate(products):
        yield bought(name, start + 10 * number, product=product, staff=dice.choice(["Ann", "Bob", "Eve"]))


def shop(*, fatal: int = 60) -> tuple[list[Row], dict[str, str]]:
    """120 who left after ten visits, `fatal` of them with soup last; 120 who stayed.

    Everybody had soup at one visit of the nine before.
    """
    rows: list[Row] = []
    states = {}
    for number in range(120):
        start = 1 + number * 3
        earlier = ["tea"] * 9
        earlier[number % 9] = "soup"
        rows += customer(f"gone{number:03d}", start, *earlier, "soup" if number < fatal else "tea")
        states[f"gone{number:03d}"] = "lost"
        usual = [("soup" if (number + turn) % 10 == 0 else "tea") for turn in range(24)]
        rows += customer(f"here{number:03d}", start, *usual)
    return rows, states


def run(rows: list[Row], states: dict[str, str], **more: Any) -> Exits:
    return exits(ground_of(rows, as_of=AS_OF, states=states, **more))


def test_what_regulars_bought_last_is_found() -> None:
    rows, states = shop()
    found = run(rows, states, values={f"here{n:03d}": 1_000 for n in range(120)})
    (soup,) = [one for one in found.findings if one.id == "exit:product:soup"]
    assert soup.kind == "exit" and soup.customers == 60 and soup.about["last"] == 60
    # one visit of nine before: about thirteen of 120
    assert soup.about["expected"] == pytest.approx(120 / 9, abs=4)
    # 60 with, 60 without; one with to eight without before: odds 8
    assert soup.about["ratio"].value == pytest.approx(8, rel=0.35)
    assert soup.about["ratio"].low > 1
    # sixty last visits of the year, seven eighths of them its doing, a regular is worth 1,000
    assert soup.money.value == pytest.approx(_in_the_last_year(rows) * 7 / 8 * 1_000, rel=0.1)
    assert {row["customer_id"] for row in records(soup.people)} == {f"gone{n:03d}" for n in range(60)}


def _in_the_last_year(rows: list[Row]) -> int:
    ends = [1 + number * 3 + 90 for number in range(60)]
    return sum(end > AS_OF - 365 for end in ends)


def test_where_the_last_visit_is_like_the_others_nothing_is_found() -> None:
    rows, states = shop(fatal=13)
    found = run(rows, states)
    assert found.findings == ()
    assert {one.analysis: one.compared for one in found.comparisons} == {"exit:product": 2, "exit:staff": 3}


def test_what_everybody_takes_more_of_with_time_is_not_a_reason_to_leave() -> None:
    rows, states = shop(fatal=0)
    # a new product is bought by more and more, also by those who stay
    dice = random.Random(1)
    fresh = [{**row, "product": "new"} if dice.random() < min((_day(row) - 80) / 250, 0.95) else row for row in rows]
    found = run(fresh, states)
    assert found.findings == ()
    (new,) = [row for row in records(found.levels) if row["key"] == "new"]
    # by their own earlier visits alone it would have been 64 of 120
    assert new["last"] == 78
    assert new["expected"] == pytest.approx(78, rel=0.08)


def _day(row: Row) -> int:
    return int((row["purchased_at"] - bought("x", 0)["purchased_at"]).days)


def test_the_order_of_the_lines_does_not_matter() -> None:
    rows, states = shop()
    mixed = rows.copy()
    random.Random(1).shuffle(mixed)
    assert records(run(rows, states).levels) == records(run(mixed, states).levels)


def test_a_history_without_columns_is_said_so() -> None:
    rows, states = shop()
    bare = [{name: row[name] for name in ("customer_id", "purchased_at", "amount")} for row in rows]
    with pytest.raises(NotEnoughData, match="column"):
        run(bare, states)


def test_where_nobody_left_there_is_nothing_to_compare() -> None:
    rows, _states = shop()
    with pytest.raises(NotEnoughData, match="0 left"):
        run(rows, {})


def test_one_line_is_too_few() -> None:
    with pytest.raises(NotEnoughData):
        run([bought("a", 0, product="soup")], {})
