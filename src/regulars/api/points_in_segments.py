"""What rules of segments may say of the loyalty programme: neither package knows the other."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import Q

from regulars.core.i18n import N_, format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.segments.attributes import Attribute, register
from regulars.loyalty import belonging

Midnight = Callable[[int], dt.datetime]
Leaf = dict[str, Any]

_NONE = "none"
_PROGRAMME = N_("Loyalty programme")


def register_points() -> None:
    """Called once, when the application is ready."""
    register(
        Attribute("member", N_("member of the programme"), _PROGRAMME, "yes_no", find=_member, fact=_is_member,
                  say=lambda leaf: _("who take part in the programme") if leaf["how"] == "yes"
                  else _("who take no part in the programme")),
        Attribute("member_since", N_("entry into the programme"), _PROGRAMME, "days", find=_joined, fact=_joined_on),
        Attribute("points", N_("number of points"), _PROGRAMME, "number", find=_points,
                  fact=lambda customer: format_number(belonging.points_now(customer))),
        Attribute("points_expiring", N_("points that expire"), _PROGRAMME, "within", find=_expiring, fact=_goes_first,
                  say=_said_expiring),
        Attribute("gift_in_reach", N_("points enough for a gift"), _PROGRAMME, "yes_no", find=_gift,
                  fact=lambda customer: belonging.best_gift(customer) or _("none"),
                  say=lambda leaf: _("who have points enough for a gift") if leaf["how"] == "yes"
                  else _("who have not points enough for a gift")),
        Attribute("tier", N_("tier"), _PROGRAMME, "choice", options=_tiers, find=_tier, fact=belonging.tier_now),
    )  # fmt: skip


def _member(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    return belonging.members() if leaf["how"] == "yes" else ~belonging.members()


def _joined(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    return belonging.joined(midnight(leaf["value"]), is_after=leaf["how"] == "within")


def _points(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    if leaf["how"] == "at_most":
        return belonging.with_points_up_to(leaf["value"])
    return belonging.with_points(leaf["value"], one_by_one=one_by_one)


def _expiring(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    # to the end of the day: the beginning of the next one
    return belonging.with_points(leaf["value"], until=midnight(-leaf["days"] - 1), one_by_one=one_by_one)


def _gift(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    found = belonging.with_a_gift_in_reach()
    return found if leaf["how"] == "yes" else belonging.members() & ~found


def _tier(leaf: Leaf, *, midnight: Midnight, one_by_one: bool) -> Q:
    found = belonging.in_tiers(["" if one == _NONE else one for one in leaf["value"]])
    return found if leaf["how"] == "in" else ~found


def _tiers() -> list[tuple[str, str]]:
    return [(_NONE, _("none")), *belonging.tiers_of_now()]


def _is_member(customer: int) -> str:
    return _("no") if belonging.joined_at(customer) is None else _("yes")


def _joined_on(customer: int) -> str:
    at = belonging.joined_at(customer)
    return _("no member") if at is None else format_date(at.astimezone(Business.current().zone).date())


def _goes_first(customer: int) -> str:
    day = belonging.next_to_go(customer)
    return _("the first on {day}").format(day=day) if day else _("none")


def _said_expiring(leaf: Leaf) -> str:
    text = ngettext(
        "of whose points at least {points} expire within {n} day",
        "of whose points at least {points} expire within {n} days", leaf["days"],
    )  # fmt: skip
    return text.format(points=format_number(leaf["value"]), n=format_number(leaf["days"]))
