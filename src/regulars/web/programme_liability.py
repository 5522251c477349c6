"""What the programme owed at the end of a day. Each part is counted after the page is there."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.foundation.days import BOOKS_BEGIN, end_of_day, read_day, today
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.loyalty import liability_words as words
from regulars.loyalty.certificates_owed import owed_on_certificates
from regulars.loyalty.liability import points_at, revenue_at, worth_at
from regulars.report.words import Purse
from regulars.web.access import Request, needs

_PATIENCE_MS = 20_000  # of each question to the database


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """Of the day in the address; today when there is none."""
    context: dict[str, Any] = {"error": "", "today": today(), "parts": list(_PARTS)}
    try:
        context["day_shown"] = _day(request.GET)
    except InputError as refused:
        context |= {"error": str(refused), "day_shown": today()}
    context["is_today"] = context["day_shown"] == today()
    return render(request, "programme_liability.html", context, status=422 if context["error"] else 200)


@needs(Right.SEE_INSIGHTS)
@require_safe
def block(request: Request, liability: str) -> HttpResponse:
    """One part of the page, which takes as long as it takes, but not for ever."""
    count = _PARTS.get(liability)
    if count is None:
        raise Http404
    try:
        at = end_of_day(_day(request.GET))
    except InputError as refused:
        return render(request, "programme_liability_part.html", {"error": str(refused)}, status=422)
    found = in_time(_PATIENCE_MS, lambda: count(at, Purse(Business.current().currency)))
    return render(request, "programme_liability_part.html", {"error": "", "is_late": found is None, **(found or {})})


def _points(at: dt.datetime, _purse: Purse) -> dict[str, Any]:
    found, held = points_at(at)
    return {"said": list(words.points_sentences(found)), "lines": words.points_table(found, held)}


def _money(at: dt.datetime, purse: Purse) -> dict[str, Any]:
    return {"lines": [], "said": list(words.worth_sentences(worth_at(at), purse))}


def _revenue(at: dt.datetime, purse: Purse) -> dict[str, Any]:
    return {"lines": [], "said": list(words.revenue_sentences(revenue_at(at), purse))}


def _certificates(at: dt.datetime, purse: Purse) -> dict[str, Any]:
    return {"lines": [], "said": list(words.certificate_sentences(owed_on_certificates(at=at), purse))}


_PARTS: dict[str, Callable[[dt.datetime, Purse], dict[str, Any]]] = {
    "points": _points, "money": _money, "revenue": _revenue, "certificates": _certificates
}  # fmt: skip


def _day(given: QueryDict) -> dt.date:
    day = read_day(given.get("day", ""), first=BOOKS_BEGIN) or today()
    end_of_day(day)
    return day
