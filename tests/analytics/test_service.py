import datetime as dt
import random
from typing import Any

import pytest

from regulars.analytics.service import service
from regulars.core.errors import NotEnoughData
from tests.analytics.purchase_rows import Row, bought, day, records
from tests.analytics.reasons_ground import ground_of

AS_OF = 700


def shop(*, bad: float = 0.5, people: int = 400, seed: int = 1, **columns: str) -> list[Row]:
    """People who come every ten days until they leave: after a visit with the chance 5 %, with Bob `bad`."""
    dice = random.Random(seed)
    rows: list[Row] = []
    for number in range(people):
        when = dice.randrange(500)
        while when < AS_OF:
            staff = dice.choice(["Ann", "Bob", "Eve", "Kim"])
            rows.append(_visit(f"c{number:04d}", when, staff, dice, columns))
            if dice.random() < (bad if staff == "Bob" else 0.05):
                break
            when += dice.randrange(7, 14)
    return rows


def _visit(customer: str, number: int, staff: str, dice: random.Random, columns: dict[str, str]) -> Row:
    moment = dt.datetime.combine(day(number), dt.time(dice.randrange(9, 21)))
    return bought(customer, number, purchased_at=moment, staff=staff, **columns)


def test_whose_customers_come_back_less_often_is_found_with_people_and_money() -> None:
    rows = shop()
    ids = {row["customer_id"] for row in rows}
    lost = dict.fromkeys(sorted(ids)[:200], "lost")
    values = {one: 0 if one in lost else 1_000 for one in ids}
    found = service(ground_of(rows, as_of=AS_OF, states=lost, values=values))
    (bob,) = found.findings
    assert (bob.id, bob.kind) == ("staff:Bob", "service_worse")
    assert bob.about["difference"].value == pytest.approx(-0.45, abs=0.08)
    assert bob.about["share"] == pytest.approx(0.5, abs=0.08)
    assert bob.about["expected"] == pytest.approx(0.95, abs=0.05)
    # every visit of the last year at his hands, times the share that is his doing, times the worth of one who stays
    visits = sum(row["staff"] == "Bob" and row["purchased_at"].date() > day(AS_OF - 365) for row in rows)
    assert bob.money is not None and bob.money.value == pytest.approx(visits * 0.45 * 1_000, rel=0.2)
    last = {row["customer_id"]: row for row in rows}
    gone = {one for one, row in last.items() if row["staff"] == "Bob" and row["purchased_at"].date() <= day(AS_OF - 30)}
    assert bob.people is not None
    assert {row["customer_id"] for row in records(bob.people)} == gone


def test_shifts_are_compared_too_and_every_level_has_its_row() -> None:
    found = service(ground_of(shop(), as_of=AS_OF))
    rows = records(found.levels)
    staff = {row["key"]: row for row in rows if row["dimension"] == "staff"}
    assert set(staff) == {"Ann", "Bob", "Eve", "Kim"}
    assert sum(row["cases"] for row in staff.values()) == found.visits
    assert {row["check"] for row in staff.values()} == {100}
    assert any(row["dimension"] == "shift" and row["key"] == "0:11" for row in rows)
    assert {one.analysis for one in found.comparisons} == {"service:staff", "service:shift"}


def test_the_check_of_each_is_the_mean_money_of_the_visits_served() -> None:
    rows = [{**row, "amount": {"Ann": 50, "Bob": 300}.get(row["staff"], 100)} for row in shop(bad=0.05, people=200)]
    # two lines of one day are one visit: Eve's bring 100 each
    rows += [row for row in rows if row["staff"] == "Eve"]
    found = {row["key"]: row["check"] for row in records(service(ground_of(rows, as_of=AS_OF)).levels)}
    assert [found[name] for name in ("Ann", "Bob", "Eve", "Kim")] == [50, 300, 200, 100]


def test_where_all_serve_alike_nobody_is_named() -> None:
    assert service(ground_of(shop(bad=0.05, people=200), as_of=AS_OF)).findings == ()


def test_the_only_seller_of_a_store_is_not_judged_apart_from_the_store() -> None:
    north = [{**row, "store": "North"} for row in shop(seed=1, bad=0.05)]
    south = [
        {**row, "store": "South", "staff": "Bob", "customer_id": "s" + row["customer_id"]}
        for row in shop(seed=2, bad=0.3)
    ]
    north = [row for row in north if row["staff"] != "Bob"]
    found = service(ground_of([*north, *south], as_of=AS_OF))
    assert "staff:Bob" not in {one.id for one in found.findings}
    (bob,) = [row for row in records(found.levels) if row["key"] == "Bob"]
    assert bob["difference"] is None and bob["cases"] > 100


def test_dates_without_a_time_of_day_have_no_shifts() -> None:
    rows = [{**row, "purchased_at": row["purchased_at"].replace(hour=0)} for row in shop(people=200)]
    found = service(ground_of(rows, as_of=AS_OF))
    assert {row["dimension"] for row in records(found.levels)} == {"staff"}


def test_the_order_of_the_lines_does_not_matter() -> None:
    rows = shop(people=200)
    mixed = rows.copy()
    random.Random(1).shuffle(mixed)
    first, second = (service(ground_of(lines, as_of=AS_OF)) for lines in (rows, mixed))
    assert records(first.levels) == records(second.levels)


def _without(rows: list[Row], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def test_a_history_that_does_not_say_who_served_or_when_is_said_to_lack_it() -> None:
    rows = [{**row, "purchased_at": row["purchased_at"].replace(hour=0)} for row in shop(people=100)]
    with pytest.raises(NotEnoughData, match="column"):
        service(ground_of(_without(rows, "staff"), as_of=AS_OF))


def test_too_few_visits_are_said_so() -> None:
    with pytest.raises(NotEnoughData, match="at least 500 visits"):
        service(ground_of(shop(people=10), as_of=AS_OF))
    with pytest.raises(NotEnoughData, match="there are 0"):
        service(ground_of([bought("a", 5, staff="Ann")], as_of=10))
