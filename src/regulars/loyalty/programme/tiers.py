"""Tiers by what a member bought: up at once, down after a grace. The one step that decides where he stands is here."""

import datetime as dt
import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import MOST_MONEY
from regulars.loyalty.programme.effects import PERIOD
from regulars.loyalty.programme.reading import TEXT, Codec, Record, has, read_record, refuse, whole, write_record

MOST_TIERS = 20
_MONEY = whole(1, MOST_MONEY)
NONE = ""


def _read_keep(raw: Any, where: str) -> int | None:
    return None if raw is None else int(_MONEY.read(raw, where))


@dataclass(frozen=True)
class Tier(Record):
    """One tier. `from` is the turnover that gives it, `keep` the one that keeps it: no more than `from`, which it is
    when it is left out."""

    id: str = has(TEXT)
    from_: int = has(_MONEY)
    keep: int | None = has(Codec(_read_keep), default=None)
    title: str = has(TEXT, default="")

    @property
    def least(self) -> int:
        """The turnover that keeps it."""
        return self.from_ if self.keep is None else self.keep


def _read_levels(raw: Any, where: str) -> tuple[Tier, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_TIERS:
        refuse(where, raw, _("a list of 1 to {most} tiers").format(most=MOST_TIERS))
    levels = tuple(read_record(Tier, one, f"{where}[{index}]") for index, one in enumerate(raw))
    for one in levels:
        if one.least > one.from_:
            raise InputError(
                _("{where}: the tier {id!r} asks for more to be kept than to be reached.").format(
                    where=where, id=one.id
                )
            )
    if any(one.from_ >= other.from_ or one.least > other.least for one, other in itertools.pairwise(levels)):
        raise InputError(_("{where}: write the tiers upwards, each from more than the one before.").format(where=where))
    if len({one.id for one in levels}) < len(levels):
        raise InputError(_("{where}: give each tier its own id.").format(where=where))
    return levels


@dataclass(frozen=True)
class Place:
    """Where a member stands: the id of his tier, none when empty; the day on which it ends if he buys too little."""

    tier: str = NONE
    ends_on: dt.date | None = None


@dataclass(frozen=True)
class Tiers(Record):
    """The tiers upwards, by the turnover of a period. Whoever buys too little for his tier keeps it for the grace.

    Of a year, a quarter or a month the better one counts of this and the one before: nobody falls on New Year's Day.
    """

    levels: tuple[Tier, ...] = has(Codec(_read_levels, lambda levels: [write_record(one) for one in levels]))
    period: str = has(PERIOD, default="days:365")
    grace_days: int = has(whole(0, 366), default=30)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """What rules may call them."""
        return tuple(one.id for one in self.levels)

    def level(self, tier: str) -> Tier | None:
        """The tier of this id; None for none, and for one that these rules have no more."""
        return next((one for one in self.levels if one.id == tier), None)

    def above(self, tier: str) -> Tier | None:
        """The next one upwards; None at the top."""
        held = self.ids.index(tier) if tier in self.ids else -1
        return self.levels[held + 1] if held + 1 < len(self.levels) else None

    def title(self, tier: str) -> str:
        """What people call it."""
        found = self.level(tier)
        return (found.title if found else "") or tier

    def missing(self, tier: str, turnover: int) -> int:
        """How much more he must buy to keep it."""
        found = self.level(tier)
        return max(0, found.least - turnover) if found else 0

    def after(self, now: Place, turnover: int, day: dt.date, *, is_return: bool = False) -> Place:
        """Where he stands on this day with this turnover. What he himself brings back begins no grace."""
        held = self.ids.index(now.tier) if now.tier in self.ids else -1
        reached = max((rank for rank, one in enumerate(self.levels) if one.from_ <= turnover), default=-1)
        if reached > held:
            return Place(self.levels[reached].id)
        if held < 0:
            return Place()
        if turnover >= self.levels[held].least:
            return Place(now.tier)
        ends_on = now.ends_on or day + dt.timedelta(days=self.grace_days)
        if day < ends_on and not (is_return and now.ends_on is None):
            return Place(now.tier, ends_on)
        kept = [one.id for one in self.levels[:held] if one.least <= turnover]
        return Place(kept[-1] if kept else NONE)
