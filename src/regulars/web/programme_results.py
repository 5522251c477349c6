"""What the loyalty programme cost, and what it and its rules earned. Each part is counted after the page is there."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.insights.models import Segment
from regulars.insights.segments.query import customers_of
from regulars.loyalty.economics import economics
from regulars.loyalty.expenses import Kind, Spent, add_expense, expenses_between, new_key, remove_expense
from regulars.loyalty.joining import joined
from regulars.loyalty.joining_words import joining_sentences
from regulars.loyalty.paying_words import paying_sentences, paying_table
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.results_words import cost_sentences, cost_table, trial_sentences, trial_title
from regulars.loyalty.trials import trials
from regulars.report.words import Purse
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

_USUAL_DAYS = 91
_MOST_DAYS = 366
_EARLIEST, _LATEST = dt.date(1990, 1, 1), dt.date(2200, 1, 1)
_PATIENCE_MS = 20_000  # of each question to the database


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """Of the days and the segment in the address."""
    return _page(request)


@needs(Right.SEE_INSIGHTS)
@require_safe
def block(request: Request, part: str) -> HttpResponse:
    """One part of the page, which takes as long as it takes, but not for ever."""
    rules, count = _rules(), _PARTS.get(part)
    if count is None:
        raise Http404
    if rules is None:
        return render(request, "programme_results_part.html", {"part": "none"})
    try:
        wanted = _wanted(request.GET)
        found = in_time(_PATIENCE_MS, lambda: count(wanted, rules))
    except InputError as refused:
        return render(request, "programme_results_part.html", {"part": "error", "error": str(refused)}, status=422)
    context = {"part": part, **found} if found is not None else {"part": "late"}
    return render(request, "programme_results_part.html", context)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def add(request: Request) -> HttpResponse:
    """An expense of the programme."""
    typed = request.POST
    try:
        spent = Spent(
            _day(typed.get("day", "")), typed.get("kind", ""),
            read_money(typed.get("amount", ""), Business.current().currency), typed.get("note", ""),
        )  # fmt: skip
        add_expense(spent, key=typed.get("key", ""), by=request.user, address=address_of(request))
    except InputError as refused:
        return _page(request, refused=str(refused))
    messages.success(request, _("Written down."))
    return _back(request)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def remove(request: Request, expense_id: int) -> HttpResponse:
    """It was a mistake."""
    remove_expense(expense_id, by=request.user, address=address_of(request))
    messages.success(request, _("Taken out."))
    return _back(request)


@dataclass(frozen=True)
class _Wanted:
    """Which days, of the business's calendar, and which customers; None: all."""

    first: dt.date
    last: dt.date
    among: Any

    @property
    def moments(self) -> tuple[dt.datetime, dt.datetime]:
        """From when up to when."""
        zone = Business.current().zone
        days = (self.first, self.last + dt.timedelta(days=1))
        begin, end = (dt.datetime.combine(day, dt.time(), tzinfo=zone) for day in days)
        return begin, end


def _page(request: Request, *, refused: str = "") -> HttpResponse:
    rules = _rules()
    given = request.POST if refused else request.GET
    context: dict[str, Any] = {"valid": rules, "given": given, "error": "", "refused": refused}
    if rules is None:
        return render(request, "programme_results.html", context)
    try:
        wanted = _wanted(given)
    except InputError as error:
        context["error"], wanted = str(error), _wanted({})
    context |= {
        "days": (wanted.first, wanted.last), "segments": Segment.objects.order_by("name"), "parts": list(_PARTS),
        "query": _query(given), "kinds": Kind.choices, "key": new_key(), "currency": Business.current().currency,
        "expenses": expenses_between(wanted.first, wanted.last), "today": _today(),
    }  # fmt: skip
    return render(request, "programme_results.html", context, status=422 if context["error"] or refused else 200)


def _costs(wanted: _Wanted, rules: RuleSet) -> dict[str, Any]:
    begin, end = wanted.moments
    found = economics(begin, end, worth=rules.spending.worth, among=wanted.among)
    purse = Purse(Business.current().currency)
    titles = {tier: rules.tiers.title(tier) for tier in rules.tiers.ids} if rules.tiers else {}
    return {
        "is_empty": not found.whole.receipts and not found.cost.value,
        "said": cost_sentences(found, purse),
        "table": cost_table(found, purse, titles),
    }


def _joined(wanted: _Wanted, _rules: RuleSet) -> dict[str, Any]:
    return {"said": joining_sentences(joined(timezone.now()), Purse(Business.current().currency))}


def _trials(wanted: _Wanted, _rules: RuleSet) -> dict[str, Any]:
    business, found = Business.current(), trials(timezone.now())
    purse = Purse(business.currency)
    return {
        "trials": [
            {
                "title": trial_title(one), "said": trial_sentences(one, purse, business.zone),
                "lines": paying_table(one.payoff, purse) if one.payoff else [],
                "paying": paying_sentences(one.payoff, purse) if one.payoff else [],
            }
            for one in found
        ]
    }  # fmt: skip


_PARTS: dict[str, Callable[[_Wanted, RuleSet], dict[str, Any]]] = {
    "costs": _costs, "rules": _trials, "members": _joined
}  # fmt: skip


def _rules() -> RuleSet | None:
    valid = valid_at(timezone.now())
    return valid[1] if valid is not None else None


def _query(given: Any) -> str:
    return urlencode({name: given[name][:40] for name in ("from", "to", "segment") if given.get(name)})


def _back(request: Request) -> HttpResponse:
    return redirect(f"{reverse('programme_results')}?{_query(request.POST)}#expenses")


def _today() -> dt.date:
    return timezone.now().astimezone(Business.current().zone).date()


def _wanted(given: Any) -> _Wanted:
    today = _today()
    usual = (today - dt.timedelta(days=_USUAL_DAYS - 1), today)
    texts = [given.get(name, "")[:40] for name in ("from", "to")]
    first, last = (_day(text) if text else day for text, day in zip(texts, usual, strict=True))
    if not _EARLIEST <= first <= last <= _LATEST or (last - first).days > _MOST_DAYS:
        raise InputError(_("Choose at most {most} days, the last one not before the first.").format(most=_MOST_DAYS))
    return _Wanted(first, last, _among(given.get("segment", "")))


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(_("{value!r} is no day. Write it as 2026-03-31.").format(value=text[:40])) from None


def _among(segment: str) -> Any:
    if not segment:
        return None
    found = None
    if segment.isascii() and segment.isdigit() and len(segment) < 18:
        found = Segment.objects.filter(pk=int(segment)).first()
    if found is None:
        raise InputError(
            _("There is no segment {number}: its number stands in its address.").format(number=segment[:20])
        )
    return customers_of(found.rule)
