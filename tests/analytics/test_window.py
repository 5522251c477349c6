"""The business's own window, by hand."""

import pytest

from regulars.analytics.window import business_window
from tests.analytics.purchase_rows import bought, rolled, visits


def regulars(gaps: list[int], *, visits_each: int = 3) -> list[object]:
    return [row for i, gap in enumerate(gaps) for row in visits(f"c{i}", *(gap * n for n in range(visits_each)))]


def test_it_is_twice_the_gap_that_nine_of_ten_do_not_exceed() -> None:
    # of gaps of 1, 2 .. 11 weeks the 90 % quantile is 10 weeks
    weeks = [7 * number for number in range(1, 12)]
    assert business_window(rolled(regulars(weeks), as_of=900)) == 20 * 7


def test_whole_weeks_are_rounded_up() -> None:
    assert business_window(rolled(regulars([14] * 5), as_of=400)) == 28
    assert business_window(rolled(regulars([15] * 5), as_of=400)) == 35


def test_the_mean_gap_of_a_customer_counts_once_however_often_they_come() -> None:
    rows = [*visits("daily", *range(0, 200)), *visits("a", 0, 60), *visits("b", 0, 60), *visits("c", 0, 60)]
    assert business_window(rolled(rows, as_of=800)) == 126


def test_one_time_buyers_do_not_move_it() -> None:
    rows = regulars([20] * 5)
    crowd = [bought(f"once{i}", i) for i in range(50)]
    assert business_window(rolled([*rows, *crowd], as_of=400)) == business_window(rolled(rows, as_of=400)) == 42


def test_it_is_two_weeks_at_least() -> None:
    assert business_window(rolled(regulars([1] * 5, visits_each=100), as_of=100)) == 14


@pytest.mark.parametrize("as_of", [0, 1, 13, 40])
def test_two_weeks_stand_even_when_the_history_is_shorter(as_of: int) -> None:
    assert business_window(rolled([bought("ann", 0), bought("ann", min(as_of, 1))], as_of=as_of)) == 14


def test_it_never_exceeds_a_third_of_the_history() -> None:
    rows = regulars([100] * 5, visits_each=2)
    # 210 days: a third is 70
    assert business_window(rolled(rows, as_of=209)) == 70


def test_it_never_exceeds_52_weeks() -> None:
    assert business_window(rolled(regulars([300] * 5), as_of=3_650)) == 364


def test_without_repeat_customers_it_is_a_third_of_the_history_in_whole_weeks() -> None:
    assert business_window(rolled([bought(f"c{i}", i) for i in range(100)], as_of=99)) == 28
