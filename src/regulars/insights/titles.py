"""What a list of people is called, and the sentence under its name."""

import datetime as dt
from dataclasses import dataclass

from regulars.core.i18n import current_language, format_date, format_month, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.models import Audience, Segment
from regulars.insights.results import index_of
from regulars.insights.segments.words import sentence
from regulars.insights.selectors.flows import MOST_MOVERS, NOBODY
from regulars.insights.selectors.people import PeopleList
from regulars.insights.selectors.runs import newest_run
from regulars.report import names


def _zone() -> dt.tzinfo:
    business = Business.objects.first()
    return business.zone if business else dt.UTC


@dataclass(frozen=True)
class Title:
    """The name of a list, what it means, and what to do with these people."""

    name: str
    meaning: str = ""
    action: str = ""


def title_of(listed: PeopleList) -> Title:
    """How a page of this list begins."""
    kind, value = listed.kind, listed.value
    says = {
        "finding": lambda: _of_audit(listed),
        "opportunity": lambda: _of_audit(listed),
        "group": lambda: _of_audit(listed),
        "segment": lambda: _of_segment(value),
        "audience": lambda: _of_audience(value),
        "flow": lambda: _of_flow(value),
        "cohort": lambda: _of_cohort(value),
        "state": lambda: Title(names.state(value), names.state_meaning(value)),
        "rfm": lambda: Title(names.segment(value), names.segment_meaning(value)),
        "pyramid": lambda: Title(names.loyalty_stage(value), names.loyalty_stage_meaning(value)),
        "stage": lambda: Title(
            _("At least on the stage “{stage}”").format(stage=names.loyalty_stage(value)),
            names.loyalty_stage_meaning(value),
        ),
        "paced": lambda: Title(
            names.segment(value), _("Those who came twice or more: their interval between visits is known.")
        ),
        "abc": lambda: Title(_("Class {abc}").format(abc=value), _("A brings 80 % of the money, B the next 15 %.")),
        "lost": lambda: Title(_("All who brought less") if value == "any" else names.lost_part(value)),
        "newcomers": lambda: _of_newcomers(value),
        **dict.fromkeys(("bought", "first", "returned", "stopped"), lambda: _of_period(kind, value)),
    }
    return says[kind]() if kind in says else Title(_("All customers with purchases"))


def _of_segment(value: str) -> Title:
    segment = Segment.objects.get(pk=int(value))
    return Title(segment.name, sentence(segment.rule))


def _of_audience(value: str) -> Title:
    audience = Audience.objects.select_related("by").get(pk=int(value))
    day = format_date(audience.at.astimezone(_zone()).date())
    frozen = _("As it was on {day}.").format(day=day)
    if audience.by is not None:
        frozen = _("As it was on {day}, frozen by {name}.").format(day=day, name=audience.by)
    return Title(audience.name, f"{sentence(audience.rule)} {frozen}")


def _of_newcomers(value: str) -> Title:
    name = names.lost_part("never_returned")
    return Title(name if value == "never_returned" else _in_month(name, value))


def _of_audit(listed: PeopleList) -> Title:
    run = newest_run()
    lists = {} if run is None else index_of(run, current_language()).lists
    found = lists.get(listed.id)
    if found is not None:
        return Title(found.title, found.text, found.action)
    group, _colon, month = listed.id.rpartition(":")
    if listed.kind == "group" and group in lists:
        return Title(_in_month(lists[group].title, month))
    if listed.kind == "opportunity":
        return Title(names.opportunity(listed.value))
    return Title(_("Whom it is about"), _("The newest audit does not report this finding any more."))


def _in_month(title: str, month: str) -> str:
    return _("{people}: first visit in {month}").format(
        people=title, month=format_month(dt.date.fromisoformat(f"{month}-01"))
    )


def _of_cohort(value: str) -> Title:
    month, _colon, number = value.partition(":")
    text = ngettext("bought {n} calendar month after", "bought {n} calendar months after", int(number))
    return Title(f"{_in_month(_('Customers'), month)}; {text.format(n=int(number))}")


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
