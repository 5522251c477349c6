"""Which money the amounts are in, when the person did not say."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import get_territory_currencies

from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency
from regulars.ingest.understand import Understood

_SIGNS = (
    ("RUB", r"₽|\bруб|\bр\.|\brub\b|\brur\b"),
    ("USD", r"\$|\busd\b|\bдолл|\bdollars?\b"),
    ("EUR", r"€|\beur\b|\bевро\b|\beuros?\b"),
    ("KZT", r"₸|\bkzt\b|\bтенге\b|\bтг\b"),
    ("UAH", r"₴|\buah\b|\bгрн\b"),
    ("BYN", r"\bbyn\b"),
    ("GBP", r"£|\bgbp\b"),
)


@dataclass(frozen=True)
class Money:
    """A currency, and how it was found."""

    code: str
    why: str
    is_default: bool = False


def find_currency(given: str | None, tables: Sequence[Understood], region: str) -> Money:
    """What the person said, else what headings and amounts show, else the money of the region.

    Raises `ColumnProblem` when the amounts are in several currencies: their sum would mean nothing.
    """
    if given is not None:
        return Money(check_currency(given), _("named by you"))
    seen = Counter(code for each in tables for code in _codes(each))
    if len(seen) > 1:
        raise ColumnProblem(
            _("The amounts are in several currencies: {codes}. Read the files of each currency apart.").format(
                codes=", ".join(sorted(seen))
            )
        )
    if seen:
        return Money(next(iter(seen)), _("by the currency sign in the heading or the amounts"))
    codes = get_territory_currencies(region.upper()) if region else []
    return Money(codes[0] if codes else "RUB", _("by the region {region}").format(region=region), is_default=True)


def _codes(each: Understood) -> set[str]:
    column = each.assignment.roles.get("amount", each.assignment.roles.get("price"))
    if column is None:
        return set()
    text = f"{each.table.headings[column]} {each.contents[column].signs}".lower()
    return {code for code, signs in _SIGNS if re.search(signs, text)}
