"""The form of one record of the programme, a rule or a bonus, over its JSON.

What the form cannot show stays as it stands in the JSON: `kept` names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from regulars.core.errors import InputError
from regulars.web.programme_boxes import read_boxes, says, write_boxes
from regulars.web.programme_place import Box, codecs_of
from regulars.web.programme_typed import Known, NotShown, Typed

Write = Callable[[Mapping[str, Any], Typed, Known], None]
Read = Callable[[str, Typed, Known], Any]


@dataclass(frozen=True)
class Form:
    """How a kind of record is shown: the boxes of its fields, and those that are more than one box."""

    kind: type[Any]
    boxes: tuple[Box, ...]
    special: Mapping[str, tuple[Write, Read]] = field(default_factory=dict)

    @property
    def fields(self) -> list[str]:
        """Its fields, without the id, which nobody types."""
        return [name for name in codecs_of(self.kind) if name != "id"]

    def write(self, name: str, record: Mapping[str, Any], typed: Typed, known: Known) -> None:
        """Put one field of the record, as JSON, into the form."""
        if name in self.special:
            self.special[name][0](record, typed, known)
        else:
            boxes = [box for box in self.boxes if box.name == name]
            write_boxes(boxes, self.kind, {name: record[name]}, "", typed, known)

    def read(self, name: str, typed: Typed, known: Known) -> Any:
        """One field as the form says it; None when it is left out."""
        if name in self.special:
            return self.special[name][1](name, typed, known)
        return read_boxes([box for box in self.boxes if box.name == name], self.kind, typed, "", known).get(name)

    def typed_of(self, record: Mapping[str, Any], known: Known) -> tuple[Typed, frozenset[str]]:
        """A record, as JSON, in the form; and the names of its fields that the form leaves as they are."""
        typed, kept = Typed(), set()
        for name in self.fields:
            if name not in record:
                continue
            part = Typed()
            try:
                self.write(name, record, part, known)
                is_whole = says(self.kind, name, self.read(name, part, known)) == says(self.kind, name, record[name])
            except (NotShown, InputError):
                is_whole = False
            if not is_whole:
                kept.add(name)
            else:
                typed.add(part)
        return typed, frozenset(kept)

    def kept(self, typed: Typed, stored: Mapping[str, Any] | None, known: Known) -> frozenset[str]:
        """The fields of the stored record that stay as they are."""
        if stored is None:
            return frozenset()
        return (self.typed_of(stored, known)[1] | {name for name in typed.all("kept") if name in stored}) - {"id"}

    def made(
        self, typed: Typed, stored: Mapping[str, Any] | None, kept: frozenset[str], known: Known
    ) -> dict[str, Any]:
        """The record, as JSON, that the form says; what is new has no id yet."""
        found: dict[str, Any] = {"id": stored["id"]} if stored else {}
        for name in self.fields:
            if name in kept and stored:
                found[name] = stored[name]
            elif (value := self.read(name, typed, known)) is not None:
                found[name] = value
        return found
