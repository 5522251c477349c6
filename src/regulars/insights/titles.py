"""What a list of people is called, and the sentence under its name."""

import datetime as dt
from dataclasses import dataclass

from regulars.core.i18n import current_language, format_date, format_number
from regulars.core.i18n import gettext as _
from regulars.insights.models import Audience, Segment
from regulars.insights.results import index_of
from regulars.insights.segments.words import sentence
from regulars.insights.selectors.flows import MOST_MOVERS, NOBODY
from regulars.insights.selectors.people import PeopleList
from regulars.insights.selectors.runs import newest_run
from regulars.report import names


@dataclass(frozen=True)
class Title:
    """The name of a list, what it means, and what to do with these people."""

    name: str
    meaning: str = ""
    action: str = ""


def title_of(listed: PeopleList) -> Title:
    """How a page of this list begins."""
    kind, value = listed.kind, listed.value
    if kind in ("finding", "opportunity"):
        return _of_audit(listed)
    if kind == "segment":
        segment = Segment.objects.get(pk=int(value))
        return Title(segment.name, sentence(segment.rule))
    if kind == "audience":
        audience = Audience.objects.get(pk=int(value))
        return Title(audience.name, sentence(audience.rule))
    if kind == "flow":
        return _of_flow(value)
    if kind in ("bought", "first", "returned", "stopped"):
        return _of_period(kind, value)
    simple = {
        "state": lambda: Title(names.state(value), names.state_meaning(value)),
        "rfm": lambda: Title(names.segment(value), names.segment_meaning(value)),
        "pyramid": lambda: Title(names.loyalty_stage(value), names.loyalty_stage_meaning(value)),
        "abc": lambda: Title(_("Class {abc}").format(abc=value), _("A brings 80 % of the money, B the next 15 %.")),
        "lost": lambda: Title(_("All who brought less") if value == "any" else names.lost_part(value)),
        "newcomers": lambda: Title(names.lost_part("never_returned")),
    }
    return simple[kind]() if kind in simple else Title(_("All customers with purchases"))


def _of_audit(listed: PeopleList) -> Title:
    run = newest_run()
    found = None if run is None else index_of(run, current_language()).lists.get(listed.id)
    if found is not None:
        return Title(found.title, found.text, found.action)
    if listed.kind == "opportunity":
        return Title(names.opportunity(listed.value))
    return Title(_("Whom it is about"), _("The newest audit does not report this finding any more."))


def _of_flow(value: str) -> Title:
    _older, _newer, before, after = value.split(":")
    was = _("Not known yet") if before == NOBODY else names.state(before)
    return Title(
        f"{was} → {names.state(after)}",
        _("From the one audit to the other; at most {most} who spent most.").format(most=format_number(MOST_MOVERS)),
    )


def _of_period(kind: str, value: str) -> Title:
    days = [format_date(dt.date.fromisoformat(day)) for day in value.split(":")]
    texts = {
        "bought": _("Bought from {first} to {last}"),
        "first": _("Bought for the first time from {first} to {last}"),
        "returned": _("Came back from {first} to {last}"),
        "stopped": _("Bought before {first} and not until {last}"),
    }
    return Title(texts[kind].format(first=days[0], last=days[1]))
