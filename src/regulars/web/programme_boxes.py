"""Boxes of the forms of the programme: how one value of the rules is shown to be typed, and read back.

What is typed is a mapping of names to texts, as a browser sends it. A box writes a value of JSON into such a mapping
and reads it from there, so that a form which nobody touched says what it was made from.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.conditions import Scope
from regulars.loyalty.programme.rules import Offline
from regulars.web.programme_place import Box, Place, codecs_of, number
from regulars.web.programme_rows import ROWS, Read, Write
from regulars.web.programme_typed import UNITS, Known, Mistyped, Typed

# --- single values ---


def _write_number(value: Any, place: Place, typed: Typed) -> None:
    unit = UNITS[place.box.widget]
    typed.put(place.name, "" if value is None else unit.show(unit.taken(value), place.known))


def _read_number(typed: Typed, place: Place) -> Any:
    text = typed.one(place.name)
    if not text:
        return None
    unit = place.box.widget
    return UNITS[unit].keep(number(text, unit, place, place.box.title, place.codec.bounds))


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
    days = number(
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


def _write_offline(value: Any, place: Place, typed: Typed) -> None:
    write_boxes(OFFLINE, Offline, value or {}, f"{place.name}.", typed, place.known)


def _read_offline(typed: Typed, place: Place) -> Any:
    names = [f"{place.name}.{box.name}" for box in OFFLINE]
    return read_boxes(OFFLINE, Offline, typed, f"{place.name}.", place.known) if any(map(typed.one, names)) else None


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
    "offline": (_write_offline, _read_offline),
    **ROWS,
}


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
        elif box.widget in ("choice", "period", "limits") and box.name in usual:
            WIDGETS[box.widget][0](place.codec.write(usual[box.name]), place, typed)


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
OFFLINE = (
    Box("most_points", N_("Points on a receipt, at most"), "whole", N_("None at all when it is empty.")),
    Box("most_receipts", N_("Receipts of a card in a day, at most"), "whole", N_("1 when it is empty.")),
)
