"""The form of one rule of the programme, over its JSON.

The tables say which boxes there are. What they cannot show of a rule stays as it stands in the JSON: `kept` names it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.services.fields import slug_of
from regulars.loyalty.programme.effects import EFFECTS
from regulars.loyalty.programme.reading import read_record, write_record
from regulars.loyalty.programme.rules import Rule
from regulars.web.programme_boxes import fresh, read_boxes, write_boxes
from regulars.web.programme_condition_form import Shape, changed, read_when, write_when
from regulars.web.programme_place import Box
from regulars.web.programme_record_form import Form
from regulars.web.programme_typed import Known, Typed, mistyped


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


def redrawn(typed: Typed, do: str, known: Known) -> None:
    """What a button of the form does."""
    changed(typed, do, known)
    fresh((GIVES.get(typed.one("gives")) or GIVES["percent_off"]).boxes, "g.", typed)


def typed_of_rule(rule: Mapping[str, Any], known: Known) -> tuple[Typed, frozenset[str]]:
    """A rule, as JSON, in the form; and the names of its parts that the form cannot show and leaves as they are."""
    return _FORM.typed_of(rule, known)


def rule_of_typed(typed: Typed, stored: Mapping[str, Any] | None, taken: Iterable[str], known: Known) -> dict[str, Any]:
    """The rule, as JSON, that the form says; `Mistyped` says what cannot be used.

    `stored` is the one that is changed: its id stays, and so do the parts that the form cannot show.
    """
    found = _FORM.made(typed, stored, kept_parts(typed, stored, known), known)
    if not stored:
        found = {"id": slug_of(found.get("title", ""), set(taken), "rule")} | found
    return write_record(read_record(Rule, _named_stamps(found), _("The rule")))


def kept_parts(typed: Typed, stored: Mapping[str, Any] | None, known: Known) -> frozenset[str]:
    """The parts of the rule that stay as they are. A kind that is chosen anew is no longer one of them."""
    kept = _FORM.kept(typed, stored, known)
    is_other = stored is not None and typed.one("gives") not in ("", stored["gives"].get("kind"))
    return kept - {"gives"} if is_other else kept


def _named_stamps(rule: dict[str, Any]) -> dict[str, Any]:
    # nobody needs to think of a name: it has only to be one that no other rule has
    gives = rule["gives"]
    if gives["kind"] == "nth_free" and not gives.get("counter"):
        return rule | {"gives": gives | {"counter": rule.get("title") or rule["id"]}}
    return rule


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


_FORM = Form(Rule, (*RULE, ON), {"gives": (_write_gives, _read_gives), "when": (write_when, read_when)})
