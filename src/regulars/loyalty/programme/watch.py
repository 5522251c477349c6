"""What is watched at tills: how much one card, cashier, till or shop may do, and what one person may do alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programme.reading import (
    FLAG,
    Codec,
    Record,
    choice,
    has,
    read_record,
    refuse,
    whole,
    write_record,
)

MOST_LIMITS = 50
MOST_RECEIPTS = 10**6


@dataclass(frozen=True)
class Limit(Record):
    """The most receipts, or points earned or spent, in an hour or a day by the clock of the shop.

    Beyond it somebody is asked to look; with `refuse` the receipt is not written.
    """

    of: str = has(choice("member", "cashier", "till", "shop"))
    per: str = has(choice("day", "hour"), default="day")
    receipts: int | None = has(whole(1, MOST_RECEIPTS), default=None)
    earned: int | None = has(whole(1, MOST_POINTS), default=None)
    spent: int | None = has(whole(1, MOST_POINTS), default=None)
    refuse: bool = has(FLAG, default=False)

    def is_passed(self, receipts: int, earned: int, spent: int) -> bool:
        """Whether so much is more than it allows."""
        most = (self.receipts, self.earned, self.spent)
        return any(one is not None and many > one for one, many in zip(most, (receipts, earned, spent), strict=True))

    @property
    def said(self) -> str:
        """In words, such as "10 receipts in a day with one card"."""
        whose = {
            "member": _("with one card"),
            "cashier": _("with one cashier"),
            "till": _("at one till"),
            "shop": _("in one shop"),
        }[self.of]
        span = _("in a day") if self.per == "day" else _("in an hour")
        most = said_of({"receipts": self.receipts, "earned": self.earned, "spent": self.spent})
        return f"{most} {span} {whose}"


def said_of(figures: Mapping[str, int | None]) -> str:
    """So many receipts, points earned and points spent, in words; those that are None are left out."""
    words: tuple[tuple[str, Callable[[int], str]], ...] = (
        ("receipts", lambda n: ngettext("{n} receipt", "{n} receipts", n)),
        ("earned", lambda n: ngettext("{n} point earned", "{n} points earned", n)),
        ("spent", lambda n: ngettext("{n} point spent", "{n} points spent", n)),
    )
    known = [(say, many) for name, say in words if (many := figures.get(name)) is not None]
    return ", ".join(say(many).format(n=format_number(many)) for say, many in known)


def _read_limits(raw: Any, where: str) -> tuple[Limit, ...]:
    if not isinstance(raw, list) or len(raw) > MOST_LIMITS:
        refuse(where, raw, _("a list of at most {most} limits").format(most=MOST_LIMITS))
    limits = tuple(read_record(Limit, one, f"{where}[{index}]") for index, one in enumerate(raw))
    for index, one in enumerate(limits):
        if one.receipts is None and one.earned is None and one.spent is None:
            raise InputError(
                _("{where} limits nothing: give 'receipts', 'earned' or 'spent'.").format(where=f"{where}[{index}]")
            )
    # two tills ask for the same limits in the same order
    return tuple(sorted(limits, key=lambda one: (one.of, one.per, one.refuse)))


# no honest card and no honest pair of hands comes near; shops differ too much to guess theirs
USUAL = (
    Limit("cashier", receipts=1_000),
    Limit("member", receipts=10),
)


@dataclass(frozen=True)
class Watch(Record):
    """`same_minutes`: two receipts of one card and one sum so close together are looked at; 0: never.

    `alone`: so many points may one person give or take by hand in a day; beyond that another one has to agree.
    """

    limits: tuple[Limit, ...] = has(
        Codec(_read_limits, lambda limits: [write_record(one) for one in limits]), default=USUAL
    )
    same_minutes: int = has(whole(0, 1_440), default=5)
    alone: int = has(whole(0, MOST_POINTS), default=1_000)
