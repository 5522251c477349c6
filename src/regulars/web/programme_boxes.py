"""Boxes of the forms of the programme: how one value of the rules is shown to be typed, and read back.

What is typed is a mapping of names to texts, as a browser sends it. A box writes a value of JSON into such a mapping
and reads it from there, so that a form which nobody touched says what it was made from.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.services.fields import slug_of
from regulars.loyalty.programme.conditions import Scope
from regulars.loyalty.programme.effects import Step
from regulars.loyalty.programme.reading import Codec, as_decimal
from regulars.loyalty.programme.tiers import Tier
from regulars.web.programme_typed import UNITS, Known, Mistyped, Options, Typed, mistyped, plain_money


@dataclass(frozen=True)
class Box:
    """One value of the rules in a form. `of` says what it chooses from, or what its numbers count."""

    name: str
    label: str
    widget: str
    hint: str = ""
    of: str = ""
    usual: str = ""  # what stands in a new form

    @property
    def title(self) -> str:
        """The label in the reader's language."""
        return _(self.label)

    def options(self, known: Known, typed: Typed, name: str) -> Options:
        """What is offered, and what is chosen already though nobody offers it any more."""
        found = known.of(self.of)
        offered = {value for value, _label in found}
        return found + [one for one in self.chosen(known, typed, name) if one[0] not in offered]

    def chosen(self, known: Known, typed: Typed, name: str) -> Options:
        """What is chosen, as people call it."""
        codes = [code for code in dict.fromkeys(typed.all(name)) if code]
        titles = known.product_names(codes) if self.of == "product" else dict(known.of(self.of))
        return [(code, titles.get(code, code)) for code in codes]


@dataclass(frozen=True)
class Place:
    """Where a box stands: its name in the form, the codec of its value, and what the business has."""

    box: Box
    name: str
    codec: Codec
    known: Known

    def refuse(self, why: str) -> Mistyped:
        """The error to raise."""
        return mistyped(self.name, self.box.title, why)


# --- numbers ---


def _number(text: str, unit: str, place: Place, label: str, bounds: tuple[int, int] | None) -> int:
    """The number in its smallest units, within the bounds of the grammar."""
    how = UNITS[unit]
    try:
        value = how.read(text, place.known)
        if bounds is not None and not bounds[0] <= value <= bounds[1]:
            least, most = (how.say(one, place.known) for one in bounds)
            raise InputError(
                _("{value!r} does not fit. Write something from {least} to {most}.").format(
                    value=text[:40], least=least, most=most
                )
            )
    except InputError as wrong:
        raise mistyped(place.name, label, str(wrong)) from wrong
    return value


def _write_number(value: Any, place: Place, typed: Typed) -> None:
    unit = UNITS[place.box.widget]
    typed.put(place.name, "" if value is None else unit.show(unit.taken(value), place.known))


def _read_number(typed: Typed, place: Place) -> Any:
    text = typed.one(place.name)
    if not text:
        return None
    unit = place.box.widget
    return UNITS[unit].keep(_number(text, unit, place, place.box.title, place.codec.bounds))


# --- single values ---


def _write_text(value: Any, place: Place, typed: Typed) -> None:
    typed.put(place.name, str(value))


def _read_text(typed: Typed, place: Place) -> Any:
    return typed.one(place.name) or None


def _write_flag(value: Any, place: Place, typed: Typed) -> None:
    typed.put(place.name, *(["yes"] if value else []))


def _read_flag(typed: Typed, place: Place) -> Any:
    return bool(typed.one(place.name))


def _read_clock(typed: Typed, place: Place) -> Any:
    # some browsers send the seconds, too
    text = typed.one(place.name)
    found = re.fullmatch(r"(([01]\d|2[0-3]):[0-5]\d)(:00)?", text, re.ASCII)
    if text and not found:
        raise place.refuse(_("{value!r} is no time. Write it as 09:30.").format(value=text[:40]))
    return found[1] if found else None


def _read_day(typed: Typed, place: Place) -> Any:
    text = typed.one(place.name)
    try:
        return dt.date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        raise place.refuse(_("{value!r} is no day. Write it as 2026-03-31.").format(value=text[:40])) from None


def _write_period(value: Any, place: Place, typed: Typed) -> None:
    kind, _colon, days = str(value).partition(":")
    typed.put(place.name, kind)
    typed.put(f"{place.name}.days", days)


def _read_period(typed: Typed, place: Place) -> Any:
    kind = typed.one(place.name)
    if kind != "days":
        return kind or None
    days = _number(
        typed.one(f"{place.name}.days"), "whole", place, _("{field}, days").format(field=place.box.title), (1, 9_999)
    )
    return f"days:{days}"


# --- lists ---


def _write_names(value: Any, place: Place, typed: Typed) -> None:
    typed.put(place.name, *map(str, value))


def _read_names(typed: Typed, place: Place) -> Any:
    chosen = [text for text in typed.all(place.name) if text.strip()]
    more = typed.one(f"{place.name}.more")
    try:
        return list(dict.fromkeys([*chosen, *split_names(more, place.box.of, place.known)])) or None
    except InputError as wrong:
        raise place.refuse(str(wrong)) from wrong


def split_names(text: str, kind: str, known: Known) -> Iterator[str]:
    """Names that are typed with commas between them. Those of products are looked up, and may have commas inside."""
    if kind != "product":
        yield from filter(None, map(str.strip, text.split(",")))
        return
    if text and (code := known.product(text)):
        yield code
        return
    for one in filter(None, map(str.strip, text.split(","))):
        code = known.product(one)
        if not code:
            raise InputError(
                _("There is no product {value!r}. Type its code or its whole name.").format(value=one[:80])
            )
        yield code


def _read_weekdays(typed: Typed, place: Place) -> Any:
    return [int(text) for text in typed.all(place.name) if text in tuple("1234567")] or None


def _write_scope(value: Any, place: Place, typed: Typed) -> None:
    write_boxes(SCOPE, Scope, value, f"{place.name}.", typed, place.known)


def _read_scope(typed: Typed, place: Place) -> Any:
    return read_boxes(SCOPE, Scope, typed, f"{place.name}.", place.known) or None


# --- rows: several boxes side by side, a row that is left empty is none ---


def rows_of(typed: Typed, *names: str) -> list[tuple[str, ...]]:
    """The rows that are filled, and empty ones to fill."""
    found = [row for row in zip_longest(*map(typed.all, names), fillvalue="") if any(map(str.strip, row))]
    return found + [("",) * len(names)] * max(1, 3 - len(found))


def _filled(typed: Typed, place: Place, *names: str) -> Iterator[tuple[str, list[str]]]:
    """Each row that is not empty, with what to call it."""
    columns = [typed.all(f"{place.name}.{name}") for name in names]
    for number, row in enumerate(zip_longest(*columns, fillvalue=""), 1):
        yield _("{field}, row {number}").format(field=place.box.title, number=number), [text.strip() for text in row]


def _write_steps(value: Any, place: Place, typed: Typed) -> None:
    unit, share = UNITS[place.box.of], UNITS["percent"]
    typed.put(f"{place.name}.from", *(unit.show(one["from"], place.known) for one in value))
    typed.put(f"{place.name}.percent", *(share.show(share.taken(one["percent"]), place.known) for one in value))


def _read_steps(typed: Typed, place: Place) -> Any:
    start, share = codecs_of(Step)["from"].bounds, codecs_of(Step)["percent"].bounds
    return [
        {
            "from": _number(begins, place.box.of, place, label, start),
            "percent": as_decimal(_number(shares, "percent", place, label, share)),
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
        tier: as_decimal(_number(times, "times", place, f"{place.box.title}, {tier}", (1_00, 100_00)))
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
        made: dict[str, Any] = {"id": key, "from": _number(start, "money", place, label, bounds)}
        made |= {"title": title} if title else {}
        found.append(made | ({"keep": _number(keep, "money", place, label, bounds)} if keep else {}))
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


Write = Callable[[Any, Place, Typed], None]
Read = Callable[[Typed, Place], Any]

WIDGETS: dict[str, tuple[Write, Read]] = {
    **dict.fromkeys(UNITS, (_write_number, _read_number)),
    **dict.fromkeys(("text", "choice"), (_write_text, _read_text)),
    "flag": (_write_flag, _read_flag),
    "clock": (_write_text, _read_clock),
    "day": (_write_text, _read_day),
    "period": (_write_period, _read_period),
    "weekdays": (_write_names, _read_weekdays),
    "names": (_write_names, _read_names),  # typed, with suggestions
    "several": (_write_names, _read_names),  # ticked
    "scope": (_write_scope, _read_scope),
    "steps": (_write_steps, _read_steps),
    "tier_times": (_write_times, _read_times),
    "levels": (_write_levels, _read_levels),
    "groups": (_write_groups, _read_groups),
}


def codecs_of(kind: type[Any]) -> dict[str, Codec]:
    """How each field of a record is read."""
    return {one.name.rstrip("_"): one.metadata["codec"] for one in dataclasses.fields(kind)}


def _usual(kind: type[Any]) -> dict[str, Any]:
    """What the fields are that may be left out."""
    found = {one.name.rstrip("_"): one.metadata["default"] for one in dataclasses.fields(kind)}
    return {name: value for name, value in found.items() if value is not dataclasses.MISSING}


def write_boxes(
    boxes: Sequence[Box], kind: type[Any], data: Mapping[str, Any], prefix: str, typed: Typed, known: Known
) -> None:
    """Put the fields of a record, as JSON, into their boxes. A choice that is left out is the usual one."""
    codecs, usual = codecs_of(kind), _usual(kind)
    for box in boxes:
        place = Place(box, prefix + box.name, codecs[box.name], known)
        if box.name in data:
            WIDGETS[box.widget][0](data[box.name], place, typed)
        elif box.widget in ("choice", "period") and box.name in usual:
            WIDGETS[box.widget][0](usual[box.name], place, typed)


def read_boxes(boxes: Sequence[Box], kind: type[Any], typed: Typed, prefix: str, known: Known) -> dict[str, Any]:
    """The fields of a record as JSON; `Mistyped` names the box that cannot be used."""
    codecs, usual, found = codecs_of(kind), _usual(kind), {}
    for box in boxes:
        place = Place(box, prefix + box.name, codecs[box.name], known)
        value = WIDGETS[box.widget][1](typed, place)
        if value is None and box.name not in usual:
            raise place.refuse(_("nothing is written here. Fill it in."))
        if value is not None:
            found[box.name] = _accepted(value, place)
    return found


def _accepted(value: Any, place: Place) -> Any:
    """The value, when the grammar takes it."""
    try:
        place.codec.read(value, place.box.title)
    except InputError as wrong:
        raise Mistyped(place.name, str(wrong)) from wrong
    return value


def fresh(boxes: Sequence[Box], prefix: str, typed: Typed) -> None:
    """Put what is usual into boxes in which nothing stands yet."""
    for box in boxes:
        if box.usual and not typed.all(prefix + box.name):
            typed.put(prefix + box.name, *box.usual.split(" "))


def says(kind: type[Any], name: str, value: Any) -> Any:
    """What the field of a record means; None is one that is left out."""
    field = next(one for one in dataclasses.fields(kind) if one.name.rstrip("_") == name)
    if value is not None:
        return field.metadata["codec"].read(value, name)
    return None if field.metadata["default"] is dataclasses.MISSING else field.metadata["default"]


SCOPE = (
    Box("categories", N_("Categories"), "several", of="category"),
    Box("products", N_("Products"), "names", N_("Codes or names, with commas between them."), of="product"),
    Box("not_categories", N_("Except the categories"), "several", of="category"),
    Box(
        "not_products",
        N_("Except the products"),
        "names",
        N_("Codes or names, with commas between them."),
        of="product",
    ),
)
