"""One timeline of a customer, into which each package of the application puts what it knows.

A source gives its entries newest first and never more than it was asked for, so a page costs the same for a customer of
a day and of ten years. Packages above this one register theirs in `AppConfig.ready`.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from regulars.accounts.models import User
from regulars.accounts.rights import Right

_LAST = 2**62


class Before(NamedTuple):
    """Entries wanted: those earlier than (at, id)."""

    at: dt.datetime
    id: int


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `lines` are the small print: pairs of a label and a text."""

    at: dt.datetime
    id: int
    kind: str
    title: str
    who: str = ""
    text: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    address: str = ""  # a page about it
    amount: int | None = None  # money, in minor units
    tone: str = ""  # "good", "bad", "warn"
    actor_id: int | None = None
    source: str = ""
    details: dict[str, object] = field(default_factory=dict)


Read = Callable[[Sequence[int], Before, int, User], Sequence[Entry]]


@dataclass(frozen=True)
class Source:
    """Where entries of one kind come from: `read(customer_ids, before, limit, reader)`, newest first."""

    kind: str
    title: str  # marked with N_, shown as a filter
    read: Read
    right: Right | None = None


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Let the timeline show this too."""
    _sources[source.kind] = source


def sources_for(user: User) -> list[Source]:
    """What this user may see, in the order in which it was registered."""
    return [one for one in _sources.values() if one.right is None or user.may(one.right)]


@dataclass(frozen=True)
class Page:
    """Some entries, newest first, and where the next page begins."""

    entries: list[Entry]
    next: str | None


def read(
    customer_ids: Sequence[int], user: User, *, limit: int, start: str | None = None, kind: str | None = None
) -> Page:
    """The newest entries, or those behind the place where a page ended."""
    sources = sources_for(user)
    order = {source.kind: place for place, source in enumerate(sources)}
    at, place, entry_id = _place_of(start, order)
    found: list[Entry] = []
    for source in sources:
        if kind in (None, source.kind):
            found += source.read(customer_ids, _bound(at, place, entry_id, order[source.kind]), limit + 1, user)
    found.sort(key=lambda one: (one.at, -order[one.kind], one.id), reverse=True)
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], f"{last.at.isoformat()}~{last.kind}~{last.id}" if last else None)


def _place_of(start: str | None, order: dict[str, int]) -> tuple[dt.datetime, int, int]:
    newest = (dt.datetime.max.replace(tzinfo=dt.UTC), -1, 0)
    if not start:
        return newest
    at, _tilde, rest = start.partition("~")
    kind, _tilde, number = rest.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at)
        return (moment, order[kind], int(number)) if moment.tzinfo else newest
    except (ValueError, KeyError):
        return newest


def _bound(at: dt.datetime, place: int, entry_id: int, mine: int) -> Before:
    """Of entries of one moment those of earlier sources come first, then those with the greater id."""
    if mine == place:
        return Before(at, entry_id)
    return Before(at, 0 if mine < place else _LAST)
