"""A person's right to his data: all of them in one file, and erasure with an act."""

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.act import act_of
from regulars.customers.models import Customer, Erasure
from regulars.customers.selectors.consents import today
from regulars.customers.selectors.export import archive
from regulars.customers.services.erasing import DAYS, ask_erasure, erase, withdraw_erasure
from regulars.foundation.models import Business
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer
from regulars.web.customers.actions import day_of
from regulars.web.sign_in import address_of
from regulars.web.streaming import in_language


@needs(Right.EXPORT_CUSTOMERS)
@require_POST
def export(request: Request, customer_id: int) -> StreamingHttpResponse:
    """All that is known of him, as a ZIP. It is logged."""
    customer = seen_customer(request, customer_id)
    if not request.user.may(Right.SEE_CONTACTS):
        raise Http404
    log("person_exported", user=request.user, about=f"#{customer.pk}", address=address_of(request))
    return StreamingHttpResponse(
        in_language(archive(customer)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="customer-{customer.pk}.zip"'},
    )


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request, customer_id: int) -> HttpResponse:
    """The case: asked, due, done."""
    return _show(request, seen_customer(request, customer_id))


@needs(Right.EDIT_CUSTOMERS)
@require_POST
def ask(request: Request, customer_id: int) -> HttpResponse:
    """He demands it."""
    customer = seen_customer(request, customer_id)
    try:
        ask_erasure(
            customer, asked_on=day_of(request.POST.get("asked_on", "")) or today(),
            due_on=day_of(request.POST.get("due_on", "")), asked_by=request.POST.get("asked_by", ""), by=request.user,
        )  # fmt: skip
    except InputError as refused:
        return _show(request, customer, str(refused))
    messages.success(request, _("Written down. He is left in peace until it is done."))
    return redirect("erasure", customer.pk)


@needs(Right.ERASE_CUSTOMERS)
@require_POST
def withdraw(request: Request, customer_id: int, case_id: int) -> HttpResponse:
    """He thought better of it."""
    customer = seen_customer(request, customer_id)
    try:
        withdraw_erasure(get_object_or_404(Erasure, pk=case_id, customer=customer), by=request.user)
    except InputError as refused:
        return _show(request, customer, str(refused))
    messages.success(request, _("The demand is withdrawn."))
    return redirect("erasure", customer.pk)


@needs(Right.ERASE_CUSTOMERS)
@require_POST
def do(request: Request, customer_id: int, case_id: int) -> HttpResponse:
    """Erase; asked for with a word that nobody types by mistake."""
    customer = seen_customer(request, customer_id)
    case = get_object_or_404(Erasure, pk=case_id, customer=customer)
    if request.POST.get("word", "").strip() != str(customer.pk):
        return _show(request, customer, _("Type the customer's number {number} to erase.").format(number=customer.pk))
    try:
        erase(case, by=request.user)
    except InputError as refused:
        return _show(request, customer, str(refused))
    messages.success(request, _("Erased. The act is ready."))
    return redirect("erasure", customer.pk)


@needs(Right.ERASE_CUSTOMERS)
@require_safe
def act(request: Request, customer_id: int, case_id: int) -> HttpResponse:
    """The act as PDF."""
    customer = seen_customer(request, customer_id)
    case = get_object_or_404(Erasure, pk=case_id, customer=customer, done_at__isnull=False)
    response = HttpResponse(act_of(case, Business.objects.first()), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="erasure-{case.pk}.pdf"'
    return response


def _show(request: Request, customer: Customer, error: str = "") -> HttpResponse:
    cases = list(customer.erasures.select_related("registered_by", "done_by").order_by("-pk"))
    context = {
        "customer": customer, "error": error, "today": today(), "days": DAYS, "typed": request.POST,
        "open": next((one for one in cases if one.done_at is None), None),
        "done": [one for one in cases if one.done_at is not None],
    }  # fmt: skip
    return render(request, "customers/erasure.html", context, status=422 if error else 200)
