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
from regulars.loyalty.programme.watch import Watch
from regulars.web.programme_boxes import SCOPE, read_boxes, says, write_boxes
from regulars.web.programme_place import Box
from regulars.web.programme_typed import Known, NotShown, Typed, mistyped


@dataclass(frozen=True)
class Part:
    """Some fields of one record of a rule set. `switch` is the box that says whether there is one at all.

    What most shops do not need is `folded`. A `single` part is no record: its one box is the value itself.
    """

    name: str
    title: str
    kind: type[Any]
    boxes: tuple[Box, ...]
    switch: str = ""
    is_needed: bool = True
    hint: str = ""
    is_folded: bool = False
    is_single: bool = False

    def data(self, rules: Mapping[str, Any]) -> Mapping[str, Any]:
        """Its fields in a rule set that has it."""
        return {self.name: rules[self.name]} if self.is_single else rules[self.name]

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
        Box("offline", N_("Points at a till without a line"), "offline",
            N_("It cannot look at the balance: what a member does not have he owes.")),
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
        Box("categories", N_("Categories with a margin of their own"), "floors",
            N_("Instead of the least margin of a line. Empty a row to take it away."), "guarded"),
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
    Part("watch", N_("What is watched at tills"), Watch, (
        Box("limits", N_("Limits"), "limits",
            N_("By the clock of the shop. Beyond a limit people are asked to look, or the receipt is not written.")),
        Box("same_minutes", N_("Minutes within which two receipts of one card and one sum are looked at"), "whole",
            N_("5 when it is empty, 0: never.")),
        Box("alone", N_("Points that one person may give or take by hand in a day"), "whole",
            N_("Beyond it another one has to agree. 1,000 when it is empty, 0: it always takes two.")),
    ), is_needed=False, is_folded=True),
    Part("price_watch_days", N_("Prices raised before a discount"), RuleSet, (
        Box("price_watch_days", N_("Days in which a raised price is noticed"), "whole",
            N_("Discounted goods whose price was raised so shortly before are shown on the page Review. "
               "Nobody looks when it is empty.")),
    ), is_needed=False, is_folded=True, is_single=True),
)  # fmt: skip
# within their parts these are folded, too
FOLDED = ("spending.offline", "guard.categories", *(part.name for part in PARTS if part.is_folded))


def typed_of_terms(rules: Mapping[str, Any], known: Known) -> tuple[Typed, frozenset[str]]:
    """The terms of a rule set, as JSON, in the form; and the names of the parts that the form leaves as they are."""
    typed, kept = Typed(), set()
    for part in PARTS:
        if rules.get(part.name) is None:
            write_boxes(part.boxes, part.kind, {}, part.prefix, typed, known)
            continue
        one = Typed()
        try:
            write_boxes(part.boxes, part.kind, part.data(rules), part.prefix, one, known)
            if part.switch:
                one.put(f"{part.prefix}is_on", "yes")
            again = _read_part(part, one, rules, known)
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
        made = _read_part(part, typed, stored, known)
        meant = says(RuleSet, part.name, made)
        if meant == says(RuleSet, part.name, stored.get(part.name)):
            continue
        if meant == says(RuleSet, part.name, None):
            found.pop(part.name, None)
        else:
            found[part.name] = meant if part.is_single else write_record(meant)
    return found


def opened(typed: Typed, stored: Mapping[str, Any], known: Known) -> set[str]:
    """What is folded as a rule, and has something typed into it that the stored rules do not say."""
    before = typed_of_terms(stored, known)[0]
    return {name for name in FOLDED if _filled(typed, name) != _filled(before, name)}


def _filled(typed: Typed, name: str) -> dict[str, list[str]]:
    # an empty row has its choices, too
    found = typed.under(f"{name}.")
    return {box: texts for box, texts in found.items() if not box.endswith((".how", ".per", ".refuse"))}


def _read_part(part: Part, typed: Typed, rules: Mapping[str, Any], known: Known) -> Any:
    """What the form says of the part, as JSON; None when it is left out."""
    if part.switch and not typed.one(f"{part.prefix}is_on"):
        return None
    boxes = part.boxes
    if part.name == "tiers" and not _has_levels(typed):
        return None
    if part.name == "guard":
        boxes = _guard_boxes(part, typed)
    made = read_boxes(boxes, part.kind, typed, part.prefix, known)
    if part.is_single:
        return made.get(part.name)
    stored, shown = rules.get(part.name) or {}, {box.name for box in part.boxes}
    besides = {name: value for name, value in stored.items() if name not in shown}
    return made | besides if made or part.is_needed else None


def _guard_boxes(part: Part, typed: Typed) -> tuple[Box, ...]:
    """How much goods of unknown cost may be lowered is asked for only where they may be by at most so much."""
    if typed.one(f"{part.prefix}unknown_cost") != "at_most":
        return tuple(box for box in part.boxes if box.name != "unknown_most")
    asked = next(box for box in part.boxes if box.name == "unknown_most")
    if not typed.one(f"{part.prefix}unknown_most"):
        raise mistyped(f"{part.prefix}unknown_most", asked.title, _("nothing is written here. Fill it in."))
    return part.boxes


def _has_levels(typed: Typed) -> bool:
    return any(text.strip() for name in ("title", "from", "keep") for text in typed.all(f"tiers.levels.{name}"))
