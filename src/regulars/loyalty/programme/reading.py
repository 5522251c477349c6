"""Strict reading of JSON into frozen records, and writing them back. Each field of a record says how it is read.

Nothing is guessed: an unknown name, a number with a fraction where money is whole, a value out of its bounds is an
error that says where it stands, what was found, and what would be right.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _

MOST_VALUES = 500
_LONGEST_TEXT = 200
_SHOWN = 80

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Codec:
    """How one kind of value is read from JSON (told where it stands) and written back."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value
    bounds: tuple[int, int] | None = None  # of a number, for whoever asks for it in other words


def has(codec: Codec, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of a record; one with a default may be left out, and is left out when it is written."""
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata={"codec": codec, "default": default})
    return dataclasses.field(default=default, metadata={"codec": codec, "default": default})


class Record:
    """What a JSON object becomes. `kind` tells records apart where several may stand in one place."""

    kind: ClassVar[str] = ""


def read_record(kind: type[T], raw: Any, where: str, *, besides: tuple[str, ...] = ()) -> T:
    """The record, every field read; names that it does not know are refused."""
    data = read_object(raw, where)
    fields = {one.name.rstrip("_"): one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in data:
        if name not in fields and name not in besides:
            raise InputError(
                _("{where}: there is no {name!r} here. Known: {known}.").format(
                    where=where, name=str(name)[:_SHOWN], known=", ".join((*besides, *fields))
                )
            )
    found = {}
    for name, one in fields.items():
        if name in data:
            found[one.name] = one.metadata["codec"].read(data[name], f"{where}.{name}")
        elif one.metadata["default"] is dataclasses.MISSING:
            raise InputError(_("{where}: {name!r} is missing. Add it.").format(where=where, name=name))
    return kind(**found)


def write_record(record: Any) -> dict[str, Any]:
    """The record as JSON; what is as usual is left out."""
    return {
        one.name.rstrip("_"): one.metadata["codec"].write(getattr(record, one.name))
        for one in dataclasses.fields(record)
        if getattr(record, one.name) != one.metadata["default"]
    }


def one_of(name: str, kinds: Mapping[str, type[Any]]) -> Codec:
    """A record of one of several kinds; the field `name` says which."""

    def read(raw: Any, where: str) -> Any:
        data = read_object(raw, where)
        kind = kinds.get(data[name]) if isinstance(data.get(name), str) else None
        if kind is None:
            refuse(f"{where}.{name}", data.get(name), _("one of {known}").format(known=", ".join(kinds)))
        return read_record(kind, data, where, besides=(name,))

    return Codec(read, lambda record: {name: record.kind, **write_record(record)})


def record(kind: type[Any]) -> Codec:
    """A record within a record."""
    return Codec(lambda raw, where: read_record(kind, raw, where), write_record)


def read_object(raw: Any, where: str) -> Mapping[str, Any]:
    """A JSON object, or an error."""
    if not isinstance(raw, Mapping):
        refuse(where, raw, _("an object in braces"))
    return raw


def refuse(where: str, value: Any, wanted: str) -> NoReturn:
    """Say what stands there and what should."""
    raise InputError(
        _("{where} is {value}, but must be {wanted}.").format(where=where, value=repr(value)[:_SHOWN], wanted=wanted)
    )


def whole(least: int, most: int) -> Codec:
    """A whole number within bounds."""

    def read(raw: Any, where: str) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
            refuse(where, raw, _("a whole number from {least} to {most}").format(least=least, most=most))
        return int(raw)

    return Codec(read, bounds=(least, most))


def hundredths(least: int, most: int) -> Codec:
    """A number with at most two decimals, kept as hundredths: "7.5" is 750. Bounds are hundredths, too.

    A fraction stands in quotes, because a JSON number with a point is not exact.
    """

    def read(raw: Any, where: str) -> int:
        text = str(raw) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
        match = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,2}))?", text, re.ASCII)
        value = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
        if not least <= value <= most:
            refuse(where, raw, _('a number from {least} to {most} with at most two decimals, in quotes: "7.5"').format(
                least=as_decimal(least), most=as_decimal(most)
            ))  # fmt: skip
        return value

    return Codec(read, as_decimal, (least, most))


def as_decimal(value: int) -> str:
    """Hundredths as people write them: 750 is 7.5.

    >>> as_decimal(750), as_decimal(1200), as_decimal(5)
    ('7.5', '12', '0.05')
    """
    return f"{value // 100}.{value % 100:02}".rstrip("0").rstrip(".")


def choice(*options: str) -> Codec:
    """One of the words."""

    def read(raw: Any, where: str) -> str:
        if not isinstance(raw, str) or raw not in options:
            refuse(where, raw, _("one of {known}").format(known=", ".join(options)))
        return raw

    return Codec(read)


def _read_text(raw: Any, where: str) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > _LONGEST_TEXT or not _is_text(raw):
        refuse(where, raw, _("a text of 1 to {most} signs").format(most=_LONGEST_TEXT))
    return raw.strip()


def _is_text(raw: str) -> bool:
    """Whether a database keeps it: no zero byte, no half of a sign."""
    return "\x00" not in raw and not any("\ud800" <= sign <= "\udfff" for sign in raw)


def _read_texts(raw: Any, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or not 1 <= len(raw) <= MOST_VALUES:
        refuse(where, raw, _("a list of 1 to {most} texts").format(most=MOST_VALUES))
    return tuple(sorted({_read_text(one, f"{where}[{index}]") for index, one in enumerate(raw)}))


def _read_flag(raw: Any, where: str) -> bool:
    if not isinstance(raw, bool):
        refuse(where, raw, _("true or false"))
    return raw


def _read_day(raw: Any, where: str) -> dt.date:
    if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw, re.ASCII):
        try:
            return dt.date.fromisoformat(raw)
        except ValueError:
            pass
    refuse(where, raw, _("a day such as 2026-03-31"))


def _read_clock(raw: Any, where: str) -> dt.time:
    if not isinstance(raw, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw, re.ASCII):
        refuse(where, raw, _("a time such as 09:30"))
    return dt.time.fromisoformat(raw)


def _read_weekdays(raw: Any, where: str) -> tuple[int, ...]:
    if not isinstance(raw, list | tuple) or not raw or not all(type(one) is int and 1 <= one <= 7 for one in raw):
        refuse(where, raw, _("a list of days from 1 (Monday) to 7 (Sunday)"))
    return tuple(sorted(set(raw)))


TEXT = Codec(_read_text)
TEXTS = Codec(_read_texts, list)
FLAG = Codec(_read_flag)
DAY = Codec(_read_day, dt.date.isoformat)
CLOCK = Codec(_read_clock, lambda value: value.strftime("%H:%M"))
WEEKDAYS = Codec(_read_weekdays, list)
