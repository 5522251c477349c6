"""What people type into the forms of the programme, and how its numbers are read: money, per cent, times, counts."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import current_language, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money, read_money, to_units
from regulars.loyalty.programme.reading import as_decimal
from regulars.loyalty.programme.words import percent

Options = list[tuple[str, str]]  # value, what a person reads


class NotShown(Exception):
    """A form has no place for this value."""


class Mistyped(InputError):
    """What stands in one box cannot be used. `name` is the box."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def mistyped(name: str, label: str, why: str) -> Mistyped:
    """The error of a box that people know by its label."""
    return Mistyped(name, _("{field}: {why}").format(field=label, why=why))


class Typed:
    """What stands in the boxes of a form."""

    def __init__(self, values: Mapping[str, Sequence[str]] | None = None) -> None:
        self._values = {name: list(texts) for name, texts in (values or {}).items()}

    def one(self, name: str) -> str:
        """The text of one box, without the spaces around it."""
        texts = self._values.get(name) or [""]
        return texts[-1].strip()

    def all(self, name: str) -> list[str]:
        """Every text of the boxes of one name."""
        return self._values.get(name, [])

    def put(self, name: str, *texts: str) -> None:
        """Let this stand there."""
        # a browser would send other line breaks than it was given
        if any("\r" in text or "\n" in text for text in texts):
            raise NotShown
        self._values[name] = list(texts)

    def under(self, prefix: str) -> dict[str, list[str]]:
        """What is filled in the boxes whose names begin so. Empty rows behind the last one that is filled are none."""
        found = {}
        for name in self._values:
            many = max((row for row, text in enumerate(self._values[name], 1) if text.strip()), default=0)
            if name.startswith(prefix) and many:
                found[name] = self._values[name][:many]
        return found

    def add(self, other: "Typed") -> None:
        """What stands in the other's boxes, too."""
        self._values |= other._values


@dataclass(frozen=True)
class Known:
    """What the business has to choose from, and its currency."""

    currency: str
    lists: Mapping[str, Callable[[], Options]] = field(default_factory=dict)
    product: Callable[[str], str] = str  # the code of a product by what was typed; empty when there is none
    product_names: Callable[[Sequence[str]], Mapping[str, str]] = lambda _codes: {}

    def of(self, name: str) -> Options:
        """The values of this name."""
        return self.lists[name]() if name in self.lists else []


def plain_money(minor: int, known: Known) -> str:
    """Money as people type it: "150", "150.50", "150,50"."""
    units = to_units(minor, known.currency)
    return _local(str(int(units)) if units == int(units) else str(units))


def _local(text: str) -> str:
    return text.replace(".", ",") if current_language() == "ru" else text


def _read_hundredths(text: str, _known: Known) -> int:
    match = re.fullmatch(r"(\d{1,9})(?:[.,](\d{1,2}))?", text.rstrip("%").strip(), re.ASCII)
    if match is None:
        raise InputError(
            _("{value!r} is no number with at most two decimals. Write it as 7.5.").format(value=text[:40])
        )
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _read_whole(text: str, _known: Known) -> int:
    bare = "".join(text.split())
    if not re.fullmatch(r"\d{1,15}", bare, re.ASCII):
        raise InputError(_("{value!r} is no whole number. Write it in digits, as 10.").format(value=text[:40]))
    return int(bare)


@dataclass(frozen=True)
class Unit:
    """How numbers of one kind are read, shown in a box, said in a message, and kept in JSON."""

    read: Callable[[str, Known], int]
    show: Callable[[int, Known], str]
    say: Callable[[int, Known], str]
    keep: Callable[[int], Any] = int
    taken: Callable[[Any], int] = int  # from JSON


def _hundredths(value: Any) -> int:
    whole, _point, rest = str(value).partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)


UNITS = {
    "money": Unit(
        lambda text, known: read_money(text, known.currency),
        plain_money,
        lambda value, known: format_money(value, known.currency, exact=True),
    ),
    "percent": Unit(
        _read_hundredths, lambda value, _known: _local(as_decimal(value)), lambda value, _known: percent(value),
        as_decimal, _hundredths,
    ),
    "times": Unit(
        _read_hundredths, lambda value, _known: _local(as_decimal(value)),
        lambda value, _known: _local(as_decimal(value)), as_decimal, _hundredths,
    ),
    "whole": Unit(_read_whole, lambda value, _known: str(value), lambda value, _known: format_number(value)),
}  # fmt: skip
