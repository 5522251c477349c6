"""Conditions in a form: those that stand there, each in the group that holds it, and how they are added."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.conditions import CONDITION, DEEPEST, LEAVES, MOST_CONDITIONS
from regulars.web.programme_boxes import fresh, read_boxes, split_names, write_boxes
from regulars.web.programme_place import Box
from regulars.web.programme_typed import Known, Mistyped, NotShown, Typed, mistyped


@dataclass(frozen=True)
class Shape:
    """One kind of what a rule gives or asks for: what people call it, and its boxes."""

    title: str
    boxes: tuple[Box, ...] = ()
    hint: str = ""
    of: str = ""  # the kind of the record, where it is not the name in the table
    fixed: tuple[tuple[str, str], ...] = ()  # fields that the kind decides

    @property
    def said(self) -> str:
        """The title in the reader's language."""
        return _(self.title)


def _any_of(label: str, of: str, widget: str = "several", hint: str = "") -> tuple[Box, ...]:
    return (Box("any_of", label, widget, hint, of),)


WHEN = {
    "receipt_sum": Shape(
        N_("The receipt costs at least"),
        (Box("at_least", N_("At least"), "money"), Box("of", N_("Counting only some goods"), "scope")),
    ),
    "category": Shape(N_("Something of a category is bought"), _any_of(N_("Categories"), "category")),
    "product": Shape(
        N_("A product is bought"),
        _any_of(N_("Products"), "product", "names", N_("Codes or names, with commas between them.")),
    ),
    "store": Shape(N_("It is bought in a store"), _any_of(N_("Stores"), "store")),
    "partner": Shape(N_("It is bought at a partner"), _any_of(N_("Partners"), "partner")),
    "channel": Shape(
        N_("It is bought through a channel"),
        _any_of(N_("Channels"), "channel", "names", N_("As tills call them, with commas between them.")),
    ),
    "hours": Shape(
        N_("Days of the week and hours"),
        (
            Box("weekdays", N_("Days; every day when none is chosen"), "weekdays", of="weekday"),
            Box("from", N_("From the time"), "clock"),
            Box(
                "to", N_("Up to the time"), "clock",
                N_("When both are empty, the whole day. 22:00 to 06:00 is a night."),
            ),
        ),
    ),
    "dates": Shape(N_("Between two days"), (Box("from", N_("First day"), "day"), Box("to", N_("Last day"), "day"))),
    "tier": Shape(N_("The member is of a tier"), _any_of(N_("Tiers"), "tier")),
    "segment": Shape(N_("The customer is in a segment"), _any_of(N_("Segments"), "segment")),
    "privilege": Shape(
        N_("The customer has a privilege"),
        _any_of(N_("Privileges"), "privilege", "names", N_("As they are written on cards, with commas between them.")),
    ),
    "birthday": Shape(
        N_("Around the birthday"),
        (
            Box("before", N_("Days before it"), "whole", usual="3"),
            Box("after", N_("Days after it"), "whole", usual="3"),
        ),
    ),
    "repeat": Shape(
        N_("Soon after the last purchase"),
        (
            Box("within_days", N_("Within so many days"), "whole"),
            Box("same_day", N_("The same day counts, too"), "flag"),
        ),
    ),
    "purchase_number": Shape(
        N_("It is his n-th purchase"),
        (Box("number", N_("Which one"), "whole", N_("1: the first."), usual="1"),),
    ),
    "every_purchase": Shape(
        N_("It is each n-th of his purchases"),
        (Box("every", N_("Each"), "whole", N_("10: the tenth, the twentieth and so on."), usual="10"),),
        of="purchase_number",
    ),
    "card": Shape(N_("A kind of card is shown"), _any_of(N_("Cards"), "card")),
    "promo_code": Shape(
        N_("A promo code is given"),
        _any_of(N_("Promo codes"), "promo_code", "names", N_("Codes or names of batches, with commas between them.")),
    ),
}  # fmt: skip
ANSWER = "answer:"
_OF_MEMBERS = ("tier", "privilege")
GROUPS = {
    "all": Shape(N_("A group: all of them hold")),
    "any": Shape(N_("A group: any of them holds")),
}


def conditions(known: Known) -> dict[str, Shape]:
    """What a rule may ask for: the kinds that there are, and a kind for each own question."""
    asked = {ANSWER + slug: _answered(slug, title, known) for slug, title in known.of("question")}
    return WHEN | asked


def of_members(known: Known) -> dict[str, Shape]:
    """What is known of a member without a basket."""
    return {name: one for name, one in conditions(known).items() if name in _OF_MEMBERS or name.startswith(ANSWER)}


def _shape(kind: str, known: Known) -> Shape | None:
    found = GROUPS.get(kind) or conditions(known).get(kind)
    if found is None and kind.startswith(ANSWER):
        slug = kind.removeprefix(ANSWER)
        return _answered(slug, slug, known)
    return found


def _answered(slug: str, title: str, known: Known) -> Shape:
    offered = kind_of_answers(slug)
    (box,) = (
        _any_of(N_("Answers"), offered)
        if known.of(offered)
        else _any_of(N_("Answers"), offered, "names", N_("With commas between them."))
    )
    return Shape(_("Answered: {question}").format(question=title), (box,), of="answer", fixed=(("question", slug),))


def kind_of_answers(slug: str) -> str:
    """The name of the list of what may be answered to a question."""
    return f"answers:{slug}"


@dataclass(frozen=True)
class Row:
    """One condition in the form, or a group with those that lie in it. `depth` is 1 for those in no group."""

    key: str
    kind: str
    shape: Shape
    depth: int
    items: "tuple[Row, ...]" = ()

    @property
    def prefix(self) -> str:
        """What the names of its boxes begin with."""
        return f"c{self.key}."

    @property
    def is_group(self) -> bool:
        """Whether others lie in it."""
        return self.kind in GROUPS

    @property
    def may_nest(self) -> bool:
        """Whether there may be a group in it: those in none lie in one that joins them."""
        return self.depth + 1 < DEEPEST


def rows(typed: Typed, known: Known, within: str = "", depth: int = 1) -> list[Row]:
    """The conditions that stand in the form, in this group or in none."""
    if depth > DEEPEST + 1:
        return []
    found = []
    for key in dict.fromkeys(typed.all("c")):
        kind = typed.one(f"c{key}.kind")
        if typed.one(f"c{key}.in") == within and (shape := _shape(kind, known)):
            items = rows(typed, known, key, depth + 1) if kind in GROUPS and key else ()
            found.append(Row(key, kind, shape, depth, tuple(items)))
    return found


def changed(typed: Typed, do: str, known: Known) -> None:
    """What a button of the form does: `add` a condition, or `add:2` one into the group 2, `drop:3` one again, take
    `more:product:on.products` from its box into the list above it; anything else only draws the form anew."""
    what, _colon, key = do.partition(":")
    if what == "drop":
        _drop(typed, key)
    elif what == "more":
        kind, _colon, name = key.partition(":")
        typed.put(name, *typed.all(name), *split_names(typed.one(f"{name}.more"), kind, known))
        typed.put(f"{name}.more", "")
    elif what == "add" and len(typed.all("c")) < 2 * MOST_CONDITIONS:
        _add(typed, key, known)
    outermost = [one for one in typed.all("c") if not typed.one(f"c{one}.in")]
    if len(outermost) > 1 and not typed.one("join"):
        typed.put("join", "all")
    elif not outermost:
        typed.put("join", "")


def _drop(typed: Typed, key: str) -> None:
    """Take it away, with what lies in it."""
    typed.put("c", *(one for one in typed.all("c") if one != key))
    for one in typed.all("c"):
        if key and typed.one(f"c{one}.in") == key:
            _drop(typed, one)


def _add(typed: Typed, within: str, known: Known) -> None:
    kind = typed.one(f"c{within}.add" if within else "add")
    shape = _shape(kind, known)
    if shape is None:
        return
    added = str(max([int(one) for one in typed.all("c") if one.isascii() and one.isdigit()], default=-1) + 1)[:9]
    typed.put("c", *typed.all("c"), added)
    typed.put(f"c{added}.kind", kind)
    typed.put(f"c{added}.in", within)
    fresh(shape.boxes, f"c{added}.", typed)


def write_when(rule: Mapping[str, Any], typed: Typed, known: Known) -> None:
    """Put the condition of a rule into the form."""
    when = rule["when"]
    join = next((name for name in GROUPS if name in when), "")
    typed.put("join", join)
    typed.put("c")
    for one in when[join] if join else [when]:
        _write_condition(one, "", typed, known)


def _write_condition(one: Mapping[str, Any], within: str, typed: Typed, known: Known) -> None:
    is_not = "not" in one
    one = one["not"] if is_not else one
    kind = _kind_of(one)
    shape = _shape(kind, known)
    if shape is None:
        raise NotShown
    key = str(len(typed.all("c")))
    typed.put("c", *typed.all("c"), key)
    typed.put(f"c{key}.kind", kind)
    typed.put(f"c{key}.in", within)
    typed.put(f"c{key}.not", *(["yes"] if is_not else []))
    if kind not in GROUPS:
        write_boxes(shape.boxes, LEAVES[shape.of or kind], one, f"c{key}.", typed, known)
    for item in one[kind] if kind in GROUPS else ():
        _write_condition(item, key, typed, known)


def _kind_of(one: Mapping[str, Any]) -> str:
    if group := next((name for name in GROUPS if name in one), ""):
        return group
    match one.get("is"):
        case "answer":
            return f"{ANSWER}{one['question']}"
        case "purchase_number" if "every" in one:
            return "every_purchase"
    return str(one.get("is"))


def read_when(_name: str, typed: Typed, known: Known) -> Any:
    """The condition that the form says; None when there is none."""
    items = [_read_condition(row, typed, known) for row in rows(typed, known)]
    join = typed.one("join") if typed.one("join") in GROUPS else ""
    if not items:
        return None
    return items[0] if len(items) == 1 and not join else {join or "all": items}


def _read_condition(row: Row, typed: Typed, known: Known) -> dict[str, Any]:
    found = _read_group(row, typed, known) if row.is_group else _read_leaf(row, typed, known)
    return {"not": found} if typed.one(f"{row.prefix}not") else found


def _read_group(row: Row, typed: Typed, known: Known) -> dict[str, Any]:
    if not row.items:
        raise mistyped(row.prefix + "add", row.shape.said, _("nothing lies in it. Add a condition, or remove it."))
    return {row.kind: [_read_condition(one, typed, known) for one in row.items]}


def _read_leaf(row: Row, typed: Typed, known: Known) -> dict[str, Any]:
    kind = row.shape.of or row.kind
    found = {"is": kind, **dict(row.shape.fixed), **read_boxes(row.shape.boxes, LEAVES[kind], typed, row.prefix, known)}
    try:
        CONDITION.read(found, row.shape.said)
    except InputError as wrong:
        raise Mistyped(row.prefix + row.shape.boxes[-1].name, str(wrong)) from wrong
    return found
