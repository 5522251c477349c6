"""What the loyalty programme cost, and what its rules earned against members who go without them."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money
from regulars.foundation.models import Business
from regulars.insights.models import Segment
from regulars.insights.segments.query import customers_of
from regulars.loyalty.economics import Economics, economics
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.results_words import cost_rows, cost_sentences, trial_sentences, trial_title
from regulars.loyalty.trials import trials
from regulars.report.words import Purse
from regulars.web.access import Request, needs

_USUAL_DAYS = 91
_MOST_DAYS = 366
_EARLIEST, _LATEST = dt.date(1990, 1, 1), dt.date(2200, 1, 1)


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """Of the days, the segment and the other costs in the address."""
    now, business = timezone.now(), Business.current()
    valid = valid_at(now)
    context: dict[str, Any] = {"valid": valid, "given": request.GET, "currency": business.currency, "error": ""}
    if valid is None:
        return render(request, "programme_results.html", context)
    today = now.astimezone(business.zone).date()
    days = (today - dt.timedelta(days=_USUAL_DAYS - 1), today)
    purse, rules = Purse(business.currency), valid[1]
    try:
        days = _days(request, *days)
        found = _found(request, days, business, rules.spending.worth)
        titles = {tier: rules.tiers.title(tier) for tier in rules.tiers.ids} if rules.tiers else {}
        context |= {
            "is_empty": not found.whole.receipts,
            "costs": cost_sentences(found, purse),
            "rows": cost_rows(found, purse, titles),
        }
    except InputError as refused:
        context["error"] = str(refused)
    context |= {
        "days": days,
        "segments": Segment.objects.order_by("name"),
        "trials": [(trial_title(one), trial_sentences(one, purse, business.zone)) for one in trials(now)],
    }
    return render(request, "programme_results.html", context, status=422 if context["error"] else 200)


def _found(request: Request, days: tuple[dt.date, dt.date], business: Business, worth: int) -> Economics:
    begin, end = (dt.datetime.combine(day, dt.time(), tzinfo=business.zone) for day in days)
    other = read_money(request.GET.get("other", "").strip() or "0", business.currency)
    return economics(
        begin, end + dt.timedelta(days=1), worth=worth, other=other, among=_among(request.GET.get("segment", ""))
    )


def _days(request: Request, *usual: dt.date) -> tuple[dt.date, dt.date]:
    found = []
    for name, day in zip(("from", "to"), usual, strict=True):
        text = request.GET.get(name, "")[:40]
        try:
            found.append(dt.date.fromisoformat(text) if text else day)
        except ValueError:
            raise InputError(_("{value!r} is no day. Write it as 2026-03-31.").format(value=text)) from None
    first, last = found
    if not _EARLIEST <= first <= last <= _LATEST or (last - first).days > _MOST_DAYS:
        raise InputError(_("Choose at most {most} days, the last one not before the first.").format(most=_MOST_DAYS))
    return first, last


def _among(segment: str) -> Any:
    if not segment:
        return None
    found = Segment.objects.filter(pk=int(segment)).first() if segment.isascii() and segment.isdigit() else None
    if found is None:
        raise InputError(
            _("There is no segment {number}: its number stands in its address.").format(number=segment[:20])
        )
    return customers_of(found.rule)
