"""Review: what is odd at tills, receipts that may have been rung up twice, and points that wait for a second person."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.api.models import ApiKey
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.selectors.membership import segments_of
from regulars.loyalty.concentration import DAYS, FEWEST, RATE, concentration
from regulars.loyalty.correcting import agree, decline, seen_corrections, waiting_corrections
from regulars.loyalty.debts import debts
from regulars.loyalty.offline import stuck, try_again
from regulars.loyalty.reviewing import decide, decided_alerts, find_alert, open_alerts, what_is_odd
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

_DECIDED = 20


@needs(Right.WATCH_TILLS)
@require_safe
def page(request: Request) -> HttpResponse:
    """Everything that waits for somebody's word, and what was said of late."""
    business = Business.current()
    context: dict[str, Any] = {
        "corrections": waiting_corrections(request.user),
        "alerts": open_alerts(request.user),
        "decided": decided_alerts(request.user, _DECIDED),
        "say": what_is_odd,
        "stuck": stuck(),
        "debts": debts(request.user),
        "tills": {f"till:{key}": name for key, name in ApiKey.objects.values_list("pk", "name")},
        "zone": business.zone,
        "currency": business.currency,
    }
    return render(request, "review.html", context)


@needs(Right.WATCH_TILLS)
@require_safe
def meetings(request: Request) -> HttpResponse:
    """Cards that meet one cashier more often than chance makes them."""
    found = concentration(request.user, as_of=timezone.now())
    context = {"found": found, "days": DAYS, "fewest": FEWEST, "rate": RATE}
    return render(request, "review_meetings.html", context)


@needs(Right.WATCH_TILLS)
@require_POST
def decide_alert(request: Request, alert_id: int) -> HttpResponse:
    """It was right, or it was wrong."""
    alert = find_alert(alert_id, request.user)
    if alert is None:
        raise Http404

    def decided(is_right: bool) -> str:
        decide(alert, is_right=is_right, by=request.user, address=address_of(request))
        return _("Written down.") if is_right or alert.kind != alert.Kind.SAME else _("The later receipt is cancelled.")

    return _said(request, decided)


@needs(Right.WATCH_TILLS)
@require_POST
def decide_correction(request: Request, correction_id: int) -> HttpResponse:
    """Agree to points that another person asked for, or decline them."""
    if not seen_corrections(request.user).filter(pk=correction_id).exists():
        raise Http404

    def decided(is_right: bool) -> str:
        (agree if is_right else decline)(correction_id, by=request.user, address=address_of(request))
        return _("Done.") if is_right else _("Declined: nothing has changed.")

    return _said(request, decided)


@needs(Right.WATCH_TILLS)
@require_POST
def try_offline(request: Request, document_id: int) -> HttpResponse:
    """Write what a till told and could not be written, also as that of nobody."""
    pressed = request.POST.get("decision")
    try:
        if pressed not in ("again", "without"):
            raise InputError(_("Press one of the buttons."))
        problem = try_again(
            document_id, by=request.user, segments=segments_of, without_card=pressed == "without",
            address=address_of(request),
        )  # fmt: skip
        if problem:
            raise InputError(problem)
        messages.success(request, _("Written."))
    except InputError as refused:
        messages.error(request, str(refused))
    return redirect("review")


def _said(request: Request, decide: Callable[[bool], str]) -> HttpResponse:
    """Do what was pressed and tell what came of it. A form without its button decides nothing."""
    try:
        pressed = request.POST.get("decision")
        if pressed not in ("yes", "no"):
            raise InputError(_("Press one of the buttons."))
        messages.success(request, decide(pressed == "yes"))
    except InputError as refused:
        messages.error(request, str(refused))
    return redirect("review")
