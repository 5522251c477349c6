"""Where staff gets the way to a customer's own page: a link to send or to scan, a code to read out."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core import barcodes
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty.models import CustomerPage
from regulars.loyalty.page_links import CODE_HOURS, LINK_DAYS, link_to, make_code, open_page, revoke_links
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer


@needs(Right.EDIT_CUSTOMERS)
@never_cache
@require_http_methods(["GET", "POST"])
def page(request: Request, customer_id: int) -> HttpResponse:
    """The link as text and as a picture, and what can be done with it."""
    # whoever has the link reads what its customer reads
    if not (request.user.may(Right.SEE_PURCHASES) and request.user.may(Right.SEE_CONTACTS)):
        raise PermissionDenied
    customer, done = seen_customer(request, customer_id), request.POST.get("do", "")
    try:
        if done == "make":
            open_page(customer, by=request.user, at=timezone.now())
        elif done == "code":
            return _shown(request, customer, code=make_code(customer, by=request.user, at=timezone.now()))
        elif done == "revoke":
            revoke_links(customer, by=request.user)
            messages.success(request, _("All links and codes that were given before are void."))
    except InputError as refused:
        return _shown(request, customer, error=str(refused), status=422)
    return redirect("customer_page", customer.pk) if done else _shown(request, customer)


def _shown(request: Request, customer: Customer, *, status: int = 200, **more: Any) -> HttpResponse:
    found = CustomerPage.objects.filter(customer=customer).first()
    context = {"customer": customer, "days": LINK_DAYS, "hours": CODE_HOURS, "link": "", "code": "", "error": ""}
    if found is not None:
        link = link_to(found, at=timezone.now())
        address = request.build_absolute_uri(reverse("own_door", args=[link.token]))
        context |= {"link": address, "last_day": link.last_day, "square": barcodes.svg(address, barcodes.Kind.QR)}
    typed_at = request.build_absolute_uri(reverse("own_page"))
    return render(request, "customers/own_page.html", context | {"typed_at": typed_at} | more, status=status)
