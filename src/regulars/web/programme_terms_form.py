"""The form of what holds for all rules of the programme, over the JSON of the set.

What it cannot show stays as it stands in the JSON: `kept` names the parts of which something would be lost, and of the
others the fields without a box are carried over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.loyalty.programme.conditions import Scope
from regulars.loyalty.programme.reading import write_record
from regulars.loyalty.programme.rules import Accrual, Guard, Life, RuleSet, Spending, Stacking
from regulars.loyalty.programme.tiers import Tiers
from regulars.web.programme_boxes import SCOPE, Box, read_boxes, says, write_boxes
from regulars.web.programme_typed import Known, NotShown, Typed, mistyped


@dataclass(frozen=True)
class Part:
    """Some fields of one record of a rule set. `switch` is the box that says whether there is one at all."""

    name: str
    title: str
    kind: type[Any]
    boxes: tuple[Box, ...]
    switch: str = ""
    is_needed: bool = True
    hint: str = ""

    @property
    def prefix(self) -> str:
        """What the names of its boxes begin with."""
        return f"{self.name}."


PARTS = (
    Part("spending", N_("Spending points"), Spending, (
        Box("worth", N_("What a point is worth"), "money"),
        Box("most_share", N_("The most that points may pay of a receipt, %"), "percent"),
        Box("as", N_("What they are"), "choice", of="as"),
        Box("on", N_("Points pay only for some goods"), "scope"),
    )),
    Part("accrual", N_("Earning points"), Accrual, (
        Box("basis", N_("Points are counted on"), "choice", of="basis"),
        Box("on_part_paid_with_points", N_("What is paid with points earns points, too"), "flag"),
    )),
    Part("life", N_("How long points live"), Life, (
        Box("after_days", N_("Days until they can be spent"), "whole", N_("At once when it is empty.")),
        Box("days", N_("Days that they live from then on"), "whole", N_("For ever when it is empty.")),
        Box("late_days", N_("More days for points that a return brings back late"), "whole",
            N_("None when it is empty.")),
        Box("most_debt", N_("Points that a member may owe"), "whole",
            N_("When goods come back whose points are spent. None when it is empty.")),
    ), is_needed=False),
    Part("guard", N_("Guarding the margin"), Guard, (
        Box("line", N_("Least margin of a line, %"), "percent"),
        Box("receipt", N_("Least margin of a receipt, %"), "percent"),
        Box("unknown_cost", N_("Goods of unknown cost"), "choice", of="unknown_cost"),
        Box("unknown_most", N_("If at most: how many per cent"), "percent"),
    ), switch=N_("No discount goes below the least margin"), is_needed=False),
    Part("never_discounted", N_("Never discounted"), Scope, SCOPE, is_needed=False,
         hint=N_("These goods get no discounts, and points as a discount do not pay for them.")),
    Part("stacking", N_("How rules meet"), Stacking, (
        Box("choose", N_("Of the rules of a group acts"), "choice", of="choose"),
        Box("percent_of", N_("Per cent are counted of"), "choice", of="percent_of"),
        Box("thresholds", N_("The sum of a receipt is looked at"), "choice", of="thresholds"),
        Box("multipliers", N_("When several rules multiply points"), "choice", of="multipliers"),
        Box("groups", N_("Groups of rules that exclude one another"), "groups",
            N_("Empty a name to take the group away."), "reach"),
    )),
    Part("tiers", N_("Tiers"), Tiers, (
        Box("levels", N_("Tiers upwards"), "levels",
            N_("A tier is reached from so much bought, and kept from so much: the same when it is empty. "
               "Empty a row to take the tier away.")),
        Box("period", N_("Purchases of which time count"), "period", of="period"),
        Box("grace_days", N_("Days that a tier is kept by who buys too little"), "whole", N_("30 when it is empty.")),
    ), is_needed=False),
)  # fmt: skip


def typed_of_terms(rules: Mapping[str, Any], known: Known) -> tuple[Typed, frozenset[str]]:
    """The terms of a rule set, as JSON, in the form; and the names of the parts that the form leaves as they are."""
    typed, kept = Typed(), set()
    for part in PARTS:
        if rules.get(part.name) is None:
            write_boxes(part.boxes, part.kind, {}, part.prefix, typed, known)
            continue
        one = Typed()
        try:
            write_boxes(part.boxes, part.kind, rules[part.name], part.prefix, one, known)
            one.put(f"{part.prefix}is_on", "yes")
            again = _read_part(part, one, rules[part.name], known)
            is_whole = says(RuleSet, part.name, again) == says(RuleSet, part.name, rules[part.name])
        except (NotShown, InputError):
            is_whole = False
        if not is_whole:
            kept.add(part.name)
        else:
            typed.add(one)
    return typed, frozenset(kept)


def terms_of_typed(typed: Typed, stored: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The rule set, as JSON, with the terms that the form says; everything else as it was."""
    kept = typed_of_terms(stored, known)[1] | set(typed.all("kept"))
    found = dict(stored)
    for part in PARTS:
        if part.name in kept:
            continue
        made = _read_part(part, typed, stored.get(part.name) or {}, known)
        if made is None:
            found.pop(part.name, None)
        elif says(RuleSet, part.name, made) != says(RuleSet, part.name, stored.get(part.name)):
            found[part.name] = write_record(says(RuleSet, part.name, made))
    return found


def _read_part(part: Part, typed: Typed, stored: Mapping[str, Any], known: Known) -> dict[str, Any] | None:
    if part.switch and not typed.one(f"{part.prefix}is_on"):
        return None
    boxes = part.boxes
    if part.name == "tiers" and not _has_levels(typed):
        return None
    if part.name == "guard":
        boxes = _guard_boxes(part, typed)
    made = read_boxes(boxes, part.kind, typed, part.prefix, known)
    besides = {name: value for name, value in stored.items() if name not in {box.name for box in part.boxes}}
    return made | besides if made or part.is_needed else None


def _guard_boxes(part: Part, typed: Typed) -> tuple[Box, ...]:
    """How much goods of unknown cost may be lowered is asked for only where they may be by at most so much."""
    if typed.one(f"{part.prefix}unknown_cost") != "at_most":
        return part.boxes[:-1]
    if not typed.one(f"{part.prefix}unknown_most"):
        raise mistyped(f"{part.prefix}unknown_most", part.boxes[-1].title, _("nothing is written here. Fill it in."))
    return part.boxes


def _has_levels(typed: Typed) -> bool:
    return any(text.strip() for name in ("title", "from", "keep") for text in typed.all(f"tiers.levels.{name}"))
