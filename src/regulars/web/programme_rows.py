"""Boxes side by side in rows: the steps of a discount, tiers, groups, margins and limits. An empty row is none."""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

from regulars.core.i18n import gettext as _
from regulars.customers.services.fields import slug_of
from regulars.loyalty.programme.effects import Step
from regulars.loyalty.programme.reading import as_decimal
from regulars.loyalty.programme.rules import Guard
from regulars.loyalty.programme.tiers import Tier
from regulars.loyalty.programme.watch import Limit
from regulars.web.programme_place import Place, codecs_of, number
from regulars.web.programme_typed import UNITS, Known, Typed, mistyped, plain_money


def rows_of(typed: Typed, *names: str) -> list[tuple[str, ...]]:
    """The rows that are filled, and empty ones to fill."""
    found = [row for row in zip_longest(*map(typed.all, names), fillvalue="") if any(map(str.strip, row))]
    return found + [("",) * len(names)] * max(1, 3 - len(found))


def _filled(typed: Typed, place: Place, *names: str) -> Iterator[tuple[str, list[str]]]:
    """Each row that is not empty, with what to call it."""
    columns = [typed.all(f"{place.name}.{name}") for name in names]
    for count, row in enumerate(zip_longest(*columns, fillvalue=""), 1):
        yield _("{field}, row {number}").format(field=place.box.title, number=count), [text.strip() for text in row]


def _write_steps(value: Any, place: Place, typed: Typed) -> None:
    unit, share = UNITS[place.box.of], UNITS["percent"]
    typed.put(f"{place.name}.from", *(unit.show(one["from"], place.known) for one in value))
    typed.put(f"{place.name}.percent", *(share.show(share.taken(one["percent"]), place.known) for one in value))


def _read_steps(typed: Typed, place: Place) -> Any:
    start, share = codecs_of(Step)["from"].bounds, codecs_of(Step)["percent"].bounds
    return [
        {
            "from": number(begins, place.box.of, place, label, start),
            "percent": as_decimal(number(shares, "percent", place, label, share)),
        }
        for label, (begins, shares) in _filled(typed, place, "from", "percent")
        if begins or shares
    ] or None


def _write_times(value: Any, place: Place, typed: Typed) -> None:
    unit = UNITS["times"]
    typed.put(f"{place.name}.tier", *value)
    typed.put(f"{place.name}.times", *(unit.show(unit.taken(one), place.known) for one in value.values()))


def _read_times(typed: Typed, place: Place) -> Any:
    return {
        tier: as_decimal(number(times, "times", place, f"{place.box.title}, {tier}", (1_00, 100_00)))
        for _label, (tier, times) in _filled(typed, place, "tier", "times")
        if tier and times
    } or None


def times_rows(typed: Typed, name: str, known: Known) -> list[tuple[str, str, str]]:
    """For each tier: its id, what people call it, and how many times."""
    times = dict(zip(typed.all(f"{name}.tier"), typed.all(f"{name}.times"), strict=False))
    titles = dict(known.of("tier"))
    return [(tier, titles.get(tier, tier), times.get(tier, "")) for tier in dict.fromkeys([*titles, *times])]


def _write_levels(value: Any, place: Place, typed: Typed) -> None:
    for name in ("id", "title"):
        typed.put(f"{place.name}.{name}", *(one.get(name, "") for one in value))
    for name in ("from", "keep"):
        sums = (one.get(name) for one in value)
        typed.put(f"{place.name}.{name}", *("" if one is None else plain_money(one, place.known) for one in sums))


def _read_levels(typed: Typed, place: Place) -> Any:
    bounds, taken = codecs_of(Tier)["from"].bounds, {text.strip() for text in typed.all(f"{place.name}.id")}
    found = []
    for label, (name, title, start, keep) in _filled(typed, place, "id", "title", "from", "keep"):
        if not (title or start or keep):
            continue
        if not (name or title):
            raise mistyped(place.name, label, _("the tier has no name. Write one."))
        key = name or slug_of(title, taken, "tier")
        taken.add(key)
        made: dict[str, Any] = {"id": key, "from": number(start, "money", place, label, bounds)}
        made |= {"title": title} if title else {}
        found.append(made | ({"keep": number(keep, "money", place, label, bounds)} if keep else {}))
    return found or None


def _write_groups(value: Any, place: Place, typed: Typed) -> None:
    typed.put(f"{place.name}.name", *value)
    typed.put(f"{place.name}.reach", *value.values())


def _read_groups(typed: Typed, place: Place) -> Any:
    rows = [row for _label, row in _filled(typed, place, "name", "reach") if row[0]]
    names = [name for name, _reach in rows]
    if twice := next((one for one in names if names.count(one) > 1), ""):
        raise place.refuse(_("the group {value!r} is there twice. Give each its own name.").format(value=twice))
    return dict(rows) or None


# --- the least margin of categories ---


def _write_floors(value: Any, place: Place, typed: Typed) -> None:
    share = UNITS["percent"]
    typed.put(f"{place.name}.name", *value)
    typed.put(f"{place.name}.how", *("free" if one is None else "floor" for one in value.values()))
    shown = ("" if one is None else share.show(share.taken(one), place.known) for one in value.values())
    typed.put(f"{place.name}.percent", *shown)


def _read_floors(typed: Typed, place: Place) -> Any:
    found: dict[str, str | None] = {}
    for label, (name, how, floor) in _filled(typed, place, "name", "how", "percent"):
        if name or floor:
            _check_category(name, found, label, place)
            found[name] = _floor(how, floor, label, place)
    return found or None


def _check_category(name: str, before: Iterable[str], label: str, place: Place) -> None:
    if not name:
        raise mistyped(place.name, label, _("no category is chosen. Choose one."))
    if name in before:
        raise mistyped(place.name, label, _("the category {value!r} is there twice.").format(value=name[:80]))
    if name not in dict(place.known.of(place.box.of)):
        text = _("there is no category {value!r}. Choose one of the list.")
        raise mistyped(place.name, label, text.format(value=name[:80]))


def _floor(how: str, floor: str, label: str, place: Place) -> str | None:
    if how == "free":
        if floor:
            raise mistyped(place.name, label, _("a category that is not guarded has no margin. Empty it."))
        return None
    if not floor:
        raise mistyped(place.name, label, _("nothing is written here. Fill it in."))
    return as_decimal(number(floor, "percent", place, label, codecs_of(Guard)["line"].bounds))


# --- limits at tills ---


_COUNTED = ("receipts", "earned", "spent")
LIMIT = ("of", "per", *_COUNTED, "refuse")


def _write_limits(value: Any, place: Place, typed: Typed) -> None:
    # the empty row tells no limit from a form that does not ask
    typed.put(f"{place.name}.of", *(one["of"] for one in value), "")
    typed.put(f"{place.name}.per", *(one.get("per", "day") for one in value))
    for name in _COUNTED:
        typed.put(f"{place.name}.{name}", *("" if one.get(name) is None else str(one[name]) for one in value))
    typed.put(f"{place.name}.refuse", *("yes" if one.get("refuse") else "" for one in value))


def _read_limits(typed: Typed, place: Place) -> Any:
    if not typed.all(f"{place.name}.of"):
        return None
    found = []
    for label, (of, per, *counted, refuse) in _filled(typed, place, *LIMIT):
        if of or any(counted):
            most = _most(of, counted, label, place)
            found.append({"of": of, "per": per or "day"} | most | ({"refuse": True} if refuse else {}))
    return found


def _most(of: str, counted: list[str], label: str, place: Place) -> dict[str, int]:
    """How many of what a limit allows."""
    if not of:
        raise mistyped(place.name, label, _("it is not said whose limit it is. Choose it, or empty the row."))
    if not any(counted):
        text = _("it limits nothing. Write how many receipts or points, or choose “No limit”.")
        raise mistyped(place.name, label, text)
    codecs = codecs_of(Limit)
    return {
        name: number(text, "whole", place, label, codecs[name].bounds)
        for name, text in zip(_COUNTED, counted, strict=True)
        if text
    }


def limit_rows(typed: Typed, name: str) -> list[tuple[str, ...]]:
    """The limits that there are, and an empty one to fill."""
    found = zip_longest(*(typed.all(f"{name}.{one}") for one in LIMIT), fillvalue="")
    return [one for one in found if one[0] or any(one[2:5])] + [("", "day", "", "", "", "")]


Write = Callable[[Any, Place, Typed], None]
Read = Callable[[Typed, Place], Any]

ROWS: dict[str, tuple[Write, Read]] = {
    "steps": (_write_steps, _read_steps),
    "tier_times": (_write_times, _read_times),
    "levels": (_write_levels, _read_levels),
    "groups": (_write_groups, _read_groups),
    "floors": (_write_floors, _read_floors),
    "limits": (_write_limits, _read_limits),
}
