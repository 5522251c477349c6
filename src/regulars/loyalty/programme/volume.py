"""A bonus for what a member bought in a whole period, given when it is over: what dealers agree on by the quarter."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.basket import Basket, Member
from regulars.loyalty.programme.conditions import (
    ALWAYS,
    CONDITION,
    EVERYTHING,
    SCOPE,
    Answered,
    Condition,
    OfTier,
    Privilege,
    Scope,
    Seen,
)
from regulars.loyalty.programme.effects import STEPS, Step
from regulars.loyalty.programme.reading import TEXT, Codec, Record, choice, has, read_record, refuse, write_record

MOST = 20
_LONGEST_ID = 100
_OF_MEMBERS = (Answered, OfTier, Privilege)  # what holds of somebody without a basket


@dataclass(frozen=True)
class Volume(Record):
    """One bonus. `steps` go by what he paid in the period for the goods `on`; the highest that is reached counts, for
    the whole sum. `when` asks for what he is: his tier, a privilege, an answer."""

    id: str = has(TEXT)
    steps: tuple[Step, ...] = has(STEPS)
    title: str = has(TEXT, default="")
    period: str = has(choice("month", "quarter", "year"), default="quarter")
    when: Condition = has(CONDITION, default=ALWAYS)
    on: Scope = has(SCOPE, default=EVERYTHING)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or self.id

    def step(self, paid: int) -> Step | None:
        """The one that this sum reaches."""
        return next((one for one in reversed(self.steps) if one.from_ <= paid), None)

    def above(self, paid: int) -> Step | None:
        """The first one that this sum does not reach."""
        return next((one for one in self.steps if one.from_ > paid), None)

    def points(self, paid: int, worth: int) -> int:
        """How many points that is, each of `worth` minor units; parts of a point are nobody's."""
        reached = self.step(paid)
        return paid * reached.percent // (100_00 * worth) if reached else 0

    def is_for(self, member: Member, moment: dt.datetime, zone: str) -> bool:
        """Whether he is one of those who get it, at this moment."""
        nothing = Basket(store="", store_zone=zone, channel="", purchased_at=moment, lines=())
        return self.when.holds(Seen(nothing, (), member, ()))


def _read(raw: Any, where: str) -> tuple[Volume, ...]:
    if not isinstance(raw, list) or len(raw) > MOST:
        refuse(where, raw, _("a list of at most {most} bonuses").format(most=MOST))
    found = tuple(read_record(Volume, one, f"{where}[{index}]") for index, one in enumerate(raw))
    for index, one in enumerate(found):
        if len(one.id) > _LONGEST_ID:
            refuse(f"{where}[{index}].id", one.id, _("a text of 1 to {most} signs").format(most=_LONGEST_ID))
        if any(not isinstance(leaf, _OF_MEMBERS) for leaf in one.when.leaves()):
            raise InputError(
                _(
                    "{where}: a bonus for a whole period can ask for what a member is: {known}. What lies in one "
                    "basket says nothing of it."
                ).format(where=f"{where}[{index}].when", known=", ".join(kind.kind for kind in _OF_MEMBERS))
            )
    if len({one.id for one in found}) < len(found):
        raise InputError(_("{where}: give each bonus its own id.").format(where=where))
    return found


VOLUME = Codec(_read, lambda found: [write_record(one) for one in found])
