"""The cashier's page of gift certificates, for a telephone: what is on one, selling it, and taking it back unused."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.loyalty.certificate_deals import Deal, Undoing, deal_of, sell_certificates, take_back_certificates
from regulars.loyalty.certificates import ending, find, last_day, state_of
from regulars.loyalty.models import Certificate
from regulars.loyalty.telling import NotNow
from regulars.web.access import Request, needs
from regulars.web.certificates import STATES
from regulars.web.till import (
    counted,
    enter,
    has_photo,
    new_number,
    number_of_form,
    scanned,
    status_of,
    whole,
    with_camera,
)


@needs(Right.SERVE_AT_TILL)
@require_http_methods(["GET", "POST"])
@with_camera
def page(request: Request) -> HttpResponse:
    """Find a certificate by its number or a photo of its barcode."""
    if request.method != "POST":
        return _shown(request, "")
    written = request.POST.get("certificate", "").strip()
    try:
        enter(request)
        if has_photo(request):
            written = scanned(request)
        return _shown(request, written, counted(request, lambda: find(written)))
    except InputError as error:
        return _shown(request, written, error=error)


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def sell(request: Request) -> HttpResponse:
    """It was paid: it is worth something from now on."""
    typed = request.POST
    written = typed.get("certificate", "").strip()
    try:
        enter(request)
        deal = Deal(
            _till(request), number_of_form(typed), (written,), whole(typed.get("paid", "")), request.user.name[:200]
        )
        made = counted(request, lambda: sell_certificates(deal))
    except InputError as error:
        return _shown(request, written, error=error)
    one = find(written)
    said = _("Sold: certificate {number} for {money}.")
    messages.success(
        request, said.format(number=ending(one), money=format_money(made.amount, one.batch.currency, exact=True))
    )
    return redirect("till_certificates")


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def take_back(request: Request) -> HttpResponse:
    """The money goes back, and it is worth nothing any more."""
    typed = request.POST
    written = typed.get("certificate", "").strip()
    try:
        enter(request)
        one = counted(request, lambda: find(written))
        sold = deal_of(one)
        if sold is None:
            raise NotNow(_("Certificate {number} is not sold yet: sell it first.").format(number=ending(one)))
        made = take_back_certificates(
            Undoing(
                _till(request), number_of_form(typed), sold.till, sold.number, (one.number,), request.user.name[:200]
            )
        )
    except InputError as error:
        return _shown(request, written, error=error)
    said = _("Give back {money}: certificate {number} is cancelled.")
    messages.success(
        request, said.format(number=ending(one), money=format_money(made.amount, one.batch.currency, exact=True))
    )
    return redirect("till_certificates")


def _till(request: Request) -> str:
    return f"user:{request.user.pk}"


def _shown(
    request: Request, written: str, found: Certificate | None = None, *, error: InputError | None = None
) -> HttpResponse:
    state = state_of(found, at=timezone.now()) if found else ""
    context = {
        "written": written, "found": found, "error": str(error or ""), "state": state, "title": STATES.get(state),
        "ending": ending(found) if found else "", "last_day": last_day(found) if found else None,
        "is_unused": found is not None and state == "valid" and not found.movements.exclude(kind="sold").exists(),
        "number_of_form": new_number(),
    }  # fmt: skip
    return render(request, "till_certificate.html", context, status=status_of(error))
