"""Russian and English: gettext catalogues, plural forms, and Babel for numbers, money and dates.

The language is a context variable, so a web request and a report built beside it do not disturb one
another. Catalogues are kept as `.po` and compiled in memory on first use: there is no compiled file
that could be stale.
"""

import datetime as dt
import io
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import Any, Self

from babel import dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("ru", "en")
LANGUAGE_NAMES = {"ru": "Русский", "en": "English"}  # each in itself

_language: ContextVar[str] = ContextVar("regulars_language", default="en")


def current_language() -> str:
    """The language of this context: `ru` or `en`."""
    return _language.get()


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Speak `language` inside the block."""
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {language!r}")
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    path = resources.files("regulars") / "locale" / language / "LC_MESSAGES" / "regulars.po"
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(message: str) -> str:
    """`message` in the current language. Import it as `_`; fill placeholders with `.format()` after."""
    return _catalogue(_language.get()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """The plural form that `count` asks for, in the current language."""
    return _catalogue(_language.get()).ngettext(singular, plural, count)


def pgettext(context: str, message: str) -> str:
    """`message` in the meaning that `context` names, where one English word has two translations."""
    return _catalogue(_language.get()).pgettext(context, message)


class Said(str):
    """A text in the language in which it was first said, that can be said again in another.

    A result that outlives its moment is made of these: an audit tells its reasons to readers of every language.
    """

    _say: Callable[[], str]

    def __new__(cls, say: Callable[[], str]) -> Self:
        made = super().__new__(cls, say())
        made._say = say
        return made

    def __str__(self) -> str:
        return self  # what str() gives, for an error's message too, must not forget how it is said

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, ("".join(self),)

    def format(self, *given: Any, **named: Any) -> "Said":
        """The placeholders filled, with texts that are said again, too."""
        say = self._say
        return Said(lambda: say().format(*map(again, given), **{name: again(one) for name, one in named.items()}))


def again(value: Any) -> Any:
    """The same text in the current language, where it can be said again; anything else as it is."""
    return value._say() if isinstance(value, Said) else value


def said(message: str) -> Said:
    """`gettext` for texts that are kept."""
    return Said(lambda: gettext(message))


def nsaid(singular: str, plural: str, count: int) -> Said:
    """`ngettext` for texts that are kept."""
    return Said(lambda: ngettext(singular, plural, count))


def said_date(day: dt.date) -> Said:
    """`format_date` for texts that are kept."""
    return Said(lambda: format_date(day))


def N_(message: str) -> str:
    """Mark a constant for translation without translating it yet."""
    return message


def format_number(value: float, digits: int = 0) -> str:
    """`value` with the language's separators and at most `digits` decimals."""
    if type(value) is int and value >= 0:
        # a receipt says a dozen numbers: nothing is left to round
        return grouped(value) + (_decimal_sign(_language.get()) + "0" * digits if digits else "")
    pattern = "#,##0" if digits == 0 else "#,##0." + "0" * digits
    return numbers.format_decimal(value, format=pattern, locale=_language.get())


def grouped(value: int) -> str:
    """A whole number from 0 up with the language's sign between thousands."""
    return f"{value:,}".replace(",", _group_sign(_language.get())) if value >= 1_000 else str(value)


def with_fraction(value: int, digits: int) -> str:
    """So many of the smallest parts of a unit, of which it has `digits` decimals, as units."""
    if not digits:
        return grouped(value)
    whole, part = divmod(value, 10**digits)
    return f"{grouped(whole)}{_decimal_sign(_language.get())}{part:0{digits}}"


@cache
def _group_sign(language: str) -> str:
    return numbers.get_group_symbol(language)


@cache
def _decimal_sign(language: str) -> str:
    return numbers.get_decimal_symbol(language)


def format_percent(share: float, digits: int = 0) -> str:
    """A share (0.25) as a percentage (25 %)."""
    pattern = "#,##0%" if digits == 0 else "#,##0." + "0" * digits + "%"
    if _language.get() == "ru":
        pattern = pattern.replace("%", "\N{NO-BREAK SPACE}%")
    return numbers.format_percent(share, format=pattern, locale=_language.get())


def format_date(day: dt.date) -> str:
    """A day as people of this language write it: 3 мар. 2026 г., Mar 3, 2026."""
    return dates.format_date(day, format="medium", locale=_language.get())


def format_moment(at: dt.datetime, zone: zoneinfo.ZoneInfo) -> str:
    """A moment by the shop's clock: 3 мар. 2026 г., 14:05."""
    day = dates.format_date(at.astimezone(zone), format="medium", locale=_language.get())
    return f"{day}, {dates.format_time(at, format='short', tzinfo=zone, locale=_language.get())}"


def format_month(day: dt.date) -> str:
    """The month of a day: март 2026, March 2026."""
    return dates.format_date(day, format="LLLL yyyy", locale=_language.get())
