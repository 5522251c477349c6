"""What the audit found: the first page, its chapters, and the audits themselves."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.models import AuditRun
from regulars.insights.results import chapter_of, index_of
from regulars.insights.selectors.runs import last_failure, newest_run, open_run, past_runs
from regulars.insights.services import request_audit
from regulars.purchases.models import Receipt
from regulars.web.access import Request, needs


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """The headlines, what to do first, and the way to every chapter."""
    run = newest_run()
    if run is None:
        return render(request, "insights_empty.html", _state(request) | {"has_purchases": Receipt.objects.exists()})
    index = index_of(run, current_language())
    return render(request, "insights.html", _state(request) | {"run": run, "index": index, "tab": "insights"})


@needs(Right.SEE_INSIGHTS)
@require_safe
def chapter(request: Request, chapter: str) -> HttpResponse:
    """One question of the owner, and the answer."""
    run = newest_run()
    found = None if run is None else chapter_of(run, current_language(), chapter)
    if run is None or found is None:
        raise Http404
    index = index_of(run, current_language())
    order = [one for part in index.parts for one in part.chapters]
    place = next(number for number, one in enumerate(order) if one.id == chapter)
    around = {
        "before": order[place - 1] if place else None,
        "next": order[place + 1] if place + 1 < len(order) else None,
    }
    content = {"run": run, "chapter": found, "index": index, "tab": "insights", **around}
    return render(request, "insights_chapter.html", content)


@needs(Right.SEE_INSIGHTS)
@require_safe
def runs(request: Request) -> HttpResponse:
    """The audits that were run."""
    content = _state(request) | {"runs": past_runs(), "tab": "insights_runs", "zone": _zone()}
    return render(request, "insights_runs.html", content)


@needs(Right.SEE_INSIGHTS)
@require_safe
def state(request: Request) -> HttpResponse:
    """How far the audit is: a piece of a page that asks for itself again until it is done."""
    content = _state(request)
    response = render(request, "insights_state.html", content)
    if content["open"] is None:
        response["HX-Refresh"] = "true"
    return response


@needs(Right.RUN_AUDITS)
@require_POST
def start(request: Request) -> HttpResponse:
    """Have an audit run now."""
    request_audit(request.user)
    messages.success(request, _("The audit is on its way. You can go on working."))
    return redirect("insights_runs")


def _state(request: Request) -> dict[str, Any]:
    return {
        "open": open_run(),
        "failure": last_failure(),
        "may_run": request.user.may(Right.RUN_AUDITS),
        "import_address": address_if_any("imports") if request.user.may(Right.RUN_IMPORTS) else "",
    }


def _zone() -> Any:
    business = Business.objects.first()
    return business.zone if business else dt.UTC


def address_if_any(name: str, *arguments: Any) -> str:
    """The address of a page, empty where this installation has no such page."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def run_of(number: str) -> AuditRun | None:
    """A finished audit by the number in an address."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return AuditRun.objects.filter(pk=int(number), state=AuditRun.State.DONE).first()
