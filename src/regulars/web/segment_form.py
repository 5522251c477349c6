"""The builder of segments: what its form says, as a rule and as what is to be drawn again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.insights.segments.attributes import (
    MEASURES,
    THINGS,
    Attribute,
    Options,
    attributes,
    categories,
    channels,
    purposes,
    stores,
)
from regulars.insights.segments.rule import MOST_CONDITIONS, Rule, condition

MOST_GROUPS = 5
_FIRST = "state"


@dataclass
class Condition:
    """One row of the builder."""

    attribute: Attribute
    how: str
    given: dict[str, Any]
    rule: Rule | None = None
    problem: str = ""

    @property
    def values(self) -> list[str]:
        """The chosen ones of several."""
        value = self.given.get("value", [])
        return value if isinstance(value, list) else [str(value)]

    @property
    def value(self) -> str:
        """The one that was written."""
        return self.values[0] if self.values else ""


@dataclass
class Group:
    """Conditions that hold together."""

    join: str = "all"
    is_not: bool = False
    conditions: list[Condition] = field(default_factory=list)


@dataclass
class Draft:
    """The whole form."""

    name: str = ""
    join: str = "all"
    groups: list[Group] = field(default_factory=list)

    @property
    def rule(self) -> Rule:
        """What is finished of it."""
        items = [
            {"join": group.join, "not": group.is_not, "items": [one.rule for one in group.conditions if one.rule]}
            for group in self.groups
        ]
        return {"join": self.join, "not": False, "items": [item for item in items if item["items"]]}

    @property
    def problem(self) -> str:
        """The first thing that is not finished."""
        return next((one.problem for group in self.groups for one in group.conditions if one.problem), "")


def empty_draft() -> Draft:
    """A new segment: one condition to begin with."""
    return Draft(groups=[Group(conditions=[_row({"what": _FIRST}, attributes())])])


def draft_of_rule(name: str, rule: Rule) -> Draft | None:
    """A rule in the builder; None for one that lies deeper than the builder can show."""
    known = attributes()
    if not any("items" in item for item in rule["items"]):
        rule = {"join": "all", "not": False, "items": [rule]}
    groups = []
    for item in rule["items"]:
        group: Rule = item if "items" in item else {"join": "all", "not": False, "items": [item]}
        if any("items" in one for one in group["items"]) or any(one["what"] not in known for one in group["items"]):
            return None
        groups.append(Group(group["join"], group["not"], [_row(one, known) for one in group["items"]]))
    return None if rule["not"] or len(groups) > MOST_GROUPS else Draft(name, rule["join"], groups)


def draft_of_form(form: QueryDict) -> Draft:
    """What the form says."""
    known = attributes()
    draft = Draft(form.get("name", "")[:300], _join(form.get("join")))
    for number in range(MOST_GROUPS):
        start = f"g{number}."
        if f"{start}join" not in form:
            continue
        rows = [
            _row(_given(form, f"{start}c{place}."), known)
            for place in range(MOST_CONDITIONS)
            if f"{start}c{place}.what" in form
        ]
        draft.groups.append(Group(_join(form.get(f"{start}join")), f"{start}not" in form, rows))
    return _changed(draft, form.get("do", ""), known)


def _join(text: str | None) -> str:
    return "any" if text == "any" else "all"


def _given(form: QueryDict, start: str) -> dict[str, Any]:
    single = ("what", "how", "measure", "days", "of", "which", "purpose", "channel")
    found: dict[str, Any] = {name: form[start + name] for name in single if form.get(start + name)}
    values = [value for value in form.getlist(f"{start}value") if value]
    return found | ({"value": values} if values else {})


def _row(given: Mapping[str, Any], known: Mapping[str, Attribute]) -> Condition:
    attribute = known.get(str(given.get("what")), known[_FIRST])
    how = given.get("how")
    if how not in attribute.hows:
        # it has just become about something else: begin with what is usual
        how, given = attribute.hows[0], {**_USUAL.get(attribute.type, {}), "what": attribute.id}
    found = Condition(attribute, str(how), dict(given))
    asked = {**given, "what": attribute.id, "how": how}
    if attribute.type not in ("choice", "own_choice") and isinstance(asked.get("value"), list):
        asked["value"] = asked["value"][0]
    try:
        found.rule = condition(asked, known)
    except InputError as problem:
        found.problem = str(problem)
    return found


_USUAL: dict[str, dict[str, Any]] = {
    "bought": {"value": ["1"], "days": "90"},
    "days": {"value": ["90"]},
    "own_date": {"value": ["90"]},
    "within": {"value": ["1"], "days": "30"},
    "birthday": {"value": ["14"]},
}


def _changed(draft: Draft, do: str, known: Mapping[str, Attribute]) -> Draft:
    """What a button of the builder does: `add:0`, `drop:0:1`, `group`."""
    words = do.split(":")
    places = [int(word) for word in words[1:] if word.isdigit() and len(word) < 4]
    if words[0] == "group" and len(draft.groups) < MOST_GROUPS:
        draft.groups.append(Group(conditions=[_row({"what": _FIRST}, known)]))
    elif words[0] == "add" and len(places) == 1 and places[0] < len(draft.groups):
        draft.groups[places[0]].conditions.append(_row({"what": _FIRST}, known))
    elif words[0] == "drop" and len(places) == 2 and places[0] < len(draft.groups):
        group = draft.groups[places[0]]
        group.conditions[places[1] : places[1] + 1] = []
        draft.groups = [one for one in draft.groups if one.conditions]
    if not draft.groups:
        draft.groups = [Group(conditions=[_row({"what": _FIRST}, known)])]
    return draft


def choices() -> dict[str, Any]:
    """What the selects of the builder offer."""
    by_group: dict[str, list[Attribute]] = {}
    for one in attributes().values():
        by_group.setdefault(one.group, []).append(one)
    return {
        "by_group": by_group,
        "hows": _HOWS,
        "measures": [(name, _MEASURES[name]()) for name in MEASURES],
        "things": [(name, _THINGS[name]()) for name in THINGS],
        "categories": categories,
        "stores": stores,
        "purposes": purposes,
        "channels": channels,
        "options": _options,
    }


def _options(condition: Condition) -> Options:
    """The values to choose from, a chosen one that is no longer offered included."""
    found = condition.attribute.options()
    offered = {value for value, _label in found}
    return found + [(value, value) for value in condition.values if value not in offered]


_HOWS: dict[str, Callable[[], str]] = {
    "in": lambda: _("is one of"),
    "not_in": lambda: _("is none of"),
    "at_least": lambda: _("at least"),
    "at_most": lambda: _("at most"),
    "within": lambda: _("within days"),
    "before": lambda: _("longer ago than, days"),
    "is": lambda: _("is exactly"),
    "contains": lambda: _("contains"),
    "filled": lambda: _("is known"),
    "empty": lambda: _("is not known"),
    "yes": lambda: _("yes"),
    "no": lambda: _("no"),
    "given": lambda: _("is given"),
    "not_given": lambda: _("is not given"),
}
_MEASURES: dict[str, Callable[[], str]] = {
    "receipts": lambda: _("times"),
    "amount": lambda: _("money"),
    "quantity": lambda: _("pieces"),
}
_THINGS: dict[str, Callable[[], str]] = {
    "anything": lambda: _("of anything"),
    "product": lambda: _("of products with this in the name"),
    "category": lambda: _("of the category"),
    "store": lambda: _("in the store"),
}
