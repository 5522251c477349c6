"""One box of a form of the programme, and the place where it stands."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.reading import Codec
from regulars.web.programme_typed import UNITS, Known, Mistyped, Options, Typed, mistyped


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


def number(text: str, unit: str, place: Place, label: str, bounds: tuple[int, int] | None) -> int:
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


def codecs_of(kind: type[Any]) -> dict[str, Codec]:
    """How each field of a record is read."""
    return {one.name.rstrip("_"): one.metadata["codec"] for one in dataclasses.fields(kind)}
