"""The language of rules: JSON that is checked before it is kept or asked.

A rule is a group: `{"join": "all" | "any", "not": false, "items": [...]}`. An item is a group again, or a condition:

    {"what": "state", "how": "in", "value": ["lost", "slipping"]}
    {"what": "amount", "how": "at_least", "value": 10000}                  money in units of the currency
    {"what": "return_chance", "how": "at_most", "value": 30}               per cent
    {"what": "last_on", "how": "before", "value": 90}                      days ago
    {"what": "bought", "how": "at_least", "value": 2, "measure": "receipts", "days": 90,
     "of": "category", "which": "Coffee"}
    {"what": "consent", "how": "given", "purpose": "news", "channel": "email"}
    {"what": "points_expiring", "how": "at_least", "value": 100, "days": 30}
"""

from collections.abc import Mapping
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.insights.segments.attributes import MEASURES, THINGS, Attribute, attributes, tells_of_purchases

Rule = dict[str, Any]

DEEPEST = 3
MOST_CONDITIONS = 30
MOST_VALUES = 50
_LONGEST_TEXT = 200
_LARGEST = 10**12
_MOST_DAYS = 36_500
_EMPTY_HOWS = ("filled", "empty", "yes", "no")


def checked(rule: Any) -> Rule:
    """The rule in its plain form; `InputError` says what is wrong with it."""
    found = _group(rule, attributes(), depth=1)
    count = len(list(conditions(found)))
    if count == 0:
        raise InputError(_("The rule is empty: add a condition."))
    if count > MOST_CONDITIONS:
        raise InputError(
            _("A rule may have {most} conditions; this one has {count}.").format(most=MOST_CONDITIONS, count=count)
        )
    return found


def conditions(rule: Rule) -> Any:
    """All conditions of a checked rule, from left to right."""
    for item in rule["items"]:
        if "items" in item:
            yield from conditions(item)
        else:
            yield item


def is_about_purchases(rule: Rule) -> bool:
    """Whether who fits it tells what somebody bought."""
    return any(tells_of_purchases(leaf["what"]) for leaf in conditions(rule))


def _group(raw: Any, known: Mapping[str, Attribute], *, depth: int) -> Rule:
    if not isinstance(raw, dict) or not isinstance(raw.get("items"), list) or raw.get("join") not in ("all", "any"):
        raise InputError(_('A group must be like {"join": "all", "items": [...]}.'))
    if depth > DEEPEST:
        raise InputError(_("Groups may lie {most} deep in one another.").format(most=DEEPEST))
    if len(raw["items"]) > MOST_CONDITIONS:
        raise InputError(_("A group may have {most} items.").format(most=MOST_CONDITIONS))
    items = [
        _group(item, known, depth=depth + 1) if isinstance(item, dict) and "items" in item else condition(item, known)
        for item in raw["items"]
    ]
    return {"join": raw["join"], "not": raw.get("not") is True, "items": items}


def condition(raw: Any, known: Mapping[str, Attribute]) -> Rule:
    """One condition in its plain form; `InputError` says what is wrong with it."""
    if not isinstance(raw, dict) or not isinstance(raw.get("what"), str):
        raise InputError(_('A condition must be like {"what": "state", "how": "in", "value": ["lost"]}.'))
    attribute = known.get(raw["what"])
    if attribute is None:
        raise InputError(_("Customers have nothing called {name!r}.").format(name=raw["what"][:_LONGEST_TEXT]))
    how = raw.get("how")
    if how not in attribute.hows:
        raise InputError(
            _("Of “{title}” one can say {hows}, not {how!r}.").format(
                title=attribute.title, hows=", ".join(attribute.hows), how=str(how)[:_LONGEST_TEXT]
            )
        )
    return {"what": attribute.id, "how": how, **_details(raw, attribute, str(how))}


def _details(raw: Mapping[str, Any], attribute: Attribute, how: str) -> Rule:
    kind = attribute.type
    if kind == "consent":
        return {name: _text(raw.get(name), attribute, most=40) for name in ("purpose", "channel")}
    if kind == "bought":
        return _bought(raw, attribute)
    if kind == "within":
        days = int(_number(raw.get("days"), attribute, most=_MOST_DAYS))
        return {"value": _number(raw.get("value"), attribute, most=_LARGEST), "days": days}
    if how in _EMPTY_HOWS:
        return {}
    return {"value": _value(raw.get("value"), attribute)}


def _value(raw: Any, attribute: Attribute) -> Any:
    if attribute.type in ("choice", "own_choice"):
        return _values(raw, attribute)
    if attribute.type == "text":
        return _text(raw, attribute)
    most = {"birthday": 366, "days": _MOST_DAYS, "own_date": _MOST_DAYS}.get(attribute.type)
    return _number(raw, attribute, most=_LARGEST) if most is None else int(_number(raw, attribute, most=most))


def _bought(raw: Mapping[str, Any], attribute: Attribute) -> Rule:
    measure, thing = raw.get("measure", "receipts"), raw.get("of", "anything")
    if measure not in MEASURES or thing not in THINGS:
        raise InputError(
            _("Purchases are counted by {measures}, of {things}.").format(
                measures=", ".join(MEASURES), things=", ".join(THINGS)
            )
        )
    found: Rule = {"measure": measure, "of": thing, "value": _number(raw.get("value"), attribute, most=_LARGEST)}
    if raw.get("days") not in (None, ""):
        found["days"] = int(_number(raw.get("days"), attribute, most=_MOST_DAYS))
    if thing != "anything":
        found["which"] = _text(raw.get("which"), attribute)
        if thing == "store" and not found["which"].isdigit():
            raise InputError(_("There is no store {name!r}.").format(name=found["which"]))
    return found


def _values(raw: Any, attribute: Attribute) -> list[str]:
    values = raw if isinstance(raw, list) else [raw]
    if not values or len(values) > MOST_VALUES or not all(isinstance(one, str) and one for one in values):
        raise InputError(_("Choose from 1 to {most} values of “{title}”.").format(
            most=MOST_VALUES, title=attribute.title
        ))  # fmt: skip
    if attribute.id == "owner" and not all(one == "nobody" or (one.isascii() and one.isdigit()) for one in values):
        raise InputError(_("There is no manager {name!r}.").format(name=", ".join(values)[:_LONGEST_TEXT]))
    return [_text(one, attribute, most=300) for one in dict.fromkeys(values)]


def _text(raw: Any, attribute: Attribute, *, most: int = _LONGEST_TEXT) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > most or "\x00" in raw:
        raise InputError(_("Say which “{title}”, in at most {most} signs.").format(title=attribute.title, most=most))
    return raw.strip()


def _number(raw: Any, attribute: Attribute, *, most: int) -> float:
    try:
        number = float(str(raw).replace(",", ".").replace("\N{NO-BREAK SPACE}", "").replace(" ", ""))
    except ValueError:
        number = -1
    if isinstance(raw, bool) or not 0 <= number <= most:
        raise InputError(
            _("“{title}” needs a number from 0 to {most}, not {value!r}.").format(
                title=attribute.title, most=most, value=str(raw)[:_LONGEST_TEXT]
            )
        )
    return int(number) if number.is_integer() else number
