"""The form of one rule of the programme, over its JSON.

The tables say which boxes there are. What they cannot show of a rule stays as it stands in the JSON: `kept` names it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.services.fields import slug_of
from regulars.loyalty.programme.conditions import CONDITION, LEAVES, MOST_CONDITIONS
from regulars.loyalty.programme.effects import EFFECTS
from regulars.loyalty.programme.reading import read_record, write_record
from regulars.loyalty.programme.rules import Rule
from regulars.web.programme_boxes import Box, codecs_of, fresh, read_boxes, says, split_names, write_boxes
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


def _percent(label: str = N_("Discount, %")) -> Box:
    return Box("percent", label, "percent")


def _steps(label: str, of: str) -> Box:
    return Box(
        "steps", label, "steps", N_("From this on, so many per cent; the highest step that is reached counts."), of
    )


_PERIOD = Box("period", N_("Purchases of which time count"), "period", of="period")

DISCOUNTS = {
    "percent_off": Shape(
        N_("A discount in per cent"), (_percent(),), N_("The same for everybody who comes under the rule."),
    ),
    "percent_by_turnover": Shape(
        N_("A discount that grows with purchases"),
        (_steps(N_("Bought for, and the discount in per cent"), "money"), _PERIOD),
        N_("The more a member has bought before, the more he saves."),
    ),
    "percent_by_quantity": Shape(
        N_("A discount for many pieces"),
        (_steps(N_("Pieces on the receipt, and the discount in per cent"), "whole"),),
        N_("By how many of the goods are on the receipt."),
    ),
    "percent_by_sum": Shape(
        N_("A discount for a large receipt"),
        (_steps(N_("Sum of the goods, and the discount in per cent"), "money"),),
        N_("By what the goods cost together."),
    ),
    "percent_by_points": Shape(
        N_("A floating discount"),
        (
            _steps(N_("Points, and the discount in per cent"), "whole"),
            Box("per", N_("Money paid in a day for one point"), "money"),
            Box("falls", N_("Points that go when nobody buys"), "whole", usual="1"),
            Box("idle_days", N_("After how many days without a purchase"), "whole", usual="30"),
        ),
        N_("It grows with purchases and falls while a member stays away. Such points cannot be spent."),
    ),
    "amount_off": Shape(N_("Money off"), (Box("amount", N_("How much"), "money"),), N_("A fixed sum off the receipt.")),
    "nth_free": Shape(
        N_("Each n-th free (stamps)"),
        (
            Box("n", N_("Which one is free"), "whole", N_("6: five are paid, the sixth is free."), usual="6"),
            Box(
                "counter", N_("Name of the stamps"), "text",
                N_("Members keep stamps under this name: under another one they begin at none."),
            ),
        ),
        N_("A piece bought is a stamp; each n-th piece costs nothing."),
    ),
}  # fmt: skip
POINTS = {
    "points_percent": Shape(
        N_("Points back: a share of what is paid"), (_percent(N_("Back in points, %")),),
        N_("5: of each hundred paid five come back in points."),
    ),
    "points_per": Shape(
        N_("Points for money spent"),
        (Box("points", N_("Points"), "whole", usual="1"), Box("per", N_("For each so much money"), "money")),
        N_("So many points for each so much money."),
    ),
    "points_gift": Shape(
        N_("Points as a gift"), (Box("points", N_("Points"), "whole"),), N_("Whatever the receipt costs."),
    ),
    "points_times": Shape(
        N_("More points"), (Box("times", N_("How many times"), "times", N_("2: twice as many points."), usual="2"),),
        N_("Points for these goods are multiplied."),
    ),
    "points_by_tier": Shape(
        N_("More points by tier"),
        (Box("times", N_("How many times"), "tier_times", N_("A tier that is left empty earns as usual."), of="tier"),),
        N_("The higher the tier, the more points."),
    ),
}  # fmt: skip
GIVES = DISCOUNTS | POINTS


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

RULE = (
    Box("title", N_("What people call it"), "text", N_("Members read it on their own pages and receipts.")),
    Box("for", N_("Whom it is for"), "choice", of="for"),
    Box("group", N_("Only one of these acts"), "choice", N_("Of the rules of one group one acts."), "group"),
    Box("order", N_("Its place among the rules"), "whole", N_("100 when it is empty; a smaller number acts earlier.")),
    Box(
        "holdout", N_("Share of members who go without it, %"), "percent",
        N_("1 to 50, drawn by lot, to prove what the rule brings. Nobody when it is empty."),
    ),
)  # fmt: skip
ON = Box("on", N_("On which goods"), "scope", N_("On all goods when nothing is chosen."))


# --- one rule ---


def conditions(known: Known) -> dict[str, Shape]:
    """What a rule may ask for: the kinds that there are, and a kind for each own question."""
    asked = {ANSWER + slug: _answered(slug, title, known) for slug, title in known.of("question")}
    return WHEN | asked


def _shape(kind: str, known: Known) -> Shape | None:
    found = conditions(known).get(kind)
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
    """One condition in the form."""

    key: str
    kind: str
    shape: Shape

    @property
    def prefix(self) -> str:
        """What the names of its boxes begin with."""
        return f"c{self.key}."


def rows(typed: Typed, known: Known) -> list[Row]:
    """The conditions that stand in the form."""
    found = []
    for key in dict.fromkeys(typed.all("c")):
        kind = typed.one(f"c{key}.kind")
        if shape := _shape(kind, known):
            found.append(Row(key, kind, shape))
    return found


def changed(typed: Typed, do: str, known: Known) -> None:
    """What a button of the form does: `add` a condition, `drop:3` it again, take `more:product:on.products` from its
    box into the list above it; anything else only draws the form anew."""
    what, _colon, key = do.partition(":")
    if what == "drop":
        typed.put("c", *(one for one in typed.all("c") if one != key))
    elif what == "more":
        kind, _colon, name = key.partition(":")
        typed.put(name, *typed.all(name), *split_names(typed.one(f"{name}.more"), kind, known))
        typed.put(f"{name}.more", "")
    elif what == "add" and (shape := _shape(typed.one("add"), known)) and len(typed.all("c")) < MOST_CONDITIONS:
        added = str(max([int(one) for one in typed.all("c") if one.isascii() and one.isdigit()], default=-1) + 1)[:9]
        typed.put("c", *typed.all("c"), added)
        typed.put(f"c{added}.kind", typed.one("add"))
        fresh(shape.boxes, f"c{added}.", typed)
    if len(typed.all("c")) > 1 and not typed.one("join"):
        typed.put("join", "all")
    elif not typed.all("c"):
        typed.put("join", "")
    fresh(_gives_shape(typed).boxes, "g.", typed)


def _gives_shape(typed: Typed) -> Shape:
    return GIVES.get(typed.one("gives")) or GIVES["percent_off"]


def typed_of_rule(rule: Mapping[str, Any], known: Known) -> tuple[Typed, frozenset[str]]:
    """A rule, as JSON, in the form; and the names of its parts that the form cannot show and leaves as they are."""
    typed, kept = Typed(), set()
    for name in _RULE_CODECS:
        if name not in rule or name == "id":
            continue
        part = Typed()
        try:
            _WRITE.get(name, _write_plain)({name: rule[name]}, part, known)
            again = _READ.get(name, _read_plain)(name, part, known)
            is_whole = says(Rule, name, again) == says(Rule, name, rule[name])
        except (NotShown, InputError):
            is_whole = False
        if not is_whole:
            kept.add(name)
        else:
            typed.add(part)
    return typed, frozenset(kept)


def rule_of_typed(typed: Typed, stored: Mapping[str, Any] | None, taken: Iterable[str], known: Known) -> dict[str, Any]:
    """The rule, as JSON, that the form says; `Mistyped` says what cannot be used.

    `stored` is the one that is changed: its id stays, and so do the parts that the form cannot show.
    """
    kept = kept_parts(typed, stored, known)
    found: dict[str, Any] = {"id": stored["id"]} if stored else {}
    for name in _RULE_CODECS:
        if name in kept and stored:
            found[name] = stored[name]
        elif name != "id" and (value := _READ.get(name, _read_plain)(name, typed, known)) is not None:
            found[name] = value
    if not stored:
        found = {"id": slug_of(found.get("title", ""), set(taken), "rule")} | found
    return write_record(read_record(Rule, _named_stamps(found), _("The rule")))


def kept_parts(typed: Typed, stored: Mapping[str, Any] | None, known: Known) -> frozenset[str]:
    """The parts of the rule that stay as they are. A kind that is chosen anew is no longer one of them."""
    if stored is None:
        return frozenset()
    kept = typed_of_rule(stored, known)[1] | {name for name in typed.all("kept") if name in stored}
    is_other = typed.one("gives") not in ("", stored["gives"].get("kind"))
    return kept - {"id", *(["gives"] if is_other else [])}


def _named_stamps(rule: dict[str, Any]) -> dict[str, Any]:
    # nobody needs to think of a name: it has only to be one that no other rule has
    gives = rule["gives"]
    if gives["kind"] == "nth_free" and not gives.get("counter"):
        return rule | {"gives": gives | {"counter": rule.get("title") or rule["id"]}}
    return rule


_RULE_CODECS = codecs_of(Rule)


def _write_plain(rule: Mapping[str, Any], typed: Typed, known: Known) -> None:
    write_boxes([box for box in RULE if box.name in rule], Rule, rule, "", typed, known)


def _read_plain(name: str, typed: Typed, known: Known) -> Any:
    return read_boxes([box for box in RULE if box.name == name], Rule, typed, "", known).get(name)


def _write_gives(rule: Mapping[str, Any], typed: Typed, known: Known) -> None:
    gives = rule["gives"]
    typed.put("gives", gives["kind"])
    write_boxes(GIVES[gives["kind"]].boxes, EFFECTS[gives["kind"]], gives, "g.", typed, known)


def _read_gives(_name: str, typed: Typed, known: Known) -> Any:
    kind = typed.one("gives")
    if kind not in GIVES:
        raise mistyped("gives", _("What it gives"), _("nothing is chosen. Choose something of the list."))
    boxes = [box for box in GIVES[kind].boxes if box.name != "counter" or typed.one("g.counter")]
    return {"kind": kind} | read_boxes(boxes, EFFECTS[kind], typed, "g.", known)


def _write_on(rule: Mapping[str, Any], typed: Typed, known: Known) -> None:
    write_boxes([ON], Rule, rule, "", typed, known)


def _read_on(_name: str, typed: Typed, known: Known) -> Any:
    return read_boxes([ON], Rule, typed, "", known).get("on")


def _write_when(rule: Mapping[str, Any], typed: Typed, known: Known) -> None:
    when = rule["when"]
    join = next((name for name in ("all", "any") if name in when), "")
    items = when[join] if join else [when]
    typed.put("join", join)
    typed.put("c", *map(str, range(len(items))))
    for key, one in enumerate(items):
        _write_condition(one, key, typed, known)


def _write_condition(one: Mapping[str, Any], key: int, typed: Typed, known: Known) -> None:
    kind = _kind_of(one)
    shape = _shape(kind, known)
    if shape is None:
        raise NotShown
    typed.put(f"c{key}.kind", kind)
    write_boxes(shape.boxes, LEAVES[shape.of or kind], one, f"c{key}.", typed, known)


def _kind_of(one: Mapping[str, Any]) -> str:
    match one.get("is"):
        case "answer":
            return f"{ANSWER}{one['question']}"
        case "purchase_number" if "every" in one:
            return "every_purchase"
    return str(one.get("is"))


def _read_when(_name: str, typed: Typed, known: Known) -> Any:
    items = [_read_condition(row, typed, known) for row in rows(typed, known)]
    join = typed.one("join") if typed.one("join") in ("all", "any") else ""
    if not items:
        return None
    return items[0] if len(items) == 1 and not join else {join or "all": items}


def _read_condition(row: Row, typed: Typed, known: Known) -> dict[str, Any]:
    kind = row.shape.of or row.kind
    found = {"is": kind, **dict(row.shape.fixed), **read_boxes(row.shape.boxes, LEAVES[kind], typed, row.prefix, known)}
    try:
        CONDITION.read(found, row.shape.said)
    except InputError as wrong:
        raise Mistyped(row.prefix + row.shape.boxes[-1].name, str(wrong)) from wrong
    return found


_WRITE = {"gives": _write_gives, "on": _write_on, "when": _write_when}
_READ = {"gives": _read_gives, "on": _read_on, "when": _read_when}
