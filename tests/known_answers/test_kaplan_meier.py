"""Waiting times against published figures: remission of leukaemia, Freireich et al. (1963)."""

import pytest

from regulars.analytics.kaplan_meier import median_wait, share_by, waiting_curve

# weeks in remission; "+" of the papers is False: still in remission when last seen
MERCAPTOPURINE = [(6, True, 3), (6, False, 1), (7, True, 1), (9, False, 1), (10, True, 1), (10, False, 1),
                  (11, False, 1), (13, True, 1), (16, True, 1), (17, False, 1), (19, False, 1), (20, False, 1),
                  (22, True, 1), (23, True, 1), (25, False, 1), (32, False, 2), (34, False, 1),
                  (35, False, 1)]  # fmt: skip
PLACEBO = [(1, True, 2), (2, True, 2), (3, True, 1), (4, True, 2), (5, True, 2), (8, True, 4), (11, True, 2),
           (12, True, 2), (15, True, 1), (17, True, 1), (22, True, 1), (23, True, 1)]  # fmt: skip


def test_the_curve_is_that_of_cox_and_oakes_1984_table_4_1() -> None:
    steps = waiting_curve(MERCAPTOPURINE)
    assert [one.day for one in steps] == [6, 7, 10, 13, 16, 22, 23]
    assert [one.waiting for one in steps] == [21, 17, 15, 12, 11, 7, 6]
    shares = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert [one.share for one in steps] == pytest.approx(shares, abs=5e-4)


def test_the_medians_and_their_intervals_are_those_of_the_log_log_scale() -> None:
    treated, placebo = (median_wait(waiting_curve(one)) for one in (MERCAPTOPURINE, PLACEBO))
    assert (treated.value, treated.low, treated.high) == (23, 13, None)
    assert (placebo.value, placebo.low, placebo.high) == (8, 4, 11)


def test_the_interval_is_that_of_greenwood_on_the_log_log_scale() -> None:
    # as statistical packages print them with conftype = loglog
    first = waiting_curve(MERCAPTOPURINE)[0]
    assert (first.low, first.high) == pytest.approx((0.6197, 0.9516), abs=5e-4)
    assert share_by(waiting_curve(MERCAPTOPURINE), 9) == pytest.approx((0.1933, 0.0772, 0.4369), abs=5e-4)


def test_without_anybody_who_waits_it_is_the_plain_share() -> None:
    steps = waiting_curve([(day, True, 1) for day in range(1, 11)])
    assert [one.share for one in steps] == pytest.approx([1 - day / 10 for day in range(1, 11)])
    assert median_wait(steps).value == 5


def test_when_it_never_happened_there_is_no_median() -> None:
    assert waiting_curve([(100, False, 5)]) == []
    nobody = median_wait(waiting_curve([]))
    assert (nobody.value, nobody.low, nobody.high) == (None, None, None)


def test_one_person_who_had_it_is_no_certainty() -> None:
    one = waiting_curve([(5, True, 1)])
    assert (median_wait(one).value, median_wait(one).high) == (5, None)
    assert share_by(one, 5) == (1.0, 0.0, 1.0)
    assert share_by(one, 4) is None
