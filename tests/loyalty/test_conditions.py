"""When a rule of the programme holds, each kind of condition at its edges."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars.core.errors import InputError
from regulars.loyalty.programme.basket import Basket, Member
from regulars.loyalty.programme.conditions import Privilege
from regulars.loyalty.programme.judging import NOT_MET
from tests.loyalty.programme_cases import NOVICE, basket, judged, line, rule

MOSCOW, NEW_YORK = ZoneInfo("Europe/Moscow"), ZoneInfo("America/New_York")


def holds(condition: dict[str, Any], of: Basket | None = None, by: Member | None = NOVICE) -> bool:
    return judged(rule("r", 10, when=condition, **{"for": "everybody"}), of=of, by=by).discount > 0


def at(*moment: int, zone: ZoneInfo = MOSCOW, fold: int = 0) -> Basket:
    return basket(at=dt.datetime(*moment, tzinfo=zone, fold=fold), zone=zone.key)  # type: ignore[misc,arg-type]


def test_a_receipt_reaches_its_threshold_to_the_minor_unit() -> None:
    for price, expected in ((999, False), (1000, True)):
        assert holds({"is": "receipt_sum", "at_least": 1000}, basket(line(price=price))) is expected


def test_the_sum_of_some_goods_counts_those_goods_only() -> None:
    of = basket(line("tea", 600), line("coffee", 700, category="Coffee"))
    for scope, expected in (
        ({"categories": ["Coffee"]}, True), ({"products": ["tea"]}, False), ({"not_products": ["tea"]}, True),
        ({"products": ["tea"], "categories": ["Coffee"]}, True), ({"not_categories": ["Coffee"]}, False),
    ):  # fmt: skip
        assert holds({"is": "receipt_sum", "at_least": 700, "of": scope}, of) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"is": "product", "any_of": ["tea", "cup"]}, True),
        ({"is": "product", "any_of": ["cup"]}, False),
        ({"is": "category", "any_of": ["Tea"]}, True),
        ({"is": "category", "any_of": ["tea"]}, False),
        ({"is": "store", "any_of": ["Centre"]}, True),
        ({"is": "store", "any_of": ["Harbour"]}, False),
        ({"is": "channel", "any_of": ["shop"]}, True),
        ({"is": "channel", "any_of": ["site"]}, False),
    ],
)
def test_goods_store_and_channel_are_looked_up_by_their_names(condition: dict[str, Any], expected: bool) -> None:
    assert holds(condition) is expected


# --- the clock ---


def test_hours_are_from_the_first_minute_up_to_the_last_without_it() -> None:
    morning = {"is": "hours", "from": "09:00", "to": "11:00"}
    times = {(8, 59, 59): False, (9, 0): True, (10, 59, 59): True, (11, 0): False}
    assert {time: holds(morning, at(2026, 3, 3, *time)) for time in times} == times


def test_hours_go_by_the_clock_of_the_shop_and_not_of_the_server() -> None:
    lunch = {"is": "hours", "from": "12:00", "to": "13:00"}
    noon = dt.datetime(2026, 3, 3, 9, 30, tzinfo=dt.UTC)
    assert holds(lunch, basket(at=noon, zone="Europe/Moscow"))
    assert not holds(lunch, basket(at=noon, zone="Asia/Vladivostok"))


def test_a_night_belongs_to_the_day_that_it_began_on() -> None:
    friday_night = {"is": "hours", "weekdays": [5], "from": "22:00", "to": "06:00"}
    moments = {
        (2026, 3, 6, 22, 0): True,  # Friday evening
        (2026, 3, 7, 5, 59): True,  # what is left of it on Saturday
        (2026, 3, 7, 6, 0): False,
        (2026, 3, 7, 22, 0): False,  # Saturday evening
        (2026, 3, 6, 5, 59): False,  # what is left of Thursday
    }
    assert {moment: holds(friday_night, at(*moment)) for moment in moments} == moments


def test_a_sunday_night_ends_on_monday() -> None:
    sunday_night = {"is": "hours", "weekdays": [7], "from": "22:00", "to": "06:00"}
    assert holds(sunday_night, at(2026, 3, 9, 1, 0))
    assert not holds(sunday_night, at(2026, 3, 8, 1, 0))


def test_a_weekday_changes_at_midnight_in_the_shop() -> None:
    tuesday = {"is": "hours", "weekdays": [2]}
    moments = {
        (2026, 3, 2, 23, 59, 59): False,
        (2026, 3, 3, 0, 0): True,
        (2026, 3, 3, 23, 59): True,
        (2026, 3, 4): False,
    }
    assert {moment: holds(tuesday, at(*moment)) for moment in moments} == moments
    assert holds(tuesday, basket(at=dt.datetime(2026, 3, 2, 21, 0, tzinfo=dt.UTC))), "Tuesday has come in Moscow"


def test_an_hour_that_the_clock_shows_twice_counts_both_times() -> None:
    hour = {"is": "hours", "from": "01:00", "to": "02:00"}
    once, again = (at(2026, 11, 1, 1, 30, zone=NEW_YORK, fold=fold) for fold in (0, 1))
    assert once.purchased_at.astimezone(dt.UTC) != again.purchased_at.astimezone(dt.UTC)
    assert holds(hour, once) and holds(hour, again)


def test_an_hour_that_the_clock_leaps_over_never_comes() -> None:
    hour = {"is": "hours", "from": "02:00", "to": "03:00"}
    before = dt.datetime(2026, 3, 8, 6, 59, tzinfo=dt.UTC)  # 01:59 in New York; a minute later it is 03:00
    assert not holds(hour, basket(at=before, zone=NEW_YORK.key))
    assert not holds(hour, basket(at=before + dt.timedelta(minutes=1), zone=NEW_YORK.key))


def test_days_of_a_promotion_are_days_in_the_shop_both_included() -> None:
    promotion = {"is": "dates", "from": "2026-03-01", "to": "2026-03-03"}
    moments = {(2026, 2, 28, 23, 59): False, (2026, 3, 1): True, (2026, 3, 3, 23, 59): True, (2026, 3, 4): False}
    assert {moment: holds(promotion, at(*moment)) for moment in moments} == moments


# --- the member ---


def test_a_privilege_lasts_through_the_last_day_of_its_proof_in_the_shop() -> None:
    pensioner = {"is": "privilege", "any_of": ["pensioner", "student"]}
    by = Member(privileges={"pensioner": dt.date(2026, 3, 3)})
    assert holds(pensioner, at(2026, 3, 3, 23, 59), by)
    assert not holds(pensioner, at(2026, 3, 4, 0, 0), by)
    assert holds(pensioner, at(2030, 1, 1), Member(privileges={"student": None})), "a proof without an end"
    assert not holds(pensioner, at(2030, 1, 1), Member(privileges={"large family": None}))


@pytest.mark.parametrize(
    ("day", "expected"),
    [((2026, 3, 6), False), ((2026, 3, 7), True), ((2026, 3, 10), True), ((2026, 3, 15), True), ((2026, 3, 16), False)],
)
def test_a_birthday_window_has_days_before_and_after(day: tuple[int, ...], expected: bool) -> None:
    window = {"is": "birthday", "before": 3, "after": 5}
    assert holds(window, at(*day), Member(birthday=dt.date(1990, 3, 10))) is expected


def test_a_birthday_window_reaches_over_new_year() -> None:
    window = {"is": "birthday", "before": 5, "after": 5}
    assert holds(window, at(2026, 12, 30), Member(birthday=dt.date(1990, 1, 2)))
    assert holds(window, at(2026, 1, 3), Member(birthday=dt.date(1990, 12, 30)))


def test_a_birthday_on_29_february_is_on_1_march_in_a_common_year() -> None:
    by, day = Member(birthday=dt.date(2000, 2, 29)), {"is": "birthday"}
    found = {
        moment: holds(day, at(*moment), by) for moment in ((2026, 2, 28), (2026, 3, 1), (2028, 2, 29), (2028, 3, 1))
    }
    assert found == {(2026, 2, 28): False, (2026, 3, 1): True, (2028, 2, 29): True, (2028, 3, 1): False}


def test_nobody_has_a_birthday_that_is_not_known() -> None:
    assert not holds({"is": "birthday", "before": 180, "after": 180})


def test_a_repeat_counts_days_in_the_shop_and_not_hours() -> None:
    repeat = {"is": "repeat", "within_days": 4}
    last = Member(last_purchase_at=dt.datetime(2026, 3, 1, 23, 50, tzinfo=MOSCOW))
    moments = {
        (2026, 3, 1, 23, 59): False,
        (2026, 3, 2, 0, 1): True,
        (2026, 3, 5, 23, 59): True,
        (2026, 3, 6, 0, 0): False,
    }
    assert {moment: holds(repeat, at(*moment), last) for moment in moments} == moments


def test_a_purchase_cut_in_two_on_one_day_is_no_repeat_unless_the_rule_says_so() -> None:
    last = Member(last_purchase_at=dt.datetime(2026, 3, 3, 12, 0, tzinfo=MOSCOW))
    assert not holds({"is": "repeat", "within_days": 4}, at(2026, 3, 3, 12, 5), last)
    assert holds({"is": "repeat", "within_days": 4, "same_day": True}, at(2026, 3, 3, 12, 5), last)
    assert not holds({"is": "repeat", "within_days": 4, "same_day": True}, at(2026, 3, 3, 11, 0), last), "it came later"
    assert not holds({"is": "repeat", "within_days": 4}), "there was none"


def test_a_purchase_has_its_number_among_those_of_the_member() -> None:
    assert [holds({"is": "purchase_number", "number": 1}, by=Member(purchases=n)) for n in range(3)] == [
        True,
        False,
        False,
    ]
    assert [holds({"is": "purchase_number", "every": 3}, by=Member(purchases=n)) for n in range(6)] == [
        False, False, True, False, False, True
    ]  # fmt: skip
    assert not holds({"is": "purchase_number", "number": 1}, by=None), "whoever is unknown may have bought before"


@pytest.mark.parametrize(
    ("condition", "fits", "does_not"),
    [
        ({"is": "tier", "any_of": ["gold"]}, Member(tier="gold"), Member(tier="silver")),
        (
            {"is": "card", "any_of": ["virtual", "paid"]},
            Member(card=frozenset({"plastic", "paid"})),
            Member(card=frozenset({"plastic", "corporate"})),
        ),
        (
            {"is": "segment", "any_of": ["new"]},
            Member(segments=frozenset({"new", "b"})),
            Member(segments=frozenset("b")),
        ),
        (
            {"is": "answer", "question": "pet", "any_of": ["cat"]},
            Member(answers={"pet": frozenset({"cat", "dog"})}),
            Member(answers={"food": frozenset({"cat"})}),
        ),
    ],
)
def test_what_is_known_of_the_member_is_looked_at(condition: dict[str, Any], fits: Member, does_not: Member) -> None:
    assert holds(condition, by=fits)
    assert not holds(condition, by=does_not)
    assert not holds(condition, by=None)


def test_a_promo_code_is_the_same_in_capitals_and_with_spaces_around() -> None:
    code = {"is": "promo_code", "any_of": ["Весна-10"]}
    assert holds(code, basket(promo_codes=frozenset({" весна-10 "})))
    assert holds(code, basket(promo_codes=frozenset({"ВЕСНА-10"})), by=None), "a code is for whoever gives it"
    assert not holds(code, basket(promo_codes=frozenset({"весна"})))
    assert not holds(code)


# --- together ---


def test_conditions_are_joined_and_turned_round() -> None:
    yes, no = {"is": "store", "any_of": ["Centre"]}, {"is": "store", "any_of": ["Harbour"]}
    assert holds({"all": [yes, {"not": no}]})
    assert not holds({"all": [yes, no]})
    assert holds({"any": [no, yes]})
    assert not holds({"any": [no, {"not": yes}]})
    assert holds({"not": {"all": [yes, {"any": [no, no]}]}})


def test_the_trace_names_the_conditions_that_do_not_hold_and_no_others() -> None:
    store, pensioner = {"is": "store", "any_of": ["Centre"]}, {"is": "privilege", "any_of": ["pensioner"]}
    found = judged(rule("r", 10, when={"all": [store, pensioner]}))
    (step,) = found.trace
    assert (step.what, step.unmet) == (NOT_MET, (Privilege(("pensioner",)),))


def test_a_moment_without_a_zone_and_a_zone_that_is_none_are_refused() -> None:
    with pytest.raises(InputError, match="no time zone"):
        basket(at=dt.datetime(2026, 3, 3))
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(InputError, match="IANA"):
            basket(zone=name)
