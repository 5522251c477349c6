"""Money: integer minor units (kopecks, cents) below the screen, currency units on it."""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache

from babel import Locale, numbers

from regulars.core.errors import InputError
from regulars.core.i18n import LANGUAGES, current_language, with_fraction
from regulars.core.i18n import gettext as _


def check_currency(code: str) -> str:
    """The ISO 4217 code in capitals; `InputError` when there is no such currency."""
    currency = code.strip().upper()
    if not numbers.is_currency(currency):
        raise InputError(
            _("There is no currency {code!r}. Give its three-letter ISO 4217 code, such as RUB, USD or EUR.").format(
                code=code
            )
        )
    return currency


@lru_cache(maxsize=256)
def minor_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for RUB, 0 for JPY, 3 for KWD."""
    return int(numbers.get_currency_precision(currency))


def to_units(minor: float, currency: str) -> Decimal:
    """Minor units as currency units, exact to the minor unit: 123450 kopecks -> 1234.50."""
    digits = minor_digits(currency)
    whole = Decimal(repr(minor) if isinstance(minor, float) else minor).quantize(Decimal(1), ROUND_HALF_EVEN)
    return whole.scaleb(-digits).quantize(Decimal(1).scaleb(-digits))


def to_minor(units: Decimal, currency: str) -> int:
    """Currency units as whole minor units, halves to the even one: 1234.50 -> 123450 kopecks."""
    return int(units.scaleb(minor_digits(currency)).quantize(Decimal(1), ROUND_HALF_EVEN))


def read_money(text: str, currency: str) -> int:
    """Minor units of a sum as people type it, with spaces and a point or a comma; `InputError` when it is none.

    >>> read_money("1 250,50", "RUB")
    125050
    """
    bare = "".join(text.split()).replace(",", ".")
    found = re.fullmatch(r"[0-9]{1,12}(?:\.([0-9]*))?", bare, re.ASCII)
    if found is None or len(found[1] or "") > minor_digits(currency):
        raise InputError(_("{value!r} is no sum: write it as 1250.50.").format(value=text[:40]))
    return to_minor(Decimal(bare), currency)


def format_money(minor: float, currency: str, *, exact: bool = False) -> str:
    """Money for a person: whole currency units above 100 of them unless `exact`, in the current language."""
    language, digits = current_language(), minor_digits(currency)
    if type(minor) is int and minor >= 0 and (exact or minor < 100 * 10**digits):
        # nothing is left to round, as in all that a receipt says
        before, after = _around(currency, language)
        return f"{before}{with_fraction(minor, digits)}{after}"
    units = to_units(minor, currency)
    whole = not exact and abs(units) >= 100
    pattern = _pattern(currency, language, whole)
    return numbers.format_currency(units, currency, format=pattern, locale=language, currency_digits=not whole)


@cache
def _around(currency: str, language: str) -> tuple[str, str]:
    """What stands before and after a sum of this currency that is not rounded."""
    nothing = numbers.format_currency(Decimal(0), currency, format=_pattern(currency, language, False), locale=language)
    before, _nothing, after = nothing.partition(with_fraction(0, minor_digits(currency)))
    return before, after


@cache
def _pattern(currency: str, language: str, whole: bool) -> numbers.NumberPattern:
    # a receipt says a dozen sums: what they are written by is read once
    written = Locale.parse(language).currency_formats["standard"].pattern
    if whole:
        written = written.replace(".00", "")
    return numbers.parse_pattern(written.replace("\N{CURRENCY SIGN}", f"'{_symbol(currency, language)}'"))


def _symbol(currency: str, language: str) -> str:
    """The sign of a currency: English writes RUB where everybody reads the rouble's sign."""
    signs = (numbers.get_currency_symbol(currency, locale) for locale in (language, *LANGUAGES))
    return next((sign for sign in signs if sign != currency), currency)
