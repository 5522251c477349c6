"""Gift certificates in the office: batches for the printer, what is owed on them, and what happened to one."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.api.limits import A_MISS, charge, of_user, take
from regulars.core.errors import InputError
from regulars.core.i18n import N_, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money
from regulars.foundation.days import BOOKS_BEGIN, end_of_day, read_day, today
from regulars.foundation.models import Business
from regulars.loyalty import certificates
from regulars.loyalty.certificates import MOST_CERTIFICATES, MOST_DAYS, NoCertificate, make_certificates, take_numbers
from regulars.loyalty.certificates_owed import days_of_certificates, owed_on_certificates
from regulars.loyalty.models import Certificate, CertificateBatch
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

# what a state is called, and how its badge looks
STATES = {
    "printed": (N_("not sold yet"), ""),
    "valid": (N_("can be used"), "good"),
    "used": (N_("is used up"), ""),
    "expired": (N_("has expired"), "bad"),
    "cancelled": (N_("is cancelled"), "bad"),
}
_USUAL_DAYS = 365


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request) -> HttpResponse:
    """All batches, what is owed at the end of a day, and a form for the next batch."""
    return _page(request)


@needs(Right.SEE_PURCHASES)
@require_POST
def find(request: Request) -> HttpResponse:
    """The one of this number. The number is sent as a form: addresses stand in logs."""
    try:
        if not take(of_user(request.user.pk)):
            return _page(request, error=_("Too many numbers were tried: wait half a minute."), status=429)
        found = certificates.find(request.POST.get("certificate", ""))
    except NoCertificate as error:
        charge(of_user(request.user.pk), A_MISS)
        return _page(request, error=str(error), status=404)
    except InputError as error:
        return _page(request, error=str(error), status=422)
    return redirect("certificate", found.pk)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def make(request: Request) -> HttpResponse:
    """A new batch."""
    typed = request.POST
    count = _whole(typed.get("count", ""))
    try:
        days = typed.get("days", "").strip()
        make_certificates(
            typed.get("name", ""), count=count, amount=read_money(typed.get("amount", ""), Business.current().currency),
            days=_whole(days) if days else None, by=request.user, address=address_of(request),
        )  # fmt: skip
    except InputError as error:
        return _page(request, error=str(error), status=422)
    said = ngettext("{n} certificate is made.", "{n} certificates are made.", count)
    messages.success(request, said.format(n=format_number(count)))
    return redirect("certificates")


@needs(Right.MANAGE_BUSINESS)
@require_POST
def take_file(request: Request, batch_id: int) -> HttpResponseBase:
    """The numbers for the printer, once: whoever knows a number has its money."""
    batch = get_object_or_404(CertificateBatch, pk=batch_id)
    try:
        numbers = take_numbers(batch, by=request.user, address=address_of(request))
    except InputError as error:
        return _page(request, error=str(error), status=422)
    name = slugify(batch.name) or str(batch.pk)
    return StreamingHttpResponse(
        _lines(numbers), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="certificates-{name}.csv"'},
    )  # fmt: skip


@needs(Right.SEE_PURCHASES)
@require_safe
def one(request: Request, certificate_id: int) -> HttpResponse:
    """What happened to it. Its number is not shown: this page opens without knowing it."""
    return _one(request, _found(certificate_id))


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["POST"])
def cancel(request: Request, certificate_id: int) -> HttpResponse:
    """It is worth nothing any more."""
    found = _found(certificate_id)
    try:
        certificates.cancel(found, reason=request.POST.get("reason", ""), by=request.user, address=address_of(request))
    except InputError as error:
        return _one(request, found, error=str(error))
    messages.success(request, _("Cancelled."))
    return redirect("certificate", found.pk)


def _found(certificate_id: int) -> Certificate:
    return get_object_or_404(Certificate.objects.select_related("batch"), pk=certificate_id)


def _one(request: Request, found: Certificate, *, error: str = "") -> HttpResponse:
    context = {
        "certificate": found, "ending": certificates.ending(found), "error": error, "zone": Business.current().zone,
        "state": STATES[certificates.state_of(found, at=timezone.now())], "last_day": certificates.last_day(found),
        "movements": certificates.history(found), "may_cancel": request.user.may(Right.MANAGE_BUSINESS),
    }  # fmt: skip
    return render(request, "certificate.html", context, status=422 if error else 200)


def _lines(numbers: Iterator[str]) -> Iterator[str]:
    # digits alone, the first of them no zero: no spreadsheet takes one for a formula
    yield "number\r\n"
    for number in numbers:
        yield f"{number}\r\n"


def _page(request: Request, *, error: str = "", status: int = 200) -> HttpResponse:
    business = Business.current()
    try:
        day = read_day(request.GET.get("day", ""), first=BOOKS_BEGIN) or today()
        at = end_of_day(day)
    except InputError as refused:
        day, at, error, status = today(), timezone.now(), str(refused), 422
    context: dict[str, Any] = {
        "batches": certificates.batches(), "day_shown": day, "is_today": day == today(),
        "owed": owed_on_certificates(at=at), "days": days_of_certificates(day),
        "most": MOST_CERTIFICATES, "most_days": MOST_DAYS, "usual_days": _USUAL_DAYS, "error": error,
        "typed": request.POST, "zone": business.zone, "currency": business.currency,
        "may_make": request.user.may(Right.MANAGE_BUSINESS),
    }  # fmt: skip
    return render(request, "certificates.html", context, status=status)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
