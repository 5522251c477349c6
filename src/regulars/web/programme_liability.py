"""What the programme owed at the end of a day. Each part is counted after the page is there."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.days import BOOKS_BEGIN, end_of_day, read_day, today
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.loyalty import liability_words as words
from regulars.loyalty.certificates_owed import owed_on_certificates
from regulars.loyalty.deferring import flow, revenue_at
from regulars.loyalty.liability import points_at, worth_at
from regulars.report.words import Purse
from regulars.web.access import Request, needs

_PATIENCE_MS = 20_000  # of each question to the database


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """Of the days in the address; today when there is none."""
    context: dict[str, Any] = {"error": "", "today": today(), "parts": list(_PARTS)}
    try:
        context["asked"] = _asked(request.GET)
    except InputError as refused:
        context |= {"error": str(refused), "asked": _Asked(today(), None)}
    context["is_today"] = context["asked"].day == today()
    return render(request, "programme_liability.html", context, status=422 if context["error"] else 200)


@needs(Right.SEE_INSIGHTS)
@require_safe
def block(request: Request, liability: str) -> HttpResponse:
    """One part of the page, which takes as long as it takes, but not for ever."""
    count = _PARTS.get(liability)
    if count is None:
        raise Http404
    try:
        asked = _asked(request.GET)
    except InputError as refused:
        return render(request, "programme_liability_part.html", {"error": str(refused)}, status=422)
    found = in_time(_PATIENCE_MS, lambda: count(asked, Purse(Business.current().currency)))
    context = {"error": "", "is_late": found is None, "lines": [], "flow": None, **(found or {})}
    return render(request, "programme_liability_part.html", context)


@dataclass(frozen=True)
class _Asked:
    """The day at whose end things are looked at, and since when revenue is; None: in its month and in its year."""

    day: dt.date
    since: dt.date | None

    @property
    def at(self) -> dt.datetime:
        """The last moment."""
        return end_of_day(self.day)

    @property
    def spans(self) -> list[dt.date]:
        """Their first days."""
        return [self.since] if self.since else [self.day.replace(day=1), self.day.replace(month=1, day=1)]


def _points(asked: _Asked, _purse: Purse) -> dict[str, Any]:
    found, held = points_at(asked.at)
    return {"said": list(words.points_sentences(found)), "lines": words.points_table(found, held)}


def _money(asked: _Asked, purse: Purse) -> dict[str, Any]:
    return {"said": list(words.worth_sentences(worth_at(asked.at), purse))}


def _revenue(asked: _Asked, purse: Purse) -> dict[str, Any]:
    spans = [found for first in asked.spans if (found := flow(first, asked.day))]
    said = list(words.revenue_sentences(revenue_at(asked.at), purse))
    return {"said": said, "flow": words.flow_table(spans, purse) if spans else None}


def _certificates(asked: _Asked, purse: Purse) -> dict[str, Any]:
    return {"said": list(words.certificate_sentences(owed_on_certificates(at=asked.at), purse))}


_PARTS: dict[str, Callable[[_Asked, Purse], dict[str, Any]]] = {
    "points": _points, "money": _money, "revenue": _revenue, "certificates": _certificates
}  # fmt: skip


def _asked(given: QueryDict) -> _Asked:
    day = read_day(given.get("day", ""), first=BOOKS_BEGIN) or today()
    end_of_day(day)
    since = read_day(given.get("since", ""), first=BOOKS_BEGIN)
    if since and since > day:
        raise InputError(
            _("{first} is after {last}: choose a first day that is not after the last one.").format(
                first=format_date(since), last=format_date(day)
            )
        )
    return _Asked(day, since)
