"""Sums and numbers that need no rounding are written as Babel writes them."""

from decimal import Decimal

import pytest
from babel import Locale, numbers
from hypothesis import given
from hypothesis import strategies as st

from regulars.core.i18n import LANGUAGES, format_number, use_language
from regulars.core.money import _symbol, format_money, to_units

CURRENCIES = ("RUB", "USD", "EUR", "JPY", "KWD", "KZT", "CHF", "CLF")


def by_babel(minor: int, currency: str, language: str, *, exact: bool) -> str:
    units = to_units(minor, currency)
    whole = not exact and units >= 100
    pattern = Locale.parse(language).currency_formats["standard"].pattern
    pattern = pattern.replace(".00", "") if whole else pattern
    pattern = pattern.replace("\N{CURRENCY SIGN}", f"'{_symbol(currency, language)}'")
    return numbers.format_currency(units, currency, format=pattern, locale=language, currency_digits=not whole)


@given(st.integers(0, 10**14), st.sampled_from(CURRENCIES), st.sampled_from(LANGUAGES), st.booleans())
def test_a_sum_is_written_as_babel_writes_it(minor: int, currency: str, language: str, exact: bool) -> None:
    with use_language(language):
        assert format_money(minor, currency, exact=exact) == by_babel(minor, currency, language, exact=exact)


@given(st.integers(0, 10**14), st.sampled_from(LANGUAGES), st.integers(0, 3))
def test_a_whole_number_is_written_as_babel_writes_it(value: int, language: str, digits: int) -> None:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    with use_language(language):
        assert format_number(value, digits) == numbers.format_decimal(value, format=pattern, locale=language)


@pytest.mark.parametrize(
    ("minor", "currency", "language", "said"),
    [
        (0, "RUB", "ru", "0,00\N{NO-BREAK SPACE}₽"),
        (5, "USD", "en", "$0.05"),
        (123456, "RUB", "en", "₽1,234.56"),
        (123456, "JPY", "en", "¥123,456"),
        (1234567, "KWD", "en", "KWD1,234.567"),
        (-150, "USD", "en", "-$1.50"),
    ],
)
def test_known_sums(minor: int, currency: str, language: str, said: str) -> None:
    with use_language(language):
        assert format_money(minor, currency, exact=True) == said


def test_numbers_that_are_rounded_still_are() -> None:
    with use_language("en"):
        assert (format_number(1234.5, 1), format_number(-1234), format_money(12_345_650, "RUB")) == (
            "1,234.5", "-1,234", "₽123,456",
        )  # fmt: skip
        assert format_number(float(Decimal("0.25")), 2) == "0.25"
