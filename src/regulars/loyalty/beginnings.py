"""Programmes to begin with: each is a whole draft that its owner changes before anybody sells by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.loyalty.programmes import beginning

# a hundred of such a unit buys about what one euro does
_SMALL_UNITS = frozenset({"AMD", "HUF", "INR", "JPY", "KGS", "KZT", "RSD", "RUB", "UZS"})


@dataclass(frozen=True)
class Beginning:
    """One programme to begin with. Those that are for goods of one category ask for it."""

    title: str
    about: str
    rules: Callable[[str, str], list[dict[str, Any]]]  # by the currency and the category
    asks_category: bool = False


def _points(_currency: str, _category: str) -> list[dict[str, Any]]:
    return [{"id": "back", "title": _("Five per cent back"), "gives": {"kind": "points_percent", "percent": 5}}]


def _growing(currency: str, _category: str) -> list[dict[str, Any]]:
    unit = 10 ** minor_digits(currency) * (100 if currency in _SMALL_UNITS else 1)
    steps = [{"from": many * unit, "percent": percent} for many, percent in ((100, 3), (300, 5), (1_000, 7))]
    gives = {"kind": "percent_by_turnover", "steps": steps, "period": "days:365"}
    return [{"id": "growing", "title": _("A discount that grows"), "gives": gives}]


def _sixth(_currency: str, category: str) -> list[dict[str, Any]]:
    title = _("Each sixth is free")
    gives = {"kind": "nth_free", "n": 6, "counter": title}
    return [{"id": "sixth", "title": title, "gives": gives, "on": {"categories": [category]}}]


BEGINNINGS = {
    "points": Beginning(
        N_("Points: 5 % back"), N_("Of each purchase 5 % come back in points, which pay up to half of a receipt."),
        _points,
    ),
    "growing": Beginning(
        N_("A discount that grows with purchases"), N_("3, 5 and 7 % by what a member bought within a year."), _growing
    ),
    "sixth": Beginning(
        N_("Each sixth coffee free"),
        N_("Stamps for coffee, or whatever you choose: the sixth piece costs nothing. On the page Till the cashier "
           "adds the pieces; a bare sum gets no stamps."),
        _sixth, asks_category=True,
    ),
    "empty": Beginning(
        N_("From scratch"), N_("No rule yet: you add what you like."), lambda _currency, _category: []
    ),
}  # fmt: skip


def begin_with(name: str, *, currency: str, category: str = "") -> dict[str, Any]:
    """The draft of this name, as JSON."""
    found = BEGINNINGS.get(name)
    if found is None:
        raise InputError(_("There is no beginning {value!r}. Choose one of the list.").format(value=name[:40]))
    if found.asks_category and not category:
        raise InputError(_("Choose the category of which each sixth piece is free."))
    return beginning(currency) | {"rules": found.rules(currency, category)}
