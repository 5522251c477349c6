import datetime as dt

import pytest

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import use_language
from regulars.report import words
from regulars.report.words import Purse

NBSP = "\u00a0"


def say(text: str) -> str:
    return text.replace(NBSP, " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("minor", "russian", "english"),
    [
        (0, "0 ₽", "₽0"),
        (5, "0,05 ₽", "₽0.05"),
        (1_230, "12,30 ₽", "₽12.30"),
        (-123_456, "−1 235 ₽", "−₽1,235"),
        (84_530_000, "845 300 ₽", "₽845,300"),
        (123_400_000, "1,2 млн ₽", "₽1.2M"),
        (99_996_000_000, "1 млрд ₽", "₽1B"),
        (9_223_372_036_854_775_807, "92 234 трлн ₽", "₽92,234T"),
    ],
)
def test_money_is_written_as_people_write_it(minor: int, russian: str, english: str) -> None:
    for language, expected in (("ru", russian), ("en", english)):
        with use_language(language):
            assert say(Purse("RUB").money(minor)) == expected


def test_currencies_without_and_with_three_decimals() -> None:
    with use_language("en"):
        assert Purse("JPY").money(12_345) == "¥12,345"
        assert say(Purse("KWD").money(12_345)) == "KWD 12.345"
        assert say(Purse("KWD").exact(1_234_567)) == "KWD 1,235"


def test_an_estimate_has_three_digits_and_says_its_unit_once() -> None:
    purse = Purse("RUB")
    with use_language("ru"):
        assert say(purse.about(50_629_723)) == "506 тыс. ₽"
        assert say(purse.about(716_712)) == "7 170 ₽"
        assert say(purse.range(Estimate(0, 110e6, 140e6))) == "1,1–1,4 млн ₽"
        assert say(purse.range(Estimate(0, 43_614_600, 59_534_000))) == "436–595 тыс. ₽"
        assert say(purse.range(Estimate(0, 70e6, 110e6))) == "0,7–1,1 млн ₽"
        assert say(purse.range(Estimate(0, 0, 140e6))) == "0 ₽ – 1,4 млн ₽"
        assert say(purse.range(Estimate(0, -50e6, 140e6))) == "от −500 тыс. ₽ до 1,4 млн ₽"
        assert say(purse.range(Estimate(0, 41_500, 42_200))) == "415–422 ₽"
        assert say(purse.range(Estimate(0, 500, 500))) == "5 ₽"


def test_shares_below_ten_per_cent_keep_a_decimal() -> None:
    with use_language("ru"):
        assert [say(words.percent(share)) for share in (0, 0.004, 0.0996, 0.25, 1)] == [
            "0 %",
            "0,4 %",
            "10 %",
            "25 %",
            "100 %",
        ]
        assert say(words.percent_range(Estimate(0.3, 0.26, 0.33))) == "26–33 %"
        assert say(words.signed_percent(0.031)) == "+3,1 %"
    with use_language("en"):
        assert words.signed_percent(-0.25) == "−25%"


@pytest.mark.parametrize(
    ("days", "expected"), [(1, "1 день"), (2, "2 дня"), (5, "5 дней"), (21, "21 день"), (111, "111 дней")]
)
def test_days_agree_with_their_number(days: int, expected: str) -> None:
    with use_language("ru"):
        assert say(words.days(days)) == expected


def test_a_name_is_one_short_visible_line() -> None:
    assert words.name("a\nb\t c") == "a b c"
    assert words.name("x\u202ey\u2066z\x00\x1b") == "xyz"
    assert words.name("y" * 10_000) == "y" * 59 + "…"
    assert words.name(None) == ""
    assert words.name("\ud800") == ""


def test_dates_and_quarters() -> None:
    with use_language("ru"):
        assert say(words.day(dt.date(2026, 3, 3))) == "3 мар. 2026 г."
        assert say(words.quarter(dt.date(2026, 4, 1))) == "2-й кв. 2026"
