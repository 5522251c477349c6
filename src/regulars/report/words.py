"""Numbers, money, days and other people's text, as a person reads them in the current language."""

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass

from babel import dates, numbers

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import current_language, format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits, to_units

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"

LONGEST_NAME = 60

# signs that Babel's data give only to the language of the country
_SIGNS = {"RUB": "₽", "UAH": "₴", "KZT": "₸", "TRY": "₺", "GEL": "₾", "AZN": "₼", "AMD": "֏"}

# what turns the direction of text around or is not seen at all
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def name(text: object, longest: int = LONGEST_NAME) -> str:
    """Text that a user wrote, for display: one line, nothing invisible, not longer than `longest`.

    >>> name("a\\u202eb\\nc")
    'ab c'
    """
    raw = "" if text is None else str(text)
    # a name of ten thousand signs is not walked through to its end
    shown = " ".join(raw[: longest * 20].split())
    shown = "".join(sign for sign in shown if unicodedata.category(sign) not in _INVISIBLE)
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def count(number: float) -> str:
    """A whole number: 12 345."""
    return format_number(round(number)).replace("-", MINUS)


def decimal(number: float, digits: int = 1) -> str:
    """A number with at most `digits` decimals and no idle zeros: 1,5."""
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    text = numbers.format_decimal(number, format=pattern, locale=current_language())
    return text.replace("-", MINUS) if text not in {"-0", "−0"} else "0"


def percent(share: float, digits: int | None = None) -> str:
    """A share as a percentage; below 10 % with one decimal, because 0.4 % is not 0 %."""
    if digits is None:
        digits = 1 if abs(share) < 0.0995 and share != 0 else 0
    return f"{decimal(share * 100, digits)}{_percent_sign()}"


def _percent_sign() -> str:
    return f"{NBSP}%" if current_language() == "ru" else "%"


def signed_percent(share: float) -> str:
    """A change: +12 %, −3 %, 0 %."""
    return ("+" if share > 0 and percent(share) != percent(0) else "") + percent(share)


def percent_range(estimate: Estimate) -> str:
    """Both ends of a share's interval: 31–36 %."""
    return _joined(percent(estimate.low), percent(estimate.high), _percent_sign())


def days(number: float) -> str:
    """A number of days with its noun."""
    rounded = round(number)
    return ngettext("{n} day", "{n} days", rounded).format(n=count(rounded)).replace(" ", NBSP)


def days_range(estimate: Estimate) -> str:
    """Both ends of an interval in days."""
    low, high = decimal(estimate.low), decimal(estimate.high)
    noun = ngettext("{n} day", "{n} days", round(estimate.high)).format(n="").strip()
    return low + NBSP + noun if low == high else f"{low}{EN_DASH}{high}{NBSP}{noun}"


def customers(number: int) -> str:
    """A number of customers with its noun."""
    return ngettext("{n} customer", "{n} customers", number).format(n=count(number)).replace(" ", NBSP)


def rows(number: int) -> str:
    """A number of rows with its noun."""
    return ngettext("{n} row", "{n} rows", number).format(n=count(number)).replace(" ", NBSP)


def times(number: float) -> str:
    """A multiplier: ×1.07."""
    return "×" + decimal(number, 2)


def day(date: dt.date) -> str:
    """One day: 3 мар. 2026 г., Mar 3, 2026."""
    return format_date(date).replace(" ", NBSP)


def month(date: dt.date) -> str:
    """A month in a table or on an axis: мар 2026, Mar 2026."""
    return f"{short_month(date)}{NBSP}{date.year}"


def short_month(date: dt.date) -> str:
    """The month alone: мар, Mar."""
    return dates.format_date(date, format="LLL", locale=current_language()).rstrip(".")


def quarter(date: dt.date) -> str:
    """A quarter: I кв. 2026, Q1 2026."""
    return dates.format_date(date, format="qqq yyyy", locale=current_language()).replace(" ", NBSP)


def period(first: dt.date, last: dt.date) -> str:
    """Two days, both included: 1 янв. 2025 г. – 31 дек. 2025 г."""
    return f"{day(first)} {EN_DASH} {day(last)}"


def _joined(low: str, high: str, unit: str) -> str:
    """Two numbers of one unit as a range; in words where a minus would meet the dash."""
    if low == high:
        return high
    if MINUS in low:
        return _("from {low} to {high}").format(low=low, high=high)
    return f"{low.removesuffix(unit)}{EN_DASH}{high}"


def _symbol(currency: str) -> str:
    return _SIGNS.get(currency) or str(numbers.get_currency_symbol(currency, locale=current_language()))


@dataclass(frozen=True)
class Scale:
    """Thousands, millions...: how many powers of 1000, and the word for it."""

    power: int
    word: str

    def of(self, units: float) -> str:
        scaled = units / 1000**self.power
        digits = 0 if self.power == 0 or abs(scaled) >= 99.5 else 1
        return decimal(scaled, digits)


def _three_digits(units: float) -> float:
    return float(f"{units:.2e}")


def _word(text: str) -> str:
    """What follows the digits: K, \u00a0млн."""
    found = re.search(r"\D+$", text)
    return found.group() if found else ""


def _scale(units: float, *, from_power: int) -> Scale:
    magnitude = abs(units)
    power = 0
    # 999,960 is "1M", not "1000K"
    while power < 4 and magnitude >= 1000 ** (power + 1) * 0.9995:
        power += 1
    if power < from_power:
        return Scale(0, "")
    word = str(numbers.format_compact_decimal(1000**power, locale=current_language()))
    return Scale(power, word.removeprefix("1"))


@dataclass(frozen=True)
class Purse:
    """Money in one currency; every argument is in minor units.

    Up to a million whole units are written out (845 300 ₽); more is rounded (1,2 млн ₽). Small sums keep
    their kopecks. `axis` is as short as it can be.
    """

    currency: str

    def money(self, minor: float) -> str:
        units = float(to_units(minor, self.currency))
        scale = _scale(units, from_power=2)
        if not scale.power and abs(units) < 100:
            return self._dressed(self._small(minor))
        return self._dressed(scale.of(units) + scale.word)

    def about(self, minor: float) -> str:
        """An estimate: three digits say all that it knows. 506 297 -> 506 тыс."""
        return self._dressed(self._estimate(minor))

    def exact(self, minor: float) -> str:
        """Whole units written out, whatever the size: for tables of people."""
        units = to_units(minor, self.currency)
        if abs(units) < 100:
            return self._dressed(self._small(minor))
        return self._dressed(decimal(float(round(units)), 0))

    def axis(self, minor: float) -> str:
        units = float(to_units(minor, self.currency))
        scale = _scale(units, from_power=1)
        if not scale.power:
            return self._dressed(decimal(units, 0 if abs(units) >= 10 else minor_digits(self.currency)))
        return self._dressed(decimal(units / 1000**scale.power, 1) + scale.word)

    def signed(self, minor: float) -> str:
        """A change of money, in three digits: +1,2 млн ₽, −992 тыс. ₽."""
        return ("+" if minor > 0 else "") + self.about(minor)

    def range(self, estimate: Estimate) -> str:
        """Both ends of an estimate's interval, the unit said once: 1,1–1,4 млн ₽."""
        low, high = self._estimate(estimate.low), self._estimate(estimate.high)
        if low == high:
            return self._dressed(high)
        if estimate.low < 0:
            return _("from {low} to {high}").format(low=self._dressed(low), high=self._dressed(high))
        word = _word(high)
        if word and _word(low) != word:
            units = float(to_units(estimate.low, self.currency)) / float(to_units(estimate.high, self.currency))
            if units < 0.1:
                # 0–1.4M would hide whether the low end is nothing or 40,000
                return f"{self._dressed(low)} {EN_DASH} {self._dressed(high)}"
            low = self._scaled_like(estimate.low, estimate.high) + word
        return self._dressed(f"{low.removesuffix(word)}{EN_DASH}{high}")

    def _estimate(self, minor: float) -> str:
        units = float(to_units(minor, self.currency))
        if abs(units) < 100:
            return self._small(minor)
        scale = _scale(units, from_power=1 if abs(units) >= 99_950 else 2)
        return scale.of(units if scale.power else _three_digits(units)) + scale.word

    def _scaled_like(self, minor: float, other: float) -> str:
        other_units = float(to_units(other, self.currency))
        scale = _scale(other_units, from_power=1)
        digits = 0 if abs(other_units) / 1000**scale.power >= 99.5 else 1
        return decimal(float(to_units(minor, self.currency)) / 1000**scale.power, digits)

    def _small(self, minor: float) -> str:
        units = to_units(minor, self.currency)
        digits = -int(units.as_tuple().exponent)
        if abs(units) >= 100 or units == int(units):
            digits = 0
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(numbers.format_decimal(units, format=pattern, locale=current_language())).replace("-", MINUS)

    def _dressed(self, number: str) -> str:
        symbol = _symbol(self.currency)
        if current_language() == "ru":
            return f"{number}{NBSP}{symbol}"
        sign = MINUS if number.startswith(MINUS) else ""
        # letters need a gap before the digits, signs do not
        gap = NBSP if re.search(r"\w$", symbol) else ""
        return f"{sign}{symbol}{gap}{number.removeprefix(MINUS)}"


def finite(value: float | None) -> bool:
    """Whether there is a number to show."""
    return value is not None and math.isfinite(value)
