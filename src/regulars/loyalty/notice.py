"""Whether members learn in time that something ends, and what changed for them of late.

A version that begins in a week or later is announced on every member's own page until then. What ends sooner is
published only by whoever has read what it is. The same pages tell for a month what a version that began has changed.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils import timezone

from regulars.core.i18n import format_number, ngettext
from regulars.loyalty.models import Account, Programme, Unit
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.words import Names, Words
from regulars.loyalty.programmes import valid_at

NOTICE = dt.timedelta(days=7)
TOLD = dt.timedelta(days=30)
_MOST_TOLD = 5


@dataclass(frozen=True)
class ShortNotice:
    """What ends too soon. `before` is the version that promised it; `members` is how many there are."""

    before: Programme
    begins: list[str]
    ends: list[str]
    members: int

    @property
    def said(self) -> str:
        """One sentence about it."""
        return ngettext(
            "This version ends something that {n} member counts on, and he learns of it less than a week before.",
            "This version ends something that {n} members count on, and they learn of it less than a week before.",
            self.members,
        ).format(n=format_number(self.members))


def short_notice(
    rules: RuleSet, valid_from: dt.datetime | None, *, names_of: Callable[[RuleSet], Names]
) -> ShortNotice | None:
    """What members would lose by these rules sooner than in a week; None when it is nothing, or there is time."""
    now = timezone.now()
    moment = valid_from or now
    found = valid_at(moment) if now <= moment < now + NOTICE else None
    if found is None:
        return None
    before, old = found
    said_before, said = (Words(one, names_of(one)) for one in (old, rules))
    begins, ends = changes(said_before.for_members(), said.for_members())
    ends += [one for one in _drawn(old, said_before, rules, said) if one not in ends]
    return ShortNotice(before, begins, ends, _members()) if ends else None


def changes(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sentences that will be new, and those that will hold no more."""
    return [one for one in new if one not in old], [one for one in old if one not in new]


def begun_lately(at: dt.datetime) -> list[tuple[Programme, Programme]]:
    """The versions that began in the last month, each with the one before it; the newest first."""
    newest = list(Programme.objects.filter(valid_from__lte=at).order_by("-valid_from").defer("rules")[: _MOST_TOLD + 1])
    return [(one, before) for one, before in pairwise(newest) if one.valid_from > at - TOLD]


def _drawn(old: RuleSet, said_before: Words, new: RuleSet, said: Words) -> list[str]:
    """The promises that more members than before go without: of these nobody knows yet whom the lot will draw."""
    without = {said_before.rule(one): one.holdout for one in old.rules}
    worse = {text for one in new.rules if one.holdout > without.get(text := said.rule(one), one.holdout)}
    return [one for one in said_before.for_members() if one in worse]


def _members() -> int:
    return Account.objects.filter(unit__slug=Unit.POINTS).values("customer").distinct().count()
